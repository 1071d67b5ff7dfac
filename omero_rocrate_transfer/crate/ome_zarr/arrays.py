"""Opens the arrays of an OME-Zarr, with all that is asked for checked before a chunk is read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import zarr
from zarr.errors import BaseZarrError

from omero_rocrate_transfer.crate.ome_zarr.checked_metadata import join
from omero_rocrate_transfer.crate.ome_zarr.chunks import (
    ChunkMembers,
    Survey,
    declared_spelling,
    survey_chunks,
)
from omero_rocrate_transfer.crate.ome_zarr.codec_check import find_unsafe_codecs
from omero_rocrate_transfer.crate.ome_zarr.nodes import MAX_JSON_BYTES
from omero_rocrate_transfer.crate.ome_zarr.pixels import ZarrReader
from omero_rocrate_transfer.crate.ome_zarr.stores import Members, ReadOnlyStore
from omero_rocrate_transfer.crate.ome_zarr.unpacking import bound_array

if TYPE_CHECKING:
    from omero_rocrate_transfer.crate.ome_zarr.checked_metadata import CheckedMetadata
    from omero_rocrate_transfer.crate.ome_zarr.images import ZarrImage

#: numpy names of the pixel types OMERO stores.
_PIXEL_TYPES: Final = frozenset(
    {"int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64", "bool"}
)
#: A chunk is decoded whole: larger ones would not fit beside each other in memory.
_MAX_CHUNK_BYTES: Final = 2**29
#: Chunks in one shard: their index is read whole, 16 bytes for each.
_MAX_INDEX: Final = 2**22
#: Each channel is an object in the metadata of OMERO.
_MAX_CHANNELS: Final = 10_000
_MAX_PLANES: Final = 10_000_000
#: What zarr raises where metadata are something else than it expects.
_UNREADABLE: Final = (
    *(BaseZarrError, OSError, ValueError, LookupError, TypeError, AttributeError),
    *(RuntimeError, ArithmeticError, AssertionError, MemoryError),
)


class ArrayOpener:
    """Opens the largest level of images."""

    def __init__(self, members: Members, metadata: CheckedMetadata) -> None:
        self._members, self._metadata = members, metadata

    def open(self, image: ZarrImage, *, is_surveyed: bool) -> tuple[ZarrReader, Survey]:
        """Open the pixels of an image.

        Parameters
        ----------
        is_surveyed
            Whether its chunks are looked for, under all names that are in use.

        Raises
        ------
        AbsentError
            The array is not there, or none of its chunks.
        """
        path = join(image.path, image.level_path)
        metadata = self._metadata.nodes.read_array(path)
        if unsafe := find_unsafe_codecs(metadata):
            raise self._metadata.error(f"has chunks in {path!r} that are packed with {unsafe!a:.200}")
        array = self._open_array(path)
        self._check_array(array, image, path)
        grid = _grid(array)
        if is_surveyed:
            survey = survey_chunks(self._members, path, metadata, grid)
            if survey.missing == survey.expected:
                raise self._metadata.absent(f"has none of the {survey.expected} chunks of {path!r}")
        else:
            survey = Survey(expected=math.prod(grid), missing=0, spellings=(declared_spelling(metadata),))
        members = ChunkMembers(self._members, path, survey, grid, _max_file_bytes(array))
        return ZarrReader(
            bound_array(array, ReadOnlyStore(members)), image.axes, f"{self._metadata.name}/{path}"
        ), survey

    def _open_array(self, path: str) -> zarr.Array[Any]:
        try:
            return zarr.open_array(ReadOnlyStore(self._members), path=path, mode="r")
        except _UNREADABLE as error:
            raise self._metadata.error(f"has no readable array {path!r} ({str(error)[:200]!a})") from error

    def _check_array(self, array: zarr.Array[Any], image: ZarrImage, path: str) -> None:
        if array.ndim != len(image.axes):
            raise self._metadata.error(
                f"names {len(image.axes)} axes for the {array.ndim} dimensions of {path!r}"
            )
        if np.dtype(array.dtype).newbyteorder("=").name not in _PIXEL_TYPES:
            raise self._metadata.error(
                f"has pixels of type {array.dtype} in {path!r}, which OMERO cannot store"
            )
        if not all(0 < side < 2**31 for side in array.shape):
            raise self._metadata.error(f"has an array {path!r} of the impossible shape {array.shape}")
        sizes = dict(zip(image.axes, array.shape, strict=True))
        if sizes.get("c", 1) > _MAX_CHANNELS:
            raise self._metadata.error(f"has {sizes['c']} channels in {path!r}, more than {_MAX_CHANNELS}")
        if (planes := math.prod(sizes.get(axis, 1) for axis in "tcz")) > _MAX_PLANES:
            raise self._metadata.error(f"has {planes} planes in {path!r}, more than {_MAX_PLANES}")
        if not all(side > 0 for side in (*array.chunks, *(array.shards or ()))):
            raise self._metadata.error(f"has chunks of the impossible shape {array.chunks} in {path!r}")
        if math.prod(array.chunks) * array.dtype.itemsize > _MAX_CHUNK_BYTES:
            raise self._metadata.error(
                f"has chunks of {array.chunks} pixels in {path!r}, too large to be read"
            )
        if math.prod(array.shards or ()) // math.prod(array.chunks) > _MAX_INDEX:
            raise self._metadata.error(
                f"has shards of {array.shards} pixels in {path!r}, too large to be read"
            )


def _grid(array: zarr.Array[Any]) -> list[int]:
    """Return how many files of chunks there may be along each dimension."""
    return [-(-side // part) for side, part in zip(array.shape, array.shards or array.chunks, strict=True)]


def _max_file_bytes(array: zarr.Array[Any]) -> int:
    """Return what is read of one file at once: a chunk that did not get smaller, or the index of a shard."""
    index = 16 * math.prod(array.shards or ()) // math.prod(array.chunks)
    size = math.prod(array.shards or array.chunks) * array.dtype.itemsize
    return 2 * size + index + MAX_JSON_BYTES
