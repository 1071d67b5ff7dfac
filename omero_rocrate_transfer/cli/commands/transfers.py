"""The commands: options, source, plan, sink, run. Each yields the events of what it does."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from omero_rocrate_transfer.cli.options.transfers import pack_options, unpack_options
from omero_rocrate_transfer.cli.output.render import note
from omero_rocrate_transfer.cli.process import runs
from omero_rocrate_transfer.cli.servers import endpoints
from omero_rocrate_transfer.transfer.check import check
from omero_rocrate_transfer.transfer.events import Planned
from omero_rocrate_transfer.transfer.journal.id_map import IdMap
from omero_rocrate_transfer.transfer.journal.state import read_history
from omero_rocrate_transfer.transfer.rate_limit import Pace
from omero_rocrate_transfer.transfer.retry import Retry
from omero_rocrate_transfer.transfer.run import run

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

    from omero_rocrate_transfer.cli.options.transfers import UnpackOptions
    from omero_rocrate_transfer.model.contents import Contents, SourceInfo
    from omero_rocrate_transfer.transfer.events import Event
    from omero_rocrate_transfer.transfer.interrupt import Interrupt
    from omero_rocrate_transfer.transfer.journal.file import Journal
    from omero_rocrate_transfer.transfer.ports import Sink, StoredSource


def pack(ctx: Any, args: argparse.Namespace, interrupt: Interrupt) -> Iterator[Event]:
    """Write objects of the server into a crate."""
    chosen = pack_options(args)
    if args.zip and not args.quiet:
        note("--zip has no effect: the ending of the target decides.")
    runs.refuse_existing(chosen.path, runs.pack_run(chosen), hint="Name another path, or remove it.")
    with interrupt.at_once():
        retry, pace = Retry(chosen.retries), Pace(chosen.limits)
        source, agent = endpoints.server_source(ctx, args, chosen, retry)
    with closing(source):
        with interrupt.at_once():
            contents = retry.call(lambda: source.read_contents(chosen.objects))
        yield Planned(contents=contents, dry_run=chosen.dry_run)
        if chosen.dry_run:
            return
        with runs.open_pack(chosen, contents) as journal:
            yield from run(
                contents,
                source,
                endpoints.crate_sink(chosen, agent, journal.run_id),
                parallel=chosen.parallel,
                interrupt=interrupt,
                journal=journal,
                retry=retry,
                pace=pace,
                ignore_errors=chosen.ignore_errors,
            )


def unpack(ctx: Any, args: argparse.Namespace, interrupt: Interrupt) -> Iterator[Event]:
    """Rebuild the content of a crate on the server."""
    chosen = unpack_options(args)
    pace = Pace(chosen.limits)
    with interrupt.at_once():
        source = endpoints.crate_source(chosen)
    with closing(source):
        with interrupt.at_once():
            contents = source.read_contents(())
            retry = Retry(chosen.retries)
            connection = endpoints.server_connection(ctx, args, retry)
            endpoints.check_target(connection, chosen.target)
            if not chosen.dry_run:
                runs.check_idmap(chosen.idmap, runs.unpack_run(chosen, connection.info, connection.user))
            owners = endpoints.target_owners(connection, chosen, contents, source)
            endpoints.bring_back(retry, owners)
        yield Planned(contents=contents, dry_run=chosen.dry_run)
        if chosen.dry_run:
            return
        with (
            closing(owners),
            runs.open_unpack(chosen, contents, connection.info, connection.user) as journal,
        ):
            sink = endpoints.server_sink(connection, owners, chosen, chosen.content, journal.run_id)
            yield from _unpack(
                chosen, source, (contents, connection.info), sink, journal, (retry, pace), interrupt
            )


def _unpack(
    chosen: UnpackOptions,
    source: StoredSource,
    ends: tuple[Contents, SourceInfo],
    sink: Sink,
    journal: Journal,
    patience: tuple[Retry, Pace],
    interrupt: Interrupt,
) -> Iterator[Event]:
    """Check what is still to be sent, send it, and write down what became of it."""
    contents, _ = ends
    done = read_history(journal.records).done
    rest = replace(contents, units=tuple(unit for unit in contents.units if unit.ref not in done))
    if rest.units:
        yield from check(rest, source, parallel=chosen.parallel, interrupt=interrupt)
    retry, pace = patience
    yield from follow_ids(
        chosen.idmap,
        ends,
        journal,
        run(
            contents,
            source,
            sink,
            parallel=chosen.parallel,
            interrupt=interrupt,
            journal=journal,
            retry=retry,
            pace=pace,
        ),
    )


def follow_ids(
    path: Path, ends: tuple[Contents, SourceInfo], journal: Journal, events: Iterator[Event]
) -> Iterator[Event]:
    """Write down what became of everything while a run into a server goes on.

    Parameters
    ----------
    path
        Of the id map.
    ends
        What travels, and the server it goes to.
    """
    contents, target = ends
    again = journal.head.get("idmap") == str(path.absolute())
    with IdMap(path, contents.source, target, again=again, run_id=journal.run_id) as idmap:
        for event in events:
            idmap.take(event)
            yield event
