"""Writes into an OMERO server."""
