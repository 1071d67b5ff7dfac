"""The command ``idmap``, and finding the id map of a crate: which objects of a source became which ones."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omero_rocrate_transfer.cli.process.log import log_folder
from omero_rocrate_transfer.model.errors import NotFoundError, RefusedError, TransferError
from omero_rocrate_transfer.transfer.events import Listed
from omero_rocrate_transfer.transfer.journal.id_map import read_idmap, run_idmap
from omero_rocrate_transfer.transfer.journal.runs import check_name
from omero_rocrate_transfer.transfer.journal.status import RunStatus, list_runs, read_status

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from omero_rocrate_transfer.model.contents import SourceInfo
    from omero_rocrate_transfer.transfer.events import Event
    from omero_rocrate_transfer.transfer.interrupt import Interrupt
    from omero_rocrate_transfer.transfer.journal.id_map import Ids


def idmap(_ctx: Any, args: argparse.Namespace, _interrupt: Interrupt) -> Iterator[Event]:
    """Show the id map of a run.

    Raises
    ------
    NotFoundError
        There is no such run, or nothing of it is on a server.
    RefusedError
        The run was taken back.
    """
    run = read_status(log_folder(), check_name(args.run_name))
    if run.history.undone:
        raise RefusedError(f"The run {run.name} was taken back: its objects are gone.")
    path = _path_of(run)
    if path is None:
        raise NotFoundError(f"The run {run.name} created nothing on a server, so it has no ids.")
    read_idmap(path)
    text = path.read_text("utf-8")
    yield Listed(lines=tuple(text.splitlines()), document=json.loads(text))


def find_ids(crate: Path, source: SourceInfo, target: SourceInfo) -> Ids:
    """Return the id map of what was made of a crate on a server, the newest one that a run here wrote.

    Parameters
    ----------
    crate
        Where it is.
    source
        What its metadata say of it.

    Raises
    ------
    NotFoundError
        No run here unpacked it there.
    """
    runs = [
        one
        for one in list_runs(log_folder())
        if isinstance(one, RunStatus)
        and not one.history.undone
        and (one.head["command"], one.head.get("target_database")) == ("unpack", target.database_uuid)
    ]
    paths = [path for one in reversed(runs) if (path := _path_of(one)) is not None]
    # Earlier versions wrote it into the folder that they were called in.
    wanted = target.database_uuid, source.crate_digest
    for path in (*paths, Path(f"{crate.resolve().stem}.idmap.json")):
        ids = _read(path)
        if ids is not None and (ids.database, ids.crate_digest) == wanted:
            return ids
    raise NotFoundError(
        f"No run here unpacked {crate} on {target.host}, so its new ids are not known.",
        hint="Name the file that unpack wrote with --idmap.",
    )


def _path_of(run: RunStatus) -> Path | None:
    """Return where the id map of a run is: in its folder, or where an earlier version wrote it."""
    known = [run_idmap(log_folder(), run.name)]
    if "idmap" in run.head:
        known.append(Path(run.head["idmap"]))
    return next((path for path in known if os.path.lexists(path)), None)


def _read(path: Path) -> Ids | None:
    try:
        return read_idmap(path)
    except TransferError:
        return None
