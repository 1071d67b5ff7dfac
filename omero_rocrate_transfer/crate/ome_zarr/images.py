"""Images of an OME-Zarr, as their metadata tell them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.crate.ome_zarr.axes import (
    Axis,
    Calibration,
    Flaw,
    Json,
    parse_axis,
    read_calibration,
)
from omero_rocrate_transfer.crate.ome_zarr.checked_metadata import join
from omero_rocrate_transfer.crate.ome_zarr.metadata import AXES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from omero_rocrate_transfer.crate.ome_zarr.checked_metadata import CheckedMetadata

_MAX_LEVELS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ZarrField:
    """Where an image stands in a plate."""

    row: int
    column: int
    #: Place in the well's list, from 0.
    index: int
    acquisition: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ZarrImage:
    """One image of an OME-Zarr, as its metadata tell it."""

    #: Path of its group below the root, empty for the root.
    path: str
    name: str
    axes: str
    #: Path of the array of the largest level.
    level_path: str
    #: Sizes and places of its pixels.
    calibration: Calibration = field(default_factory=Calibration)
    #: The ``omero`` block, as it stands.
    omero: Json = field(default_factory=dict)
    field: ZarrField | None = None
    #: Further multiscale images of the same group.
    others: int = 0
    #: Place among the images of a collection, from 0.
    series: int = 0
    #: Label images beside it.
    labels: int = 0
    #: What its metadata say besides and is not carried, however its pixels are described.
    flaws: tuple[Flaw, ...] = ()
    #: What is no loss, and worth a line.
    notes: tuple[Flaw, ...] = ()


class ImageReader:
    """Reads the metadata of images."""

    def __init__(self, metadata: CheckedMetadata) -> None:
        self._metadata = metadata

    def read(
        self, path: str, attributes: Json | None = None, place: ZarrField | None = None, series: int = 0
    ) -> ZarrImage:
        """Read the image of a group.

        Parameters
        ----------
        attributes
            Of the group, where they were read before.
        place, series
            Where it stands in a plate, and in a collection.
        """
        attributes = self._metadata.attributes(path) if attributes is None else attributes
        scales = self._metadata.items(attributes.get("multiscales"), f"{path}.multiscales")
        first = self._metadata.mapping(scales[0] if scales else None, f"{path}.multiscales")
        level, notes = self._largest(path, first)
        axes = self._axes(first, path)
        omero = attributes.get("omero")
        level_path = self._metadata.path(level.get("path"))
        return ZarrImage(
            path=path,
            name=_text(first.get("name")) or path.rsplit("/", 1)[-1] or self._metadata.name,
            axes="".join(name for name, _ in axes),
            level_path=level_path,
            calibration=read_calibration(axes, level, first),
            omero=omero if isinstance(omero, dict) else {},
            field=place,
            others=len(scales) - 1,
            series=series,
            labels=self._count_labels(path),
            flaws=tuple(self._find_others(path, scales)),
            notes=notes,
        )

    def _largest(self, path: str, multiscale: Json) -> tuple[Json, tuple[Flaw, ...]]:
        """Return the dataset of the largest level: it must be the first (NGFF), and is not always."""
        what = f"{path}.multiscales.datasets"
        levels = [
            self._metadata.mapping(item, what)
            for item in self._metadata.items(multiscale.get("datasets"), what)
        ]
        if not levels:
            raise self._metadata.error(f"has no sound {what!r}")
        if len(levels) > _MAX_LEVELS:
            raise self._metadata.error(f"has {len(levels)} levels in {path!r}, more than {_MAX_LEVELS}")
        paths = [self._metadata.path(level.get("path")) for level in levels]
        if len(levels) == 1:
            return levels[0], ()
        sizes = [self._count_pixels(join(path, one), is_first=not n) for n, one in enumerate(paths)]
        largest = sizes.index(max(sizes))
        if largest == 0:
            return levels[0], ()
        reason = f"its levels are not in the order of their sizes; the largest, {paths[largest]!a}, was taken"
        return levels[largest], (Flaw("Level order", reason),)

    def _count_pixels(self, path: str, *, is_first: bool) -> int:
        """Return the pixels of a level; 0 where it is a smaller one that is not there."""
        if not is_first and not self._metadata.nodes.has(path):
            return 0
        shape = self._metadata.nodes.read_array(path).get("shape")
        sides = shape if isinstance(shape, list) else []
        if not all(isinstance(side, int) for side in sides) or len(sides) > len(AXES):
            raise self._metadata.error(f"has an array {path!r} of the impossible shape {shape!a:.200}")
        return math.prod(sides)

    def _count_labels(self, path: str) -> int:
        """Return how many label images an image has: those listed, and those only there."""
        place = join(path, "labels")
        if not self._metadata.nodes.is_group(place):
            return 0
        attributes = self._metadata.attributes(place)
        listed = attributes.get("labels")
        names = {name for name in listed if isinstance(name, str)} if isinstance(listed, list) else set()
        names |= {
            name
            for name in self._metadata.nodes.list_children(place)
            if self._metadata.nodes.is_group(join(place, name))
        }
        return len(names) or int("multiscales" in attributes)

    def _find_others(self, path: str, scales: Sequence[Any]) -> Iterator[Flaw]:
        """Yield groups in an image that are neither its levels nor its labels: tables, regions, others."""
        known = {"labels", "OME"}
        for scale in scales:
            datasets = scale.get("datasets") if isinstance(scale, dict) else None
            for level in datasets if isinstance(datasets, list) else []:
                if isinstance(level, dict) and isinstance(level.get("path"), str):
                    known.add(level["path"].partition("/")[0])
        for name in self._metadata.nodes.list_children(path):
            if name not in known and self._metadata.nodes.is_group(join(path, name)):
                yield Flaw("Zarr group", f"{name[:100]!a} is not a part of the image that OMERO knows")

    def _axes(self, multiscale: Json, path: str) -> list[Axis]:
        """Return letter and unit of each axis; 0.1 and 0.2 had always five, 0.3 only their names."""
        listed = multiscale.get("axes")
        if listed is None:
            return [(name, None) for name in AXES]
        axes = [parse_axis(item) for item in self._metadata.items(listed, f"{path}.axes")]
        letters = "".join(name for name, _ in axes)
        known = len(set(letters)) == len(letters) == len(axes) and set(letters) <= set(AXES)
        if not known or not {"x", "y"} <= set(letters):
            raise self._metadata.error(f"has axes {letters!a:.200} in {path!r}, not some of t, c, z, y, x")
        return axes


def _text(value: object) -> str:
    """Return a name: numbers are names too, anything else is none."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
