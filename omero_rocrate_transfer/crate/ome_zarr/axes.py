"""Axes of an OME-Zarr, and what it says of sizes and places along them.

A number is written down as a measurement only where the metadata give a usable one with a unit: what is
missing stays unknown, and what is unusable is a `Flaw`, which is counted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeGuard

from omero_rocrate_transfer.crate.ome_zarr.units import ome_length, ome_time

Json = Mapping[str, Any]
#: Letter and unit as it stands.
Axis = tuple[str, object]
#: What OME calls the size of a step along an axis.
_SIZES: Final = {
    "x": "PhysicalSizeX",
    "y": "PhysicalSizeY",
    "z": "PhysicalSizeZ",
    "t": "TimeIncrement",
    "c": "Scale",
}
#: What OME calls the place of the first pixel.
_PLACES: Final = {"x": "PositionX", "y": "PositionY", "z": "PositionZ", "t": "DeltaT", "c": "Translation"}
#: Axes along which a stage moves.
_STAGE: Final = frozenset("xyz")
_MAX_SHOWN: Final = 40


class Flaw(NamedTuple):
    """Something that the metadata say and that is not carried."""

    #: What it is, in OME's words.
    type: str
    #: One clause.
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What the metadata of an image say of sizes and places."""

    #: Size of a pixel and of a time step, with the name of its OME unit, by axis.
    sizes: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    #: Place of the first pixel along x, y and z, with the name of its OME unit.
    places: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    flaws: tuple[Flaw, ...] = ()


@dataclass(slots=True)
class _Line:
    """The coordinates along one axis, ``step * index + place``; None where they are unusable."""

    step: float | None = 1.0
    place: float | None = 0.0
    #: Whether a scale is told.
    is_scaled: bool = False
    #: Whether a translation is told.
    is_moved: bool = False


def parse_axis(item: object) -> Axis:
    """Return letter and unit of an axis; ``?`` for anything that is not an axis."""
    if isinstance(item, str):
        return item.lower(), None
    if isinstance(item, dict) and isinstance(item.get("name"), str):
        return item["name"].lower(), item.get("unit")
    return "?", None


def read_calibration(axes: list[Axis], level: Json, multiscale: Json) -> Calibration:
    """Return sizes and places of the pixels of a level.

    The transformations of the level come first, those of the multiscale image on top (NGFF 0.4 and 0.5,
    "multiscales").
    """
    lines = {name: _Line() for name, _ in axes}
    flaws: list[Flaw] = []
    for place in (level, multiscale):
        flaws += _apply(place.get("coordinateTransformations"), lines)
    sizes: dict[str, tuple[float, str]] = {}
    places: dict[str, tuple[float, str]] = {}
    for name, unit in axes:
        line, known = lines[name], _find_unit(name, unit)
        if line.is_scaled and line.step is not None and name != "c":
            flaws += _take(sizes, name, line.step, (_SIZES[name], unit, known, 1.0))
        if line.is_moved and line.place is not None and name in _STAGE:
            flaws += _take(places, name, line.place, (_PLACES[name], unit, known, 0.0))
        elif line.is_moved and line.place:
            flaws.append(Flaw(_PLACES[name], f"{show(line.place)} along {name} is not carried"))
    if not any(place for place, _ in places.values()):
        places.clear()
    return Calibration(sizes=sizes, places=places, flaws=tuple(flaws))


def is_number(value: object) -> TypeGuard[int | float]:
    """Tell whether a value from outside is a number that a float holds."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def show(value: object) -> str:
    """Return a value from outside as a message shows it: short, as JSON has it."""
    if isinstance(value, str):
        return ascii(value[:_MAX_SHOWN])
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and abs(value) >= 10**_MAX_SHOWN:
        return "a number of too many digits"
    return json.dumps(value).removesuffix(".0")


def _take(
    found: dict[str, tuple[float, str]],
    name: str,
    value: float,
    told: tuple[str, object, str | None, float],
) -> Iterator[Flaw]:
    """Take a measurement whose unit is known; others are flaws, unless they stand for "unknown"."""
    kind, unit, known, unknown = told
    # sizes are of type xsd:float in OME-XML 2016-06
    if kind in _SIZES.values() and not 2.0**-126 <= value < 2.0**128:
        yield Flaw(kind, f"{show(value)} is not a number that OME-XML can hold")
    elif known is not None:
        found[name] = value, known
    elif unit is None or (isinstance(unit, str) and not unit.strip()):
        if value != unknown:
            yield Flaw(kind, f"{show(value)} has no unit")
    elif value or unknown:
        yield Flaw(kind, f"{show(value)} has the unit {show(unit)}, which is not known")


def _find_unit(name: str, unit: object) -> str | None:
    if not isinstance(unit, str) or name == "c":
        return None
    return ome_time(unit) if name == "t" else ome_length(unit)


def _apply(transformations: object, lines: Mapping[str, _Line]) -> Iterator[Flaw]:
    """Apply the transformations of one place in their order, and yield what is wrong with them."""
    if transformations is None:
        return
    for item in transformations if isinstance(transformations, list) else [None]:
        kind = item.get("type") if isinstance(item, dict) else None
        numbers = item.get(kind) if isinstance(item, dict) and isinstance(kind, str) else None
        if kind == "identity":
            continue
        if kind not in {"scale", "translation"}:
            yield _lose(lines, f"the type {show(kind)} is not known")
        elif numbers is None and isinstance(item, dict) and "path" in item:
            yield _lose(lines, f"a {kind} lies in an array, which is not read", kind)
        elif not isinstance(numbers, list) or len(numbers) != len(lines):
            yield _lose(lines, f"a {kind} does not have one number for each of {len(lines)} axes", kind)
        else:
            yield from _scale(lines, numbers) if kind == "scale" else _move(lines, numbers)


def _lose(lines: Mapping[str, _Line], reason: str, kind: str = "") -> Flaw:
    """Take all that depends on a transformation for unusable."""
    for line in lines.values():
        line.place = None
        if kind != "translation":
            line.step = None
    return Flaw("CoordinateTransformation", reason)


def _scale(lines: Mapping[str, _Line], numbers: list[object]) -> Iterator[Flaw]:
    for (name, line), number in zip(lines.items(), numbers, strict=True):
        line.is_scaled = True
        factor = float(number) if is_number(number) else math.nan
        if not _is_size(factor) or not _is_size((line.step or 1.0) * factor):
            yield Flaw(_SIZES[name], f"{show(number)} is not a valid {'time' if name == 't' else 'size'}")
            line.step, factor = None, math.nan
        elif line.step is not None:
            line.step *= factor
        if line.place:
            line.place *= factor
            if not math.isfinite(line.place):
                yield Flaw(_PLACES[name], "a translation has no valid scale")
                line.place = None


def _move(lines: Mapping[str, _Line], numbers: list[object]) -> Iterator[Flaw]:
    for (name, line), number in zip(lines.items(), numbers, strict=True):
        line.is_moved = True
        place = (line.place or 0.0) + float(number) if is_number(number) else math.nan
        if not math.isfinite(place):
            yield Flaw(_PLACES[name], f"{show(number)} is not a valid position")
            line.place = None
        elif line.place is not None:
            line.place = place


def _is_size(value: float) -> bool:
    return 0.0 < value < math.inf
