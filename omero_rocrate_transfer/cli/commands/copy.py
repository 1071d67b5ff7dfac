"""The command ``copy``: from one server into another, nothing staged on disk."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from omero_rocrate_transfer.cli.options.copy import copy_options
from omero_rocrate_transfer.cli.process import runs
from omero_rocrate_transfer.cli.process.follow_ids import follow_ids
from omero_rocrate_transfer.cli.servers import endpoints
from omero_rocrate_transfer.transfer.document_cache import DocumentCache
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


def copy(ctx: Any, args: argparse.Namespace, interrupt: Interrupt) -> Iterator[Event]:
    """Take objects of the server to another one."""
    chosen = copy_options(args)
    engine = Engine(
        parallel=chosen.parallel, interrupt=interrupt, retry=Retry(chosen.retries), pace=Pace(chosen.limits)
    )
    with interrupt.at_once():
        here = endpoints.server_connection(ctx, args, engine.retry)
        source = DocumentCache(endpoints.chosen_source(here, chosen))
    with closing(source):
        with interrupt.at_once():
            there = endpoints.target_connection(here, chosen.to, engine.retry)
            target = endpoints.find_target(there, chosen.target)
        with closing(there):
            with interrupt.at_once():
                contents = engine.retry.call(lambda: source.read_contents(chosen.objects))
                begun = runs.copy_run(chosen, contents, target)
                if chosen.run is None:
                    endpoints.refuse_doubles(begun, there, target.group, engine.retry)
                if chosen.idmap is not None and not chosen.dry_run:
                    runs.check_idmap(chosen.idmap, begun.plan.run_name)
                owners = endpoints.target_owners(there, chosen, contents, source)
                endpoints.bring_back(engine.retry, here, owners)
            yield Planned(contents=contents, dry_run=chosen.dry_run)
            if chosen.dry_run:
                return
            with closing(owners), begun.open() as journal:
                sink = endpoints.server_sink(there, owners, chosen, chosen.made, journal.run_id)
                moving = run(begun.plan, source, sink, engine, journal)
                yield from follow_ids(
                    chosen.idmap, begun.plan.run_name, (contents, there.info), journal, moving
                )
