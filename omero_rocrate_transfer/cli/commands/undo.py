"""The command ``undo``: takes back what one run created, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omero_rocrate_transfer.cli.output.render import note
from omero_rocrate_transfer.cli.output.text import render_count, render_server
from omero_rocrate_transfer.cli.process.log import log_folder
from omero_rocrate_transfer.cli.servers import endpoints
from omero_rocrate_transfer.model.errors import RefusedError
from omero_rocrate_transfer.transfer.events import Listed
from omero_rocrate_transfer.transfer.journal.file import Journal
from omero_rocrate_transfer.transfer.journal.runs import check_name, journal_path
from omero_rocrate_transfer.transfer.journal.status import read_status

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Iterator

    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.transfer.events import Event
    from omero_rocrate_transfer.transfer.interrupt import Interrupt
    from omero_rocrate_transfer.transfer.journal.status import RunStatus


def undo(ctx: Any, args: argparse.Namespace, interrupt: Interrupt) -> Iterator[Event]:
    """Show what a run created, ask, and remove it."""
    run = read_status(log_folder(), check_name(args.run_name))
    take_back = _unfinished_crate if run.head["command"] == "pack" else _objects
    with Journal(journal_path(log_folder(), run.name), run.head) as journal:
        yield from take_back(ctx, args, run, interrupt)
        if not args.dry_run:
            journal.append({"type": "undone"})
            journal.commit()


def _unfinished_crate(
    _ctx: Any, args: argparse.Namespace, run: RunStatus, _interrupt: Interrupt
) -> Iterator[Event]:
    """Remove the unfinished crate of a pack.

    Raises
    ------
    RefusedError
        The crate is complete.
    """
    target = Path(run.head["target"])
    unfinished = endpoints.unfinished_crate(target, run.head["id"])
    if run.history.finished is not None or unfinished.is_published:
        raise RefusedError(
            f"{target} is complete: nothing was left half done.",
            hint="Remove it yourself if you do not want it.",
        )
    folder = unfinished.folder if unfinished.is_there else None
    lines = (f"Unfinished crate {folder}" if folder else "Nothing is left of this run.",)
    yield Listed(lines=lines, document={"removes": [str(folder)] if folder else []})
    if folder and not args.dry_run:
        _ask(args, "Remove it?")
        unfinished.remove()
        yield Listed(lines=(f"Removed  {folder}",), document={"removed": [str(folder)]})


def _objects(ctx: Any, args: argparse.Namespace, run: RunStatus, interrupt: Interrupt) -> Iterator[Event]:
    """Delete the objects that an unpack created.

    Raises
    ------
    RefusedError
        This is another server, or another user.
    """
    with interrupt.at_once():
        connection = endpoints.server_connection(ctx, args)
        wanted = (run.head["target_database"], run.head["user"])
        if (connection.info.database_uuid, connection.user) != wanted:
            there = render_server(run.head["target"], run.head["target_database"])
            here = render_server(connection.info.host, connection.info.database_uuid)
            raise RefusedError(
                f"The run {run.name} was of user {run.head['user']} on {there}; "
                f"this is {connection.user} on {here}.",
                hint="Log in there as that user.",
            )
        found = endpoints.find_created(connection, run.head["id"])
    yield Listed(lines=_render(found), document={"removes": sorted(map(str, found))})
    if args.dry_run or not found:
        return
    _ask(args, "Delete all of these?")
    kept = endpoints.remove_created(connection, found)
    lines = tuple(f"Kept     {ref}: it holds objects that this run did not create" for ref in kept)
    removed = f"Deleted  {render_count(len(found) - len(kept), 'object')} and what belongs to them"
    yield Listed(lines=(removed, *lines), document={"kept": [str(ref) for ref in kept]})


def _render(found: Collection[ObjectRef]) -> tuple[str, ...]:
    types = sorted({ref.type for ref in found})
    lines = []
    for type_name in types:
        ids = sorted(ref.id for ref in found if ref.type == type_name)
        shown = ",".join(map(str, ids[:20])) + (",…" if len(ids) > 20 else "")
        lines.append(f"{len(ids):>8,}  {type_name}:{shown}")
    return tuple(lines) or ("Nothing is left of this run.",)


def _ask(args: argparse.Namespace, question: str) -> None:
    """Go on only if somebody says yes.

    Raises
    ------
    RefusedError
        Somebody says no, or nobody can be asked.
    """
    if args.force:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise RefusedError("Nobody can be asked here.", hint="Add --force to remove without a question.")
    note(f"{question} [y/N]")
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise RefusedError("Nothing was removed.")
