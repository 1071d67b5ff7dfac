"""Reads any OME-Zarr: 0.1 to 0.5, two to five dimensions, single images, plates and collections.

What stands in the metadata comes from strangers: it is checked here, and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import zarr
from zarr.errors import NodeNotFoundError

from omero_rocrate_transfer.crate.ome_zarr.axes import Json, parse_axis, read_scales
from omero_rocrate_transfer.crate.ome_zarr.codec_check import find_unsafe_codecs
from omero_rocrate_transfer.crate.ome_zarr.metadata import AXES
from omero_rocrate_transfer.crate.ome_zarr.pixels import ZarrReader
from omero_rocrate_transfer.crate.ome_zarr.stores import Members, ReadOnlyStore
from omero_rocrate_transfer.model.errors import UnsafeCrateError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarr.abc.store import Store

#: Versions this reader was written for; a newer one is refused rather than guessed at.
VERSIONS: Final = ("0.1", "0.2", "0.3", "0.4", "0.5")
#: numpy names of the pixel types OMERO stores.
_PIXEL_TYPES: Final = frozenset(
    {"int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64", "bool"}
)
#: A chunk is decoded whole: larger ones would not fit beside each other in memory.
_MAX_CHUNK_BYTES: Final = 2**29
_MAX_JSON_BYTES: Final = 16 * 2**20
_MAX_IMAGES: Final = 1_000_000
#: What zarr raises where metadata are missing, or are something else than it expects.
_UNREADABLE: Final = (
    *(NodeNotFoundError, FileNotFoundError),
    *(ValueError, KeyError, TypeError, AttributeError),
)


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
    #: Size of one pixel step along each axis that has one, with its NGFF unit.
    scales: Mapping[str, tuple[float, str | None]] = field(default_factory=dict)
    #: The ``omero`` block, as it stands.
    omero: Json = field(default_factory=dict)
    field: ZarrField | None = None
    #: Further multiscale images of the same group.
    others: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ZarrContents:
    """What one OME-Zarr holds."""

    images: Sequence[ZarrImage]
    #: The ``plate`` attributes, where it is a plate.
    plate: Json | None = None


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
        self._name = name
        self._store: Store = ReadOnlyStore(members)

    def read_contents(self) -> ZarrContents:
        """Find the images.

        Raises
        ------
        UnsafeCrateError
            It is no OME-Zarr, or its metadata break the rules.
        """
        attributes = self._attributes("")
        if "plate" in attributes:
            plate = self._mapping(attributes["plate"], "plate")
            return ZarrContents(images=list(self._plate_images(plate)), plate=plate)
        if "multiscales" in attributes:
            return ZarrContents(images=[self._image("", attributes)])
        if "bioformats2raw.layout" in attributes:
            return ZarrContents(images=[self._image(path) for path in self._series()])
        raise self._error("has neither an image nor a plate in its metadata")

    def read_image(self, path: str) -> ZarrImage:
        """Read one image by the path of its group, empty where it is the root.

        Raises
        ------
        UnsafeCrateError
            It is none, or breaks the rules.
        """
        return self._image(self._path(path) if path else "")

    def open_pixels(self, image: ZarrImage) -> ZarrReader:
        """Open the largest level of an image."""
        path = _join(image.path, image.level_path)
        try:
            array = zarr.open_array(self._store, path=path, mode="r")
        except _UNREADABLE as error:
            raise self._error(f"has no readable array {path!r} ({error})") from error
        self._check_array(array, image, path)
        return ZarrReader(array, image.axes, f"{self._name}/{path}")

    def has_labels(self, image: ZarrImage) -> bool:
        """Tell whether an image has label images beside it."""
        return self._has_group(_join(image.path, "labels"))

    def read_text(self, name: str, max_bytes: int = _MAX_JSON_BYTES) -> bytes | None:
        """Return a small file such as ``OME/METADATA.ome.xml``, or None where there is none."""
        size = self._members.size(name)
        if size is None:
            return None
        if size > max_bytes:
            raise self._error(f"has {size} bytes of metadata in {name!r}, more than {max_bytes}")
        return self._members.read(name, 0, size)

    def _check_array(self, array: zarr.Array[Any], image: ZarrImage, path: str) -> None:
        if array.ndim != len(image.axes):
            raise self._error(f"names {len(image.axes)} axes for the {array.ndim} dimensions of {path!r}")
        if np.dtype(array.dtype).newbyteorder("=").name not in _PIXEL_TYPES:
            raise self._error(f"has pixels of type {array.dtype} in {path!r}, which OMERO cannot store")
        if not all(0 < side < 2**31 for side in array.shape):
            raise self._error(f"has an array {path!r} of the impossible shape {array.shape}")
        if unsafe := find_unsafe_codecs(array):
            raise self._error(f"has chunks in {path!r} that are packed with {unsafe!a:.200}")
        if math.prod(array.chunks) * array.dtype.itemsize > _MAX_CHUNK_BYTES:
            raise self._error(f"has chunks of {array.chunks} pixels in {path!r}, too large to be read")

    def _plate_images(self, plate: Json) -> Iterator[ZarrImage]:
        count = 0
        for well in self._list(plate.get("wells"), "plate.wells"):
            path = self._path(self._mapping(well, "plate.wells").get("path"))
            row, column = self._position(well, plate, path)
            found = self._mapping(self._attributes(path).get("well"), f"{path}.well")
            for index, item in enumerate(self._list(found.get("images"), f"{path}.well.images")):
                count += 1
                if count > _MAX_IMAGES:
                    raise self._error(f"has more than {_MAX_IMAGES} images")
                yield self._field_image(path, self._mapping(item, path), row, column, index)

    def _field_image(self, well: str, item: Json, row: int, column: int, index: int) -> ZarrImage:
        acquisition = item.get("acquisition")
        place = ZarrField(
            row=row,
            column=column,
            index=index,
            acquisition=acquisition if isinstance(acquisition, int) else None,
        )
        return self._image(_join(well, self._path(item.get("path"))), place=place)

    def _position(self, well: Json, plate: Json, path: str) -> tuple[int, int]:
        """Return row and column of a well; 0.2 had them only in the path."""
        if isinstance(well.get("rowIndex"), int) and isinstance(well.get("columnIndex"), int):
            row, column = well["rowIndex"], well["columnIndex"]
        else:
            names = path.split("/")
            row, column = (
                self._index(plate.get(axis), name, axis)
                for axis, name in zip(("rows", "columns"), names, strict=False)
            )
        if not (0 <= row < 10_000 and 0 <= column < 10_000):
            raise self._error(f"has a well {path!r} at the impossible place {row},{column}")
        return row, column

    def _index(self, names: object, name: str, axis: str) -> int:
        for index, item in enumerate(self._list(names, f"plate.{axis}")):
            if isinstance(item, dict) and item.get("name") == name:
                return index
        raise self._error(f"has a well in {name!r}, which is not among plate.{axis}")

    def _series(self) -> list[str]:
        listed = self._attributes("OME").get("series") if self._has_group("OME") else None
        if listed is not None:
            return [self._path(path) for path in self._list(listed, "OME.series")]
        found: list[str] = []
        while self._has_group(str(len(found))) and len(found) < _MAX_IMAGES:
            found.append(str(len(found)))
        return found

    def _image(self, path: str, attributes: Json | None = None, place: ZarrField | None = None) -> ZarrImage:
        attributes = self._attributes(path) if attributes is None else attributes
        scales = self._list(attributes.get("multiscales"), f"{path}.multiscales")
        first = self._mapping(scales[0] if scales else None, f"{path}.multiscales")
        datasets = self._list(first.get("datasets"), f"{path}.multiscales.datasets")
        level = self._mapping(datasets[0] if datasets else None, f"{path}.multiscales.datasets")
        axes = self._axes(first, path)
        omero = attributes.get("omero")
        return ZarrImage(
            path=path,
            name=str(first.get("name") or "") or path.rsplit("/", 1)[-1] or self._name,
            axes="".join(name for name, _ in axes),
            level_path=self._path(level.get("path")),
            scales=read_scales(axes, level, first),
            omero=omero if isinstance(omero, dict) else {},
            field=place,
            others=len(scales) - 1,
        )

    def _axes(self, multiscale: Json, path: str) -> list[tuple[str, str | None]]:
        """Return letter and unit of each axis; 0.1 and 0.2 had always five, 0.3 only their names."""
        listed = multiscale.get("axes")
        if listed is None:
            return [(name, None) for name in AXES]
        axes = [parse_axis(item) for item in self._list(listed, f"{path}.axes")]
        letters = "".join(name for name, _ in axes)
        known = len(set(letters)) == len(letters) and set(letters) <= set(AXES)
        if not known or not {"x", "y"} <= set(letters):
            raise self._error(f"has axes {letters!r} in {path!r}, not some of t, c, z, y, x")
        return axes

    def _attributes(self, path: str) -> Json:
        """Return the OME attributes of a group, whichever version wrote them."""
        try:
            group = zarr.open_group(self._store, path=path, mode="r", use_consolidated=False)
        except _UNREADABLE as error:
            raise self._error(f"has no readable Zarr group {path or '/'!r} ({error})") from error
        attributes: Json = group.attrs.asdict()
        ome = attributes.get("ome")
        found = ome if isinstance(ome, dict) else attributes
        self._check_version(found)
        return found

    def _check_version(self, attributes: Json) -> None:
        places = [attributes, attributes.get("plate"), attributes.get("well")]
        scales = attributes.get("multiscales")
        places.append(scales[0] if isinstance(scales, list) and scales else None)
        for place in places:
            version = place.get("version") if isinstance(place, dict) else None
            if version is not None and str(version) not in VERSIONS:
                raise self._error(
                    f"is OME-Zarr {version}; this program reads {VERSIONS[0]} to {VERSIONS[-1]}"
                )

    def _has_group(self, path: str) -> bool:
        return any(self._members.size(f"{path}/{name}") is not None for name in ("zarr.json", ".zgroup"))

    def _path(self, path: object) -> str:
        parts = path.split("/") if isinstance(path, str) else []
        if not parts or not all(parts) or any(part in {".", ".."} or "\\" in part for part in parts):
            raise self._error(f"has the impossible path {path!r}")
        return "/".join(parts)

    def _mapping(self, value: object, what: str) -> Json:
        if not isinstance(value, dict):
            raise self._error(f"has no sound {what!r}")
        return value

    def _list(self, value: object, what: str) -> list[Any]:
        if not isinstance(value, list):
            raise self._error(f"has no sound {what!r}")
        return value

    def _error(self, text: str) -> UnsafeCrateError:
        return UnsafeCrateError(f"{self._name} {text}.", hint="Nothing was written.")


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)
