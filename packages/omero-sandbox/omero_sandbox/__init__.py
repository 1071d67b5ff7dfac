"""A small OMERO-compatible server in pure Python, for the demo and the tests; not for production data."""

__version__ = "0.1.0.dev0"
