"""The commands: options, source, plan, sink, run. Each yields the events of what it does."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from omero_rocrate_transfer.cli import endpoints
from omero_rocrate_transfer.cli.options import pack_options, unpack_options
from omero_rocrate_transfer.cli.render import note
from omero_rocrate_transfer.transfer.check import check
from omero_rocrate_transfer.transfer.events import Planned
from omero_rocrate_transfer.transfer.idmap import IdMap, refuse_existing
from omero_rocrate_transfer.transfer.run import run

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from omero_rocrate_transfer.transfer.events import Event
    from omero_rocrate_transfer.transfer.interrupt import Interrupt


def pack(ctx: Any, args: argparse.Namespace, interrupt: Interrupt) -> Iterator[Event]:
    """Write objects of the server into a crate."""
    chosen = pack_options(args)
    if args.zip and not args.quiet:
        note("--zip has no effect: the ending of the target decides.")
    endpoints.refuse_existing(chosen)
    with interrupt.at_once():
        source, agent = endpoints.server_source(ctx, args)
    with closing(source):
        with interrupt.at_once():
            contents = source.read_contents(chosen.objects)
        yield Planned(contents=contents, dry_run=chosen.dry_run)
        if chosen.dry_run:
            return
        yield from run(
            contents,
            source,
            endpoints.crate_sink(chosen, agent),
            parallel=chosen.parallel,
            interrupt=interrupt,
            ignore_errors=chosen.ignore_errors,
        )


def unpack(ctx: Any, args: argparse.Namespace, interrupt: Interrupt) -> Iterator[Event]:
    """Rebuild the content of a crate on the server."""
    chosen = unpack_options(args)
    refuse_existing(chosen.idmap)
    with interrupt.at_once():
        source = endpoints.crate_source(chosen)
    with closing(source):
        with interrupt.at_once():
            contents = source.read_contents(())
            sink, target = endpoints.server_sink(ctx, args, chosen)
        yield Planned(contents=contents, dry_run=chosen.dry_run)
        if chosen.dry_run:
            return
        yield from check(contents, source, parallel=chosen.parallel, interrupt=interrupt)
        with IdMap(chosen.idmap, contents.source, target) as idmap:
            for event in run(contents, source, sink, parallel=chosen.parallel, interrupt=interrupt):
                idmap.take(event)
                yield event
