"""Compares what is there with what should be there."""
