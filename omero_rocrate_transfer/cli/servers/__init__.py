"""Logs in, and opens the sources and sinks of a command."""
