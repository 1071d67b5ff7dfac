"""References to OMERO objects: ``Image:5``, and the LSIDs that name them across servers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Types a user may name on the command line.
PACKABLE: Final = ("Project", "Dataset", "Image", "Screen", "Plate")
#: Ids are PostgreSQL bigint on the server (omero-model, every ``id`` column).
MAX_ID: Final = 2**63 - 1
#: More ids than this in one range is a typing mistake, not a wish.
MAX_RANGE: Final = 1_000_000

_LSID = re.compile(r"urn:lsid:(?P<host>[A-Za-z0-9._-]{1,255}):(?P<type>[A-Za-z]{1,64}):(?P<id>\d{1,19})\Z")


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """One object of one server."""

    #: Class name without package, e.g. ``"Image"``.
    type: str
    #: Database id on that server.
    id: int

    def __str__(self) -> str:
        return f"{self.type}:{self.id}"

    def lsid(self, host: str) -> str:
        """Return the identity that is unique across servers, ``urn:lsid:<host>:<Type>:<id>``.

        OME-XML 2016-06 accepts an LSID wherever it takes an ID.
        """
        return f"urn:lsid:{host}:{self.type}:{self.id}"


def parse_lsid(text: str) -> tuple[str, ObjectRef] | None:
    """Return host and reference of an LSID, or None where the text is not one."""
    match = _LSID.match(text)
    if match is None or int(match["id"]) > MAX_ID:
        return None
    return match["host"], ObjectRef(match["type"], int(match["id"]))


def parse_objects(texts: Iterable[str]) -> tuple[ObjectRef, ...]:
    """Parse object arguments like ``Image:1,2,5-9``; a bare id list means Project.

    Returns
    -------
    tuple of ObjectRef
        In the order given, each object once.

    Raises
    ------
    UsageError
        The text is no such argument, or names a type that cannot be packed.
    """
    found: dict[ObjectRef, None] = {}
    for text in texts:
        found.update(dict.fromkeys(_parse_object(text)))
    return tuple(found)


def _parse_object(text: str) -> list[ObjectRef]:
    type_name, colon, ids = text.strip().rpartition(":")
    if not colon:
        type_name = "Project"
    if type_name not in PACKABLE:
        raise UsageError(
            f"{text!r}: {type_name!r} cannot be packed.",
            hint=f"Name one of {', '.join(PACKABLE)}, like Image:1,5-9.",
        )
    return [ObjectRef(type_name, number) for part in ids.split(",") for number in _parse_range(part, text)]


def _parse_range(part: str, text: str) -> range:
    match = re.fullmatch(r"\s*(\d{1,19})(?:-(\d{1,19}))?\s*", part, re.ASCII)
    if match is None:
        raise UsageError(f"{text!r} is not an object.", hint="Write it like Image:1,2,5-9.")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first or last > MAX_ID or last - first >= MAX_RANGE:
        raise UsageError(
            f"{text!r}: the range {part.strip()} is empty or too long.", hint="Write it like Image:5-9."
        )
    return range(first, last + 1)
