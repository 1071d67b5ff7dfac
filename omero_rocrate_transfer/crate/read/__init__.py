"""Reads crates: nothing is extracted, nothing is trusted."""
