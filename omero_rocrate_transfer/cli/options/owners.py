"""Options about whose on the target is what is unpacked, each said once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.model.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omero_ext import argparse

#: Stands for whoever unpacks.
_WHO_UNPACKS: Final = ("", "-")
_HINT: Final = "Write a login of the source, a tab and a login of the target on each line."


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerOptions:
    """Who owns what is unpacked."""

    #: Whether everything belongs to the owners of the source.
    as_owner: bool = False
    #: Logins on the source and on the target where they differ, sorted; None for whoever unpacks.
    user_map: tuple[tuple[str, str | None], ...] = ()


def add_owners(parser: argparse.ArgumentParser) -> None:
    """Add what ``unpack`` takes."""
    parser.add_argument(
        "--as-owner", action="store_true", help="Recreate each object as its owner (admin, uses sudo)"
    )
    parser.add_argument("--user-map", metavar="FILE", help="TSV of source and target logins, for --as-owner")


def owner_options(args: argparse.Namespace) -> OwnerOptions:
    """Return the options of ``unpack``.

    Raises
    ------
    NotFoundError
        The map cannot be read.
    UsageError
        The map is none, or nothing is to be done with it.
    """
    if args.user_map is None:
        return OwnerOptions(as_owner=args.as_owner)
    if not args.as_owner:
        raise UsageError(
            "--user-map says who owns things, but everything belongs to who unpacks.", hint="Add --as-owner."
        )
    return OwnerOptions(as_owner=True, user_map=tuple(sorted(read_user_map(Path(args.user_map)).items())))


def read_user_map(path: Path) -> dict[str, str | None]:
    """Read logins of the source with logins of the target; None for whoever unpacks.

    Empty lines, and those that begin with ``#``, count for nothing.

    Raises
    ------
    NotFoundError
        The file cannot be read.
    UsageError
        A line has not two columns, or somebody is named twice.
    """
    found: dict[str, str | None] = {}
    for number, line in _iter_lines(path):
        source, *rest = (column.strip() for column in line.split("\t"))
        if len(rest) != 1 or not source:
            raise UsageError(f"{path}, line {number}: these are not two columns.", hint=_HINT)
        target = None if rest[0] in _WHO_UNPACKS else rest[0]
        if found.setdefault(source, target) != target:
            raise UsageError(f"{path}, line {number}: {source} stands there with another login, too.")
    return found


def _iter_lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise NotFoundError(f"--user-map {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--user-map {path} is no text in UTF-8.", hint=_HINT) from error
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            yield number, line
