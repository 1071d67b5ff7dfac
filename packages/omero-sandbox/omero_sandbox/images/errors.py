"""What can go wrong when an original is opened or read, in Bio-Formats' own classes."""


class FormatError(Exception):
    """The file is of a known format but cannot be read (Bio-Formats: ``FormatException``)."""


class UnknownFormatError(FormatError):
    """No reader takes the file (Bio-Formats: ``UnknownFormatException``)."""


class UnsupportedCompressionError(FormatError):
    """The pixels are compressed by a codec that is not installed (``UnsupportedCompressionException``)."""
