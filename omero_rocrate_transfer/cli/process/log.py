"""The log file of a command: complete, while the terminal stays quiet."""

from __future__ import annotations

import logging
import os
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE_LOGGER = logging.getLogger("omero_rocrate_transfer")


def log_folder() -> Path:
    """Return where logs are kept: beside OMERO's sessions, which ``OMERO_USERDIR`` may move."""
    return Path(os.environ.get("OMERO_USERDIR") or Path.home() / "omero") / "transfer"


class _LogFile(logging.FileHandler):
    """Loses lines where the disk is full: the command itself says so, once."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- a method of logging
        """Print what went wrong with a line, unless that was the disk."""
        if not isinstance(sys.exception(), OSError):
            super().handleError(record)

    def close(self) -> None:
        """Close the file, whether or not the last lines got into it."""
        with suppress(OSError):
            super().close()


@contextmanager
def open_log(command: str) -> Iterator[Path | None]:
    """Write all that the package logs into a new file while the block runs.

    Yields
    ------
    Path or None
        The file; None where it cannot be written, which must not keep anybody from transferring.
    """
    path = log_folder() / f"{command}-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.log"
    handler: logging.Handler
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = _LogFile(path, encoding="utf-8", errors="backslashreplace")
    except OSError:
        path, handler = None, logging.NullHandler()  # type: ignore[assignment]  # None: no file
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    level, propagate = PACKAGE_LOGGER.level, PACKAGE_LOGGER.propagate
    PACKAGE_LOGGER.addHandler(handler)
    PACKAGE_LOGGER.setLevel(logging.INFO)
    # Otherwise the root logger, which the omero command sets up, would show tracebacks on the terminal.
    PACKAGE_LOGGER.propagate = False
    try:
        yield path
    finally:
        PACKAGE_LOGGER.removeHandler(handler)
        PACKAGE_LOGGER.setLevel(level)
        PACKAGE_LOGGER.propagate = propagate
        handler.close()
