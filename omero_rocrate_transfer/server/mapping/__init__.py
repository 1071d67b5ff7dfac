"""OMERO's classes as elements of an OME document, and back."""
