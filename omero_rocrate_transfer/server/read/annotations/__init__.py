"""Annotations of OMERO: read with few calls into OME documents and extras, and written from them."""
