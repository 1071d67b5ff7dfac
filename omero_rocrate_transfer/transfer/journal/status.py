"""How runs stand, read from their journals without holding them."""

from __future__ import annotations

import fcntl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omero_rocrate_transfer.model.errors import NotFoundError, TransferError
from omero_rocrate_transfer.transfer.journal.file import parse_journal, read_head
from omero_rocrate_transfer.transfer.journal.runs import JOURNAL, journal_path
from omero_rocrate_transfer.transfer.journal.state import History, read_history

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunStatus:
    """One run."""

    name: str
    #: The first line of its journal.
    head: dict[str, Any]
    history: History
    #: Whether a process is at work on it.
    is_held: bool

    @property
    def state(self) -> str:
        """One word for how it stands."""
        if self.is_held:
            return "running"
        if self.history.undone:
            return "undone"
        if self.history.finished is not None:
            return "finished"
        return "failed" if self.history.failed else "unfinished"


def read_status(folder: Path, name: str) -> RunStatus:
    """Return how a run stands.

    Raises
    ------
    NotFoundError
        There is no such run.
    UnsafeCrateError
        Its journal is damaged.
    """
    path = journal_path(folder, name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotFoundError(
            f"There is no run {name!a:.200}.", hint="See 'omero transfer status' for their names."
        ) from error
    records, _ = parse_journal(data, f"The journal {path}")
    if not records:
        raise NotFoundError(f"The run {name} never began.")
    return RunStatus(name, records[0], read_history(records[1:]), _is_held(path))


def list_runs(folder: Path) -> Iterator[RunStatus | TransferError]:
    """Yield every run, the one begun first in front, then the reason for each that cannot be read."""
    runs, errors = [], []
    # times of beginning are whole seconds; within one, the journal written last comes last
    for path in sorted(folder.glob(f"*/{JOURNAL}"), key=lambda one: one.stat().st_mtime):
        try:
            runs.append(read_status(folder, path.parent.name))
        except TransferError as error:
            errors.append(error)
    yield from sorted(runs, key=lambda run: str(run.head["started"]))
    yield from errors


def set_aside(folder: Path, name: str, fingerprint: str, *, is_gone: bool) -> None:
    """Give the name of a run free if it was begun with something else and nothing of it is left.

    The earlier run keeps its journal and its id map, under its name with a part of its id behind it.

    Parameters
    ----------
    fingerprint
        Of the run that is about to begin.
    is_gone
        Whether nothing is at the target, whatever the journal says; a run that was undone left nothing.
    """
    head = read_head(journal_path(folder, name))
    if head is None or head.get("fingerprint") == fingerprint:
        return
    run = read_status(folder, name)
    if run.is_held:
        return
    if run.history.undone or is_gone:
        (folder / name).rename(folder / f"{name}.{str(run.head['id'])[:8]}")


def _is_held(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
