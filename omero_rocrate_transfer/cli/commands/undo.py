"""The command ``undo``: takes back what one run created, and nothing else."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.cli.output.render import note
from omero_rocrate_transfer.cli.output.text import render_count, render_server
from omero_rocrate_transfer.cli.process.log import log_folder
from omero_rocrate_transfer.cli.servers import endpoints
from omero_rocrate_transfer.model.errors import NotFoundError, RefusedError
from omero_rocrate_transfer.transfer.events import Listed
from omero_rocrate_transfer.transfer.journal.file import Journal
from omero_rocrate_transfer.transfer.journal.runs import check_name, journal_path, name_of_run
from omero_rocrate_transfer.transfer.journal.status import read_status

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Iterator

    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.server.session.connection import Connection
    from omero_rocrate_transfer.server.write.removal import Removal
    from omero_rocrate_transfer.transfer.events import Event
    from omero_rocrate_transfer.transfer.interrupt import Interrupt
    from omero_rocrate_transfer.transfer.journal.status import RunStatus

#: The id of a run, as the marks on a server have it.
_ID: Final = re.compile(r"[0-9a-f]{32}\Z")


def undo(ctx: Any, args: argparse.Namespace, interrupt: Interrupt) -> Iterator[Event]:
    """Show what a run created, ask, and remove it."""
    name = check_name(args.run_name)
    if _ID.match(name) and not journal_path(log_folder(), name).exists():
        known = name_of_run(log_folder(), name)
        if known is None:
            yield from _orphans(ctx, args, name, interrupt)
            return
        name = known
    run = read_status(log_folder(), name)
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
    if run.history.finished is not None and not os.path.lexists(target):
        yield Listed(
            lines=(f"{target} is not there any more: nothing is left of this run.",), document={"removes": []}
        )
        return
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
        found, group = endpoints.find_created(connection, run.head["id"])
    yield from _take_back(connection, args, found, group)


def _orphans(ctx: Any, args: argparse.Namespace, run_id: str, interrupt: Interrupt) -> Iterator[Event]:
    """Delete the objects that carry the mark of a run whose journal is not here.

    Raises
    ------
    NotFoundError
        There are none.
    """
    with interrupt.at_once():
        connection = endpoints.server_connection(ctx, args)
        found, group = endpoints.find_created(connection, run_id)
    if not found.removed and not found.kept:
        raise NotFoundError(
            f"There is no run {run_id} here, and nothing on {connection.info.host} has its mark.",
            hint="See 'omero transfer status' for the names of runs.",
        )
    yield from _take_back(connection, args, found, group)


def _take_back(
    connection: Connection, args: argparse.Namespace, found: Removal, group: int
) -> Iterator[Event]:
    """Show what is found, ask, and remove it."""
    stays = {str(ref): reason for ref, reason in found.kept.items()}
    staying = tuple(f"Kept     {name}: {reason}" for name, reason in stays.items())
    yield Listed(
        lines=(*_render(found.removed), *staying),
        document={"removes": sorted(map(str, found.removed)), "keeps": stays},
    )
    if args.dry_run or not found.removed:
        return
    _ask(args, "Delete all of these?")
    # whoever was faster than the answer is asked for again
    kept = endpoints.remove_created(connection, found.removed, group)
    lines = tuple(f"Kept     {ref}: it holds objects that this run did not create" for ref in kept)
    removed = f"Deleted  {render_count(len(found.removed) - len(kept), 'object')} and what belongs to them"
    yield Listed(lines=(removed, *lines), document={"kept": [*stays, *map(str, kept)]})


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
