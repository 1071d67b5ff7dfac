"""Where an import puts its files: the template of the repository and the client's own paths."""

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import omero
import omero.clients

from omero_sandbox.repository import paths
from omero_sandbox.repository.paths import Path

DEFAULT_TEMPLATE = "%user%_%userId%//%year%-%month%/%day%/%time%"
_TERM = re.compile(r"%([a-zA-Z]+)(:([^%/]+))?%")


@dataclass(frozen=True)
class Location:
    """Server paths of one import (ManagedImportLocationI).

    Attributes
    ----------
    prefix
        The directories made from the template; the log file is named after them.
    base
        Prefix and what the files' own paths share.
    files
        Path of every file relative to `base`, in the order of the entries.
    """

    prefix: Path
    base: Path
    files: list[Path]

    def full(self, index: int) -> Path:
        """Path of a file within the repository, with ``.`` and ``..`` resolved."""
        return checked(paths.join((*self.base, *self.files[index])))


def locate(prefix: Path, client_paths: list[Path], *, reader_known: bool) -> Location:
    """Decide where the files of an import go.

    Parameters
    ----------
    reader_known
        The client named the Bio-Formats reader: none of the common directories is then kept, as readers
        require none by default (FormatReader.getRequiredDirectories).

    Raises
    ------
    ValueError
        See `paths.trim`.
    """
    root = paths.common_root(client_paths)
    if reader_known:
        root, trimmed = (), [path[len(root) :] for path in client_paths]
    else:
        root, trimmed = paths.trim(root, client_paths)
    safe = [tuple(map(paths.sanitise, path)) for path in trimmed]
    safe_root = tuple(map(paths.sanitise, root))
    return Location(prefix, (*prefix, *safe_root), [path[len(root) :] for path in safe])


def checked(path: str) -> Path:
    """Split a path of the repository.

    Raises
    ------
    omero.ValidationException
        It leaves the repository or has components that would have to be sanitised (CheckedPath).
    """
    found = paths.resolve(path)
    if found is None:
        raise omero.ValidationException(None, None, "Path may not make references above root")
    if not all(map(paths.is_legal, found)):
        raise omero.ValidationException(None, None, "Path contains illegal components")
    return found


def root_owned(template: str, terms: Mapping[str, str]) -> Path:
    """Expand the part of the template before ``//``, whose directories belong to root."""
    head, _, _ = template.rpartition("//")
    return tuple(_expand(part, terms) for part in paths.split(head))


def user_owned(
    template: str, terms: Mapping[str, str], now: datetime, is_free: Callable[[Path], bool], base: Path
) -> Path:
    """Expand the rest of the template; the directory with the time is moved on until it is free."""
    _, _, tail = template.rpartition("//")
    made = base
    for part in paths.split(tail):
        if "%time%" not in part:
            made = (*made, _expand(part, terms))
            continue
        step = 0
        while not is_free(found := (*made, _expand(part, {**terms, "time": _time(now, step)}))):
            step += 1
        made = found
    return made


def terms_at(now: datetime) -> dict[str, str]:
    """Name the parts of a date as templates do."""
    return {
        "year": f"{now.year}",
        "month": f"{now.month:02}",
        "monthname": calendar.month_name[now.month],
        "day": f"{now.day:02}",
    }


def _time(now: datetime, step: int) -> str:
    later = now + timedelta(milliseconds=step)
    return f"{later:%H-%M-%S}.{later.microsecond // 1000:03}"


def _expand(part: str, terms: Mapping[str, str]) -> str:
    def term(match: re.Match[str]) -> str:
        if match[1] not in terms:
            message = f'cannot expand template repository path component "{part}"'
            raise omero.InternalException(None, None, message)
        return terms[match[1]]

    return _TERM.sub(term, part)
