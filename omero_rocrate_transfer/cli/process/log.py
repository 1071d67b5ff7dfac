"""The log file of a command: complete, while the terminal stays quiet."""

from __future__ import annotations

import logging
import os
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from omero_rocrate_transfer.cli.output.text import escape
from omero_rocrate_transfer.model.errors import NotFoundError
from omero_rocrate_transfer.model.secrets import redact
from omero_rocrate_transfer.transfer.disk import make_private_folder, open_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import TextIOWrapper

PACKAGE_LOGGER = logging.getLogger("omero_rocrate_transfer")


def log_folder() -> Path:
    """Return where logs are kept: beside OMERO's sessions, which ``OMERO_USERDIR`` may move.

    Raises
    ------
    NotFoundError
        There is no home folder: neither HOME nor the list of users has one.
    """
    try:
        return Path(os.environ.get("OMERO_USERDIR") or Path.home() / "omero") / "transfer"
    except RuntimeError as error:
        raise NotFoundError(
            "There is no home folder to keep journals in.",
            hint="Set HOME, or OMERO_USERDIR, to a folder of yours.",
        ) from error


class _Formatter(logging.Formatter):
    """Writes no secret, and nothing that a terminal would obey or that could pass for a line of our own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record: all but the first are indented, as tracebacks are."""
        first, *rest = redact(super().format(record)).split("\n")
        return "\n".join([escape(first), *(f"    {escape(line)}" for line in rest)])


class _LogFile(logging.FileHandler):
    """Loses lines where the disk is full: the command itself says so, once."""

    def _open(self) -> TextIOWrapper:
        """Open the file for this user alone."""
        return open(self.baseFilename, "a", encoding=self.encoding, errors=self.errors, opener=open_private)

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
    handler: logging.Handler
    try:
        path = log_folder() / f"{command}-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.log"
        make_private_folder(path.parent)
        handler = _LogFile(path, encoding="utf-8", errors="backslashreplace")
    except (OSError, NotFoundError):
        path, handler = None, logging.NullHandler()
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
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
