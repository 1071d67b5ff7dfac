"""The command ``verify``: a crate against itself, its source, or what was made of it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from omero_rocrate_transfer.cli import endpoints
from omero_rocrate_transfer.cli.combined import write_combined
from omero_rocrate_transfer.cli.read_options import verify_options
from omero_rocrate_transfer.transfer.verify import verify as verify_audit

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from omero_rocrate_transfer.cli.read_options import VerifyOptions
    from omero_rocrate_transfer.transfer.events import Event
    from omero_rocrate_transfer.transfer.interrupt import Interrupt


def verify(_ctx: Any, args: argparse.Namespace, interrupt: Interrupt) -> Iterator[Event]:
    """Check a crate."""
    chosen = verify_options(args)
    events = _verify_crate(chosen, interrupt)
    yield from events if chosen.combined is None else write_combined(chosen.combined, events)


def _verify_crate(chosen: VerifyOptions, interrupt: Interrupt) -> Iterator[Event]:
    with closing(endpoints.crate_audit(chosen.path)) as audit:
        yield from verify_audit(
            audit,
            parallel=chosen.parallel,
            interrupt=interrupt,
            quick=chosen.quick,
            subset=chosen.subset,
        )
