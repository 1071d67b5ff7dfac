"""Which chunks of an array are there, and under which names.

A chunk that is missing is legal, and read as the fill value. So a store whose chunks have other names than
its metadata declare would be read as all fill value: writers disagree about the separator (Zarr v2,
"dimension_separator", which its first versions did not know; Zarr v3, "chunk key encoding").
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from omero_rocrate_transfer.model.errors import UnsafeCrateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from omero_rocrate_transfer.crate.ome_zarr.stores import Members

_NUMBER: Final = re.compile(r"(?:0|[1-9][0-9]{0,9})\Z", re.ASCII)


class Spelling(NamedTuple):
    """How the key of a chunk is made of its place in the grid."""

    #: ``"c"`` in Zarr v3, empty in Zarr v2.
    prefix: str
    separator: str

    def render(self, place: Iterable[str]) -> str:
        """Return a key."""
        return self.separator.join([self.prefix, *place] if self.prefix else place)

    def parse(self, key: str, grid: Sequence[int]) -> list[str] | None:
        """Return the place that a key means, or None where it means none."""
        place = key.split(self.separator)
        if self.prefix and place.pop(0) != self.prefix:
            return None
        inside = len(place) == len(grid) and all(map(_NUMBER.match, place))
        return place if inside and all(map(int.__lt__, map(int, place), grid)) else None


_V2: Final = (Spelling("", "."), Spelling("", "/"))
_V3: Final = (Spelling("c", "/"), Spelling("c", "."), *_V2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The chunks of an array; where there are shards, those."""

    #: How many the shape makes.
    expected: int
    #: How many of them are missing.
    missing: int
    #: Spellings that are in use; the declared one first.
    spellings: tuple[Spelling, ...]


def declared_spelling(array: Mapping[str, Any]) -> Spelling:
    """Return how the metadata of an array say that chunks are named (Zarr's defaults where they do not)."""
    if array.get("zarr_format") == 2:
        return _V2[array.get("dimension_separator") == "/"]
    encoding = array.get("chunk_key_encoding")
    encoding = encoding if isinstance(encoding, dict) else {}
    config = encoding.get("configuration")
    separator = config.get("separator") if isinstance(config, dict) else None
    if encoding.get("name") == "v2":
        return _V2[separator == "/"]
    return _V3[separator == "."]


def survey_chunks(members: Members, path: str, array: Mapping[str, Any], grid: Sequence[int]) -> Survey:
    """Look for the chunks of an array under all names that are in use.

    Parameters
    ----------
    path
        Of the array.
    array
        Its metadata.
    grid
        How many chunks there are along each dimension.
    """
    declared = declared_spelling(array)
    known = _V2 if array.get("zarr_format") == 2 else _V3
    spellings = (declared, *(one for one in known if one != declared))
    counts = dict.fromkeys(spellings, 0)
    prefix = f"{path}/"
    for name in members.names(prefix):
        key = name.removeprefix(prefix)
        for rank, spelling in enumerate(spellings):
            place = spelling.parse(key, grid)
            if place is not None:
                better = (prefix + one.render(place) for one in spellings[:rank])
                counts[spelling] += all(members.size(one) is None for one in better)
                break
    expected = math.prod(grid)
    used = (declared, *(one for one in spellings[1:] if counts[one]))
    return Survey(expected=expected, missing=expected - sum(counts.values()), spellings=used)


class ChunkMembers:
    """The files of one array, its chunks under the names they have.

    Parameters
    ----------
    path
        Of the array.
    survey
        What was found there.
    grid
        How many chunks there are along each dimension.
    max_bytes
        Of one chunk; a larger file is no chunk of the array.
    """

    def __init__(
        self, members: Members, path: str, survey: Survey, grid: Sequence[int], max_bytes: int
    ) -> None:
        self._members, self._prefix, self._grid = members, f"{path}/", grid
        self._declared, *self._others = survey.spellings
        self._max_bytes = max_bytes

    def names(self, prefix: str = "") -> Iterable[str]:
        """Return the names that the files have."""
        return self._members.names(prefix)

    def size(self, name: str) -> int | None:
        """Return the size of a file, or None where there is no such file."""
        return self._members.size(self._find(name))

    def read(self, name: str, start: int, stop: int) -> bytes:
        """Return some bytes of a file.

        Raises
        ------
        UnsafeCrateError
            They are more than a chunk takes.
        """
        if stop - start > self._max_bytes:
            raise UnsafeCrateError(
                f"{name} has {stop - start} bytes, and a chunk of this array has no more than "
                f"{self._max_bytes}.",
                hint="It was changed or damaged; get it again.",
            )
        return self._members.read(self._find(name), start, stop)

    def _find(self, name: str) -> str:
        if not self._others or self._members.size(name) is not None:
            return name
        place = self._declared.parse(name.removeprefix(self._prefix), self._grid)
        for other in self._others if place is not None else ():
            found = self._prefix + other.render(place or ())
            if self._members.size(found) is not None:
                return found
        return name
