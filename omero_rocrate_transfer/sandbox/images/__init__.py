"""Readers of originals: what Bio-Formats is to a real server, for the formats the tests and the demo use."""

from .errors import FormatError, UnknownFormatError, UnsupportedCompressionError
from .formats import open_original
from .series import Original, Region, Series

__all__ = [
    "FormatError",
    "Original",
    "Region",
    "Series",
    "UnknownFormatError",
    "UnsupportedCompressionError",
    "open_original",
]
