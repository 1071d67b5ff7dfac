"""Reads any OME-Zarr: 0.1 to 0.5, two to five dimensions, single images, plates and collections.

What stands in the metadata comes from strangers: it is checked in this package, and nowhere else.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.ome_zarr.arrays import ArrayOpener
from omero_rocrate_transfer.crate.ome_zarr.axes import Flaw, Json
from omero_rocrate_transfer.crate.ome_zarr.checked_metadata import CheckedMetadata, join, whole
from omero_rocrate_transfer.crate.ome_zarr.images import ImageReader, ZarrField, ZarrImage
from omero_rocrate_transfer.crate.ome_zarr.nodes import MAX_JSON_BYTES, AbsentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omero_rocrate_transfer.crate.ome_zarr.chunks import Survey
    from omero_rocrate_transfer.crate.ome_zarr.pixels import ZarrReader
    from omero_rocrate_transfer.crate.ome_zarr.stores import Members

_MAX_IMAGES: Final = 1_000_000
#: Rows and columns of a plate; the largest in use has 32 and 48.
_MAX_WELLS: Final = 10_000
#: Attributes by which a group is an image, or holds some.
_KINDS: Final = ("plate", "multiscales", "bioformats2raw.layout")


@dataclass(frozen=True, slots=True, kw_only=True)
class ZarrContents:
    """What one OME-Zarr holds."""

    images: Sequence[ZarrImage]
    #: The ``plate`` attributes, where it is a plate.
    plate: Json | None = None
    #: Images that a collection names, there or not.
    series: int = 1
    #: Images and wells that are named and not there, or there and not named.
    flaws: Sequence[Flaw] = ()


class OmeZarr:
    """An OME-Zarr below one folder of a crate.

    Parameters
    ----------
    members
        The files below it.
    name
        What it is called in messages.
    """

    def __init__(self, members: Members, name: str) -> None:
        self._members = members
        self._metadata = CheckedMetadata(members, name)
        self._images = ImageReader(self._metadata)
        self._arrays = ArrayOpener(members, self._metadata)

    def read_contents(self) -> ZarrContents:
        """Find the images.

        Raises
        ------
        AbsentError
            It holds no image.
        UnsafeCrateError
            It is no OME-Zarr, or its metadata break the rules.
        """
        attributes = self._metadata.attributes("")
        flaws: list[Flaw] = []
        plate: Json | None = None
        series = 1
        if "plate" in attributes:
            plate = self._metadata.mapping(attributes["plate"], "plate")
            images = list(self._plate_images(plate, flaws))
        elif "multiscales" in attributes:
            images = [self._images.read("", attributes)]
        elif "bioformats2raw.layout" in attributes:
            paths = self._series()
            series = len(paths)
            images = list(self._collection(paths, flaws))
        else:
            raise self._metadata.absent("has neither an image nor a plate in its metadata")
        if not images:
            raise self._metadata.absent(f"holds no image{_render_flaws(flaws)}")
        return ZarrContents(images=images, plate=plate, series=series, flaws=flaws)

    def find_roots(self) -> list[str]:
        """Return the paths of the groups that are an image, a plate or a collection; empty for the root.

        Where the root is none of these, the topmost below it are taken.
        """
        found: list[str] = []
        waiting = [""]
        while waiting:
            path = waiting.pop()
            attributes = self._metadata.attributes(path) if self._metadata.nodes.is_group(path) else {}
            if any(kind in attributes for kind in _KINDS):
                found.append(path)
            else:
                waiting += reversed([join(path, child) for child in self._metadata.nodes.list_children(path)])
        return found or [""]

    def read_image(self, path: str) -> ZarrImage:
        """Read one image by the path of its group, empty where it is the root.

        Raises
        ------
        UnsafeCrateError
            It is none, or breaks the rules.
        """
        return self._images.read(self._metadata.path(path) if path else "")

    def open_pixels(self, image: ZarrImage) -> ZarrReader:
        """Open the largest level of an image, whose chunks have the names that the metadata say."""
        return self._arrays.open(image, is_surveyed=False)[0]

    def open_surveyed(self, image: ZarrImage) -> tuple[ZarrReader, Survey]:
        """Open the largest level of an image, and look for its chunks under all names in use.

        Raises
        ------
        AbsentError
            None of its chunks is there.
        """
        return self._arrays.open(image, is_surveyed=True)

    def read_text(self, name: str, max_bytes: int = MAX_JSON_BYTES) -> bytes | None:
        """Return a small file such as ``OME/METADATA.ome.xml``, or None where there is none."""
        size = self._members.size(name)
        if size is None:
            return None
        if size > max_bytes:
            raise self._metadata.error(f"has {size} bytes of metadata in {name!r}, more than {max_bytes}")
        return self._members.read(name, 0, size)

    def _plate_images(self, plate: Json, flaws: list[Flaw]) -> Iterator[ZarrImage]:
        wells: set[str] = set()
        seen: set[str] = set()
        for listed in self._metadata.items(plate.get("wells"), "plate.wells"):
            well = self._metadata.mapping(listed, "plate.wells")
            path = self._metadata.path(well.get("path"))
            row, column = self._position(well, plate, path)
            if path in wells:
                continue
            wells.add(path)
            if not self._metadata.nodes.is_group(path) or "well" not in (
                attributes := self._metadata.attributes(path)
            ):
                flaws.append(Flaw("Well", "the plate lists it, and it is not there"))
                continue
            found = self._metadata.mapping(attributes["well"], f"{path}.well")
            for index, item in enumerate(self._metadata.items(found.get("images"), f"{path}.well.images")):
                field_ = self._metadata.mapping(item, path)
                place = join(path, self._metadata.path(field_.get("path")))
                if place in seen:
                    continue
                seen.add(place)
                if len(seen) > _MAX_IMAGES:
                    raise self._metadata.error(f"has more than {_MAX_IMAGES} images")
                where = ZarrField(
                    row=row, column=column, index=index, acquisition=whole(field_.get("acquisition"))
                )
                yield from self._listed_image(place, flaws, place=where)
            flaws += self._unlisted(path, seen)
        for row_name in self._metadata.nodes.list_children(""):
            columns = (join(row_name, name) for name in self._metadata.nodes.list_children(row_name))
            left_out = sum(path not in wells and self._has_images(path) for path in columns)
            flaws += [Flaw("Well", "the plate does not list it")] * left_out

    def _listed_image(
        self, path: str, flaws: list[Flaw], *, place: ZarrField | None = None, series: int = 0
    ) -> Iterator[ZarrImage]:
        """Yield an image that is named; count it where it is not there."""
        if not self._metadata.nodes.is_group(path):
            flaws.append(Flaw("Image", "it is listed, and it is not there"))
            return
        try:
            yield self._images.read(path, place=place, series=series)
        except AbsentError as error:
            flaws.append(Flaw("Image", f"its pixels are not there: {error.message}"))

    def _unlisted(self, path: str, listed: set[str]) -> list[Flaw]:
        children = (join(path, name) for name in self._metadata.nodes.list_children(path))
        left_out = sum(child not in listed and self._has_images(child) for child in children)
        return [Flaw("Image", "it is there, and not listed")] * left_out

    def _has_images(self, path: str) -> bool:
        """Tell whether a group, or one directly in it, is an image or says that it holds some."""
        for one in (path, *(join(path, name) for name in self._metadata.nodes.list_children(path))):
            if self._metadata.nodes.is_group(one):
                attributes = self._metadata.attributes(one)
                if "multiscales" in attributes and "image-label" not in attributes:
                    return True
        return False

    def _position(self, well: Json, plate: Json, path: str) -> tuple[int, int]:
        """Return row and column of a well; 0.2 had them only in the path."""
        row, column = whole(well.get("rowIndex")), whole(well.get("columnIndex"))
        if row is None or column is None:
            names = path.split("/")
            if len(names) != 2:
                raise self._metadata.error(f"has the well {path!r}, which has no place in the plate")
            row, column = (
                self._index(plate.get(axis), name, axis)
                for axis, name in zip(("rows", "columns"), names, strict=True)
            )
        if not (0 <= row < _MAX_WELLS and 0 <= column < _MAX_WELLS):
            raise self._metadata.error(f"has a well {path!r} at the impossible place {row},{column}")
        return row, column

    def _index(self, names: object, name: str, axis: str) -> int:
        for index, item in enumerate(self._metadata.items(names, f"plate.{axis}")):
            if isinstance(item, dict) and item.get("name") == name:
                return index
        raise self._metadata.error(f"has a well in {name!r}, which is not among plate.{axis}")

    def _series(self) -> list[str]:
        """Return the paths of the images of a collection (NGFF 0.5, "bioformats2raw.layout")."""
        listed = (
            self._metadata.attributes("OME").get("series") if self._metadata.nodes.is_group("OME") else None
        )
        if listed is not None and listed != []:
            paths = [self._metadata.path(path) for path in self._metadata.items(listed, "OME.series")]
            if len(paths) > _MAX_IMAGES:
                raise self._metadata.error(f"has more than {_MAX_IMAGES} images")
            return paths
        # numbered groups; those with other names only where there are none of these
        numbered = itertools.takewhile(self._metadata.nodes.has, map(str, range(_MAX_IMAGES)))
        return list(numbered) or list(filter(self._has_images, self._metadata.nodes.list_children("")))

    def _collection(self, paths: Sequence[str], flaws: list[Flaw]) -> Iterator[ZarrImage]:
        for path, place in _places(paths).items():
            yield from self._listed_image(path, flaws, series=place)
        flaws += self._unlisted("", {*paths, *(path.partition("/")[0] for path in paths), "OME", "labels"})


def _places(paths: Sequence[str]) -> dict[str, int]:
    """Return the place of each path, the first where it is there twice."""
    found: dict[str, int] = {}
    for place, path in enumerate(paths):
        found.setdefault(path, place)
    return found


def _render_flaws(flaws: Sequence[Flaw]) -> str:
    counts = Counter(flaws)
    return "".join(f"; {count} {flaw.type}: {flaw.reason}" for flaw, count in counts.items())
