"""Writes crates: streamed, and complete only with their metadata."""
