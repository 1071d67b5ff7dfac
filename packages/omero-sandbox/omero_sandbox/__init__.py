"""A small OMERO-compatible server in pure Python, for the demo and the tests; not for production data."""
