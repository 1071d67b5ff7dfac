"""Readers of originals: what Bio-Formats is to a real server, for the formats the tests and the demo use."""

from omero_sandbox.images.errors import FormatError, UnknownFormatError, UnsupportedCompressionError
from omero_sandbox.images.formats import open_original
from omero_sandbox.images.series import Original, Region, Series

__all__ = [
    "FormatError",
    "Original",
    "Region",
    "Series",
    "UnknownFormatError",
    "UnsupportedCompressionError",
    "open_original",
]
