"""Logs in the way every OMERO command does."""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.cli.output.render import note
from omero_rocrate_transfer.cli.process.log import log_folder
from omero_rocrate_transfer.model.errors import LoginError, StoppedError
from omero_rocrate_transfer.transfer.disk import NO_ROOM, full_disk_errors

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

_MAX_TEXT: Final = 300
_HINT: Final = "Try omero login first."
#: Files of properties, with commas between them, that Ice reads for every new client.
_ICE_CONFIG: Final = "ICE_CONFIG"
#: What OMERO says on the way, whether or not it gets anywhere.
_NOTICES: Final = ("Overriding ", "Ignoring ", "Skipped ", "Previous")


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

    from omero_rocrate_transfer.server.session.timeouts import ice_properties

    # Clients that only wait to be collected would be found by Ice when Python is gone, and be told about.
    atexit.unregister(gc.collect)
    atexit.register(gc.collect)
    asked = sys.stdin is not None and sys.stdin.isatty()
    said = io.StringIO()
    stream = sys.stderr if asked else said
    try:
        with (
            redirect_stdout(stream),
            redirect_stderr(stream),
            _ice_config(ice_properties(args.answer_timeout)),
        ):
            client = ctx.conn(args)
    except NonZeroReturnCode as error:
        _refuse_full_disk(said.getvalue())
        raise LoginError(f"Login failed. {_reason(said.getvalue())}".strip(), hint=_HINT) from error
    if client is None:
        raise LoginError("Login failed.", hint=_HINT)
    for line in said.getvalue().splitlines():
        note(line)
    return client


def _refuse_full_disk(text: str) -> None:
    """Raise where OMERO could not keep its session; it tells so in words only.

    Raises
    ------
    StoppedError
    """
    if any(os.strerror(number) in text for number in NO_ROOM):
        raise StoppedError(
            f"{log_folder().parent}: no space left to keep the session.",
            hint="Make room, then give the same command again.",
        )


@contextmanager
def _ice_config(properties: Mapping[str, str]) -> Iterator[None]:
    """Give properties to the clients that are made inside the block.

    OMERO's command line makes its client itself, of what it stores of the session, where they do not belong.
    """
    before = os.environ.get(_ICE_CONFIG)
    with NamedTemporaryFile("wb", prefix="omero-transfer-", suffix=".config") as file:
        with full_disk_errors(path := Path(file.name)):
            path.write_text("".join(f"{name}={value}\n" for name, value in properties.items()), "utf-8")
        os.environ[_ICE_CONFIG] = f"{before},{file.name}" if before else file.name
        try:
            yield
        finally:
            if before is None:
                del os.environ[_ICE_CONFIG]
            else:
                os.environ[_ICE_CONFIG] = before


def _reason(text: str) -> str:
    """Return the first thing OMERO said that is no notice, as a sentence; what follows only repeats it."""
    lines = (line.strip() for line in text.splitlines())
    reason = next((line for line in lines if line and not line.startswith(_NOTICES)), "")
    return f"{reason[:_MAX_TEXT].rstrip('.')}." if reason else ""
