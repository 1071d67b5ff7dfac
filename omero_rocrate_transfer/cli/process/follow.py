"""Follows a command from its first event to its exit code."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.cli.output.render import note, open_renderer
from omero_rocrate_transfer.cli.process.exit_codes import conclude
from omero_rocrate_transfer.cli.process.log import open_log
from omero_rocrate_transfer.cli.process.memory import look_for_garbage_rarely, return_large_buffers
from omero_rocrate_transfer.model.errors import StoppedError
from omero_rocrate_transfer.transfer.events import Finished
from omero_rocrate_transfer.transfer.interrupt import Interrupt

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from omero_rocrate_transfer.cli.output.render import Renderer
    from omero_rocrate_transfer.transfer.events import Event

    Command = Callable[[Any, argparse.Namespace, Interrupt], Iterator[Event]]

#: The distribution that registers the same command.
PEER: Final = "omero-cli-transfer"
_VERBS: Final = {
    "pack": "Packed",
    "unpack": "Unpacked",
    "copy": "Copied",
    "verify": "Verified",
    "list": "Listed",
    "status": "Listed",
    "undo": "Undone",
}

#: Those that go on where they were stopped.
_RUNS: Final = {"pack", "unpack", "copy", "undo"}

log = logging.getLogger(__name__)


def follow(command: Command, ctx: Any, args: argparse.Namespace) -> int:
    """Run the command, show its events, and return the exit code of the last one."""
    # list_crate is the command list, a name that Python itself needs
    name = command.__name__.removesuffix("_crate")
    return_large_buffers()
    look_for_garbage_rarely()
    with open_log(name) as log_path, Interrupt() as interrupt:
        log.info("%s begins", name)
        renderer = open_renderer(style=args.progress, use_json=args.json, quiet=args.quiet, verb=_VERBS[name])
        if not args.quiet:
            _tell_of_peer()
        try:
            exit_code = _show_all(conclude(command(ctx, args, interrupt), goes_on=name in _RUNS), renderer)
        except BrokenPipeError:
            log.info("%s ended: nobody reads what it says", name)
            return _nobody_reads()
        finally:
            renderer.close()
        log.info("%s ended with %d", name, exit_code)
    if exit_code and log_path is not None and not args.quiet:
        note(f"Log      {log_path}")
    return exit_code


def _show_all(events: Iterator[Event], renderer: Renderer) -> int:
    exit_code = 1
    # Closing ends the run cleanly where the loop is left early.
    with closing(events):  # type: ignore[type-var]  # conclude is a generator
        for event in events:
            if isinstance(event, Finished):
                exit_code = event.exit_code
            renderer.show(event)
    return exit_code


def _nobody_reads() -> int:
    """End as stopped, and keep Python from failing once more when it flushes the closed pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return StoppedError.exit_code


def _tell_of_peer() -> None:
    """Say which of the two plugins named "transfer" this is, where both are installed."""
    try:
        version(PEER)
    except PackageNotFoundError:
        return
    note(f"{PEER} is installed too; this is omero-rocrate-transfer.")
