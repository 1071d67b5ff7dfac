"""Runs by their names: each has a folder with its journal."""

from __future__ import annotations

import hashlib
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.model.errors import NotFoundError, UsageError
from omero_rocrate_transfer.transfer.journal.file import Journal
from omero_rocrate_transfer.transfer.journal.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from omero_rocrate_transfer.model.contents import Contents

JOURNAL: Final = "journal.jsonl"
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\Z")


def run_name(command: str, *words: str) -> str:
    """Return the name that the same command always gets.

    Parameters
    ----------
    command
        ``pack``, ``unpack`` or ``copy``.
    words
        What tells it from all others; the last one, a path or an object, is seen in the name.
    """
    digest = hashlib.sha256("\0".join((command, *words)).encode("utf-8", "surrogateescape")).hexdigest()
    shown = re.sub(r"[^A-Za-z0-9._-]+", "-", words[-1].rstrip("/").rpartition("/")[2])[:40].strip("-.")
    return "-".join(part for part in (command, shown, digest[:8]) if part)


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
    folder: Path, name: str, contents: Contents, facts: Mapping[str, str], options: Mapping[str, object]
) -> Iterator[Journal]:
    """Begin a run or go on with it, and hold it until the block ends.

    Parameters
    ----------
    folder
        Of all runs.
    facts
        What to say of it later: ``command``, ``target`` …
    options
        What besides the contents decides about the target.

    Raises
    ------
    RefusedError
        Another process is at work on it, or it was begun with something else.
    """
    path = journal_path(folder, name)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise NotFoundError(
            f"The run cannot be kept in {path.parent}: {error.strerror}.", hint="Check OMERO_USERDIR."
        ) from error
    head = {
        **facts,
        "fingerprint": fingerprint(contents, options),
        "source": contents.source.host,
        "source_database": contents.source.database_uuid,
        "items": len(contents.units),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    with Journal(path, head) as journal:
        yield journal
