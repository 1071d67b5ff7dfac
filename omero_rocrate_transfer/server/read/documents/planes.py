"""Facts about single planes: their positions and times."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from omero_rocrate_transfer.server.mapping import specs
from omero_rocrate_transfer.server.mapping.fields import Values
from omero_rocrate_transfer.server.session.queries import Reader

_COUNTS: Final = (
    "select p.pixels.image.id, count(p.id) from PlaneInfo p where p.pixels.image.id in (:ids)"
    " group by p.pixels.image.id order by p.pixels.image.id"
)
_NAMES: Final = tuple(field.name for field in specs.PLANE.fields)
_PLANES: Final = (
    f"select p.pixels.id, p.id, {', '.join(f'p.{name}' for name in _NAMES)}"  # noqa: S608 -- fixed names
    " from PlaneInfo p where p.pixels.image.id in (:ids) order by p.pixels.id, p.id"
)

#: Id and values.
Plane = tuple[int, Values]


def count_planes(reader: Reader, images: Iterable[int]) -> dict[int, int]:
    """Return how many planes with facts each image has, by id."""
    return dict(reader.rows(_COUNTS, images, doing="Counting planes"))


def read_planes(reader: Reader, images: Iterable[int]) -> dict[int, list[Plane]]:
    """Read the facts about the planes of images, by the id of their Pixels and in the order of their own."""
    found: dict[int, list[Plane]] = {}
    for pixels, one, *row in reader.rows(_PLANES, images, doing="Reading planes"):
        values = {name: _plain(value) for name, value in zip(_NAMES, row, strict=True) if value is not None}
        found.setdefault(pixels, []).append((one, values))
    return found


def _plain(value: Any) -> Any:
    """Return a quantity, which comes as a map in rows, as (value, name of the unit)."""
    return (value["value"].val, value["unit"].val) if isinstance(value, dict) else value
