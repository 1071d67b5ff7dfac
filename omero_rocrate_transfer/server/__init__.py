"""OMERO servers as source and sink; the only package beside the sandbox that imports omero and Ice."""

# omero-py fills omero.sys, omero.model and Glacier2 piece by piece; this fills them whole.
import omero.all  # noqa: F401
