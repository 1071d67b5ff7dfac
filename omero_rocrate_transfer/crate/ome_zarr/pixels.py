"""Pixels of one array of an OME-Zarr, whatever its axes."""

from __future__ import annotations

import lzma
import struct
import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from omero_rocrate_transfer.crate.ome_zarr.metadata import AXES
from omero_rocrate_transfer.model.errors import IntegrityError

if TYPE_CHECKING:
    import zarr

#: What codecs raise at bytes that they cannot unpack.
_BROKEN: Final = (
    ValueError,
    TypeError,
    RuntimeError,
    EOFError,
    OSError,
    LookupError,
    ArithmeticError,
    AssertionError,
    MemoryError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
)


class ZarrReader:
    """Pixels of the largest level of one image, as five axes.

    Parameters
    ----------
    array
        The array of that level.
    axes
        Its axes in their order, letters of ``tczyx``.
    name
        What to call it in errors.
    """

    def __init__(self, array: zarr.Array[Any], axes: str, name: str = "OME-Zarr") -> None:
        self._array = array
        self._name = name
        self._axes = axes
        sizes = dict(zip(axes, array.shape, strict=True))
        #: ``(t, c, z, y, x)`` in pixels.
        self.shape: tuple[int, int, int, int, int] = tuple(sizes.get(axis, 1) for axis in AXES)  # type: ignore[assignment]
        self.dtype: np.dtype[np.generic] = np.dtype("u1") if array.dtype == bool else np.dtype(array.dtype)
        chunks = dict(zip(axes, array.shards or array.chunks, strict=True))
        fill: Any = array.metadata.fill_value
        #: What missing chunks are read as, as text; None where the metadata leave it open.
        self.fill_value = None if fill is None else str(fill)
        self.tile_size = (_tile_side(chunks["x"]), _tile_side(chunks["y"]))

    def read_tile(
        self, t: int, c: int, z: int, x: int, y: int, width: int, height: int
    ) -> npt.NDArray[np.generic]:
        """Return one tile, shape ``(height, width)``; it must lie inside the plane.

        Raises
        ------
        IntegrityError
            Its chunks are damaged.
        """
        where: dict[str, int | slice[int, int, None]] = {"t": t, "c": c, "z": z}
        where |= {"y": slice(y, y + height), "x": slice(x, x + width)}
        try:
            tile = np.asarray(self._array[tuple(where[axis] for axis in self._axes)])
        except _BROKEN as error:
            raise IntegrityError(
                f"{self._name}: the chunks at t={t} c={c} z={z} y={y} x={x} cannot be unpacked ({error}).",
                hint="They are damaged or cut short; get them again from their source.",
            ) from error
        if self._axes.index("x") < self._axes.index("y"):
            tile = tile.T
        return np.ascontiguousarray(tile, dtype=self.dtype)

    def close(self) -> None:
        """Nothing is kept open."""


def _tile_side(chunk: int) -> int:
    """Whole chunks, yet neither tiny nor huge."""
    return chunk * max(1, 1024 // chunk) if chunk < 1024 else min(chunk, 4096)
