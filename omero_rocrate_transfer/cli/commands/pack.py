"""The command ``pack``: objects of the server into a crate."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from omero_rocrate_transfer.cli.options.crate_limits import crate_limits
from omero_rocrate_transfer.cli.options.transfers import pack_options
from omero_rocrate_transfer.cli.output.render import note
from omero_rocrate_transfer.cli.process import runs
from omero_rocrate_transfer.cli.servers import endpoints
from omero_rocrate_transfer.transfer.engine import Engine
from omero_rocrate_transfer.transfer.events import Planned
from omero_rocrate_transfer.transfer.rate_limit import Pace
from omero_rocrate_transfer.transfer.retry import Retry
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
    runs.refuse_existing(chosen.path, runs.pack_name(chosen), hint="Name another path, or remove it.")
    engine = Engine(
        parallel=chosen.parallel, interrupt=interrupt, retry=Retry(chosen.retries), pace=Pace(chosen.limits)
    )
    with interrupt.at_once():
        source, agent = endpoints.server_source(ctx, args, chosen, engine.retry)
    with closing(source):
        with interrupt.at_once():
            contents = engine.retry.call(lambda: source.read_contents(chosen.objects))
        yield Planned(contents=contents, dry_run=chosen.dry_run)
        if chosen.dry_run:
            return
        begun = runs.pack_run(chosen, contents)
        with begun.open() as journal:
            sink = endpoints.crate_sink(chosen, agent, journal.run_id, crate_limits(args))
            yield from run(begun.plan, source, sink, engine, journal, ignore_errors=chosen.ignore_errors)
