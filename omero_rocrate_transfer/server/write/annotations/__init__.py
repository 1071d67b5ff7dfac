"""Writes annotations: each once in a run, then the links to it."""
