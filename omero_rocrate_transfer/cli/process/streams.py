"""The standard streams, as they may be: closed, full, or unable to hold every letter."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Final

_STREAMS: Final = (0, 1, 2)


def prepare_streams() -> None:
    """Make the standard streams take whatever is written to them.

    Letters that their encoding lacks become escapes. A stream that was closed when the process began is
    opened on the null device: otherwise the next file that is opened would get what libraries write there.
    """
    for number in _STREAMS:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def drop_failed() -> None:
    """Point streams that cannot be written to the null device, so that Python does not fail at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            with suppress(OSError):
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, stream.fileno())
                os.close(null)
