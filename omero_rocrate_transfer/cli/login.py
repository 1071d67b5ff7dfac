"""Logs in the way every OMERO command does."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.cli.render import note
from omero_rocrate_transfer.model.errors import LoginError

if TYPE_CHECKING:
    import argparse

_MAX_TEXT: Final = 300


def log_in(ctx: Any, args: argparse.Namespace) -> Any:
    """Return the connected ``omero.client`` of the OMERO command line.

    Where nobody can be asked for a password, what OMERO says is held back: after a failure it becomes the one
    sentence of the error. Nothing it says reaches the standard output, which is for results.

    Raises
    ------
    LoginError
        No connection, or the server does not let this user in.
    """
    from omero.cli import NonZeroReturnCode

    said = sys.stderr if sys.stdin is not None and sys.stdin.isatty() else io.StringIO()
    try:
        with redirect_stdout(said), redirect_stderr(said):
            client = ctx.conn(args)
    except NonZeroReturnCode as error:
        raise LoginError(f"Login failed. {_one_line(said)}".strip(), hint="Try omero login first.") from error
    if client is None:
        raise LoginError("Login failed.", hint="Try omero login first.")
    if isinstance(said, io.StringIO) and said.getvalue().strip():
        note(_one_line(said))
    return client


def _one_line(said: Any) -> str:
    if not isinstance(said, io.StringIO):
        return ""
    text = " ".join(line.strip() for line in said.getvalue().splitlines() if line.strip())
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"
