"""What a user may choose about the pixels of images."""

from __future__ import annotations

from enum import StrEnum


class PixelsPolicy(StrEnum):
    """What of an image travels: its original files, its pixels, or both."""

    #: Original files where they can be had, else pixels.
    ORIGINAL = "original"
    #: Pixels of everything.
    ZARR = "zarr"
    #: Pixels of everything, and original files where they can be had.
    BOTH = "both"


class PixelsAs(StrEnum):
    """How pixels without original files get into a server."""

    #: Tile by tile into OMERO's own pixel files; lossy for integer planes above the server's limit.
    TILES = "tiles"
    #: As an OME-TIFF that is imported.
    OME_TIFF = "ome-tiff"
