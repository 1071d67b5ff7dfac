"""The command ``unpack``: the content of a crate onto the server."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from omero_rocrate_transfer.cli.options.crate_limits import crate_limits
from omero_rocrate_transfer.cli.options.transfers import unpack_options
from omero_rocrate_transfer.cli.process import runs
from omero_rocrate_transfer.cli.process.follow_ids import follow_ids
from omero_rocrate_transfer.cli.servers import endpoints
from omero_rocrate_transfer.transfer.check import check
from omero_rocrate_transfer.transfer.document_cache import DocumentCache
from omero_rocrate_transfer.transfer.engine import Engine
from omero_rocrate_transfer.transfer.events import Planned
from omero_rocrate_transfer.transfer.journal.state import read_history
from omero_rocrate_transfer.transfer.rate_limit import Pace
from omero_rocrate_transfer.transfer.retry import Retry
from omero_rocrate_transfer.transfer.run import run

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from omero_rocrate_transfer.transfer.events import Event
    from omero_rocrate_transfer.transfer.interrupt import Interrupt
    from omero_rocrate_transfer.transfer.journal.file import Journal
    from omero_rocrate_transfer.transfer.plan import Plan
    from omero_rocrate_transfer.transfer.ports import Source


def unpack(ctx: Any, args: argparse.Namespace, interrupt: Interrupt) -> Iterator[Event]:
    """Rebuild the content of a crate on the server."""
    chosen = unpack_options(args)
    engine = Engine(
        parallel=chosen.parallel, interrupt=interrupt, retry=Retry(chosen.retries), pace=Pace(chosen.limits)
    )
    with interrupt.at_once():
        source = DocumentCache(endpoints.crate_source(chosen, crate_limits(args)))
    with closing(source):
        with interrupt.at_once():
            contents = source.read_contents(())
            connection = endpoints.server_connection(ctx, args, engine.retry)
            target = endpoints.find_target(connection, chosen.target)
            begun = runs.unpack_run(chosen, contents, target)
            if chosen.run is None:
                endpoints.refuse_doubles(begun, connection, target.group, engine.retry)
            if chosen.idmap is not None and not chosen.dry_run:
                runs.check_idmap(chosen.idmap, begun.plan.run_name)
            owners = endpoints.target_owners(connection, chosen, contents, source)
            endpoints.bring_back(engine.retry, owners)
        yield Planned(contents=contents, dry_run=chosen.dry_run)
        if chosen.dry_run:
            return
        with closing(owners), begun.open() as journal:
            sink = endpoints.server_sink(connection, owners, chosen, chosen.content, journal.run_id)
            checking = _check_rest(begun.plan, source, engine, journal, documents=not chosen.owners.as_owner)
            yield from checking
            moving = run(begun.plan, source, sink, engine, journal)
            yield from follow_ids(
                chosen.idmap, begun.plan.run_name, (contents, connection.info), journal, moving
            )


def _check_rest(
    plan: Plan, source: Source, engine: Engine, journal: Journal, *, documents: bool
) -> Iterator[Event]:
    """Check what is still to be sent, before the first byte of it is; see `check`."""
    done = read_history(journal.records).done
    left = tuple(unit for unit in plan.contents.units if unit.ref not in done)
    if left:
        yield from check(replace(plan.contents, units=left), source, engine, documents=documents)
