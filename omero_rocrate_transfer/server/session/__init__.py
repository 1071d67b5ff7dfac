"""Sessions on an OMERO server: connections, calls, queries, owners."""
