"""OMERO servers as source and sink; the only package beside the sandbox that imports omero and Ice."""
