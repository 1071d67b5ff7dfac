"""Runs by their names: each has a folder with its journal."""

from __future__ import annotations

import hashlib
import json
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.model.errors import NotFoundError, UsageError
from omero_rocrate_transfer.transfer.disk import make_private_folder
from omero_rocrate_transfer.transfer.journal.file import Journal, read_head

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from omero_rocrate_transfer.transfer.plan import Plan, Setting

JOURNAL: Final = "journal.jsonl"
#: Hexadecimal digits of an identity in the name of a run.
_DIGITS: Final = 12
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\Z")


def find_run(folder: Path, command: str, shown: str, identity: Mapping[str, Setting]) -> str:
    """Return the name of the run with an identity.

    Parameters
    ----------
    folder
        Of all runs.
    command
        ``pack``, ``unpack`` or ``copy``.
    shown
        A path or an object that a new name shows; it may change without making another run.
    identity
        What tells the run from all others: what travels, where to, and for whom.
    """
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:_DIGITS]
    for path in sorted(folder.glob(f"{command}-*{digest}/{JOURNAL}")):
        return path.parent.name
    part = re.sub(r"[^A-Za-z0-9._-]+", "-", shown.rstrip("/").rpartition("/")[2])[:40].strip("-.")
    return "-".join(word for word in (command, part, digest) if word)


def name_of_run(folder: Path, run_id: str) -> str | None:
    """Return the name of the run with an id, if its journal is here."""
    for path in sorted(folder.glob(f"*/{JOURNAL}")):
        if (read_head(path) or {}).get("id") == run_id:
            return path.parent.name
    return None


def check_name(name: str) -> str:
    """Return the name of a run, if it is one.

    Raises
    ------
    UsageError
        It could not be the name of a folder.
    """
    if _NAME.match(name) is None:
        raise UsageError(
            f"--run {name!a:.200} is no name for a run.", hint="Use letters, digits, '.', '_' and '-'."
        )
    return name


def journal_path(folder: Path, name: str) -> Path:
    """Return where the journal of a run is, or would be."""
    return folder / name / JOURNAL


@contextmanager
def open_run(
    folder: Path,
    plan: Plan,
    facts: Mapping[str, str],
    *,
    fingerprint: str | None = None,
    session: int | None = None,
) -> Iterator[Journal]:
    """Begin a run or resume it, and hold it until the block ends.

    Parameters
    ----------
    folder
        Of all runs.
    facts
        What to say of it later: ``command``, ``target`` …
    fingerprint
        Of a run that an earlier version began, if it is not that of the plan.
    session
        Id of the session on the target that this process works in.

    Raises
    ------
    RefusedError
        Another process is at work on it, or it was begun with something else.
    """
    path = journal_path(folder, plan.run_name)
    try:
        make_private_folder(folder)
        make_private_folder(path.parent)
    except OSError as error:
        raise NotFoundError(
            f"The run cannot be kept in {path.parent}: {error.strerror}.", hint="Check OMERO_USERDIR."
        ) from error
    head = {
        **facts,
        "fingerprint": fingerprint or plan.fingerprint,
        "settings": dict(plan.settings),
        "source": plan.contents.source.host,
        "source_database": plan.contents.source.database_uuid,
        "items": len(plan.contents.units),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    with Journal(path, head, {} if session is None else {"session": session}) as journal:
        yield journal
