"""Reads from an OMERO server."""
