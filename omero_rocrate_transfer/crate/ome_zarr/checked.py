"""Compares the pixels that are read with the digests of their planes."""

from __future__ import annotations

import threading
from itertools import product
from typing import TYPE_CHECKING

from omero_rocrate_transfer.model.digests import Digest
from omero_rocrate_transfer.model.errors import GET_AGAIN, DigestMismatchError, UnsafeCrateError
from omero_rocrate_transfer.model.planes import PLANE_SHA256, PlaneHasher

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from omero_rocrate_transfer.transfer.ports import PixelsReader

Plane = tuple[int, int, int]


class CheckedPixels:
    """A `PixelsReader` that raises an error with the last tile of a plane that is not as promised.

    A plane of which tiles are left out, read twice or cut off the grid of `PlaneHasher` cannot be compared.

    Parameters
    ----------
    reader
        Gives the pixels.
    promised
        Digest of every plane, by ``(t, c, z)``.
    name
        What the pixels are called in errors.

    Raises
    ------
    UnsafeCrateError
        Other planes are promised than there are.
    """

    def __init__(self, reader: PixelsReader, promised: Mapping[Plane, str], name: str) -> None:
        planes = set(product(*map(range, reader.shape[:3])))
        if set(promised) != planes:
            raise UnsafeCrateError(
                f"{name} has {len(planes)} planes, {len(promised)} digests are promised.",
                hint=GET_AGAIN,
            )
        self._reader, self._promised, self._name = reader, promised, name
        self.shape, self.dtype, self.tile_size = reader.shape, reader.dtype, reader.tile_size
        #: Hasher and pixels still to come of planes that are being read; None where they cannot be compared.
        self._open: dict[Plane, tuple[PlaneHasher, int] | None] = {}
        self._lock = threading.Lock()

    def read_tile(
        self, t: int, c: int, z: int, x: int, y: int, width: int, height: int
    ) -> npt.NDArray[np.generic]:
        """Return one tile.

        Raises
        ------
        DigestMismatchError
            It completes a plane, which is not as promised.
        """
        tile = self._reader.read_tile(t, c, z, x, y, width, height)
        with self._lock:
            self._take((t, c, z), tile, x, y)
        return tile

    def close(self) -> None:
        """Close the reader."""
        self._reader.close()

    def _take(self, plane: Plane, tile: npt.NDArray[np.generic], x: int, y: int) -> None:
        size = self.shape[3:]
        known = self._open.setdefault(plane, (PlaneHasher(*size), size[0] * size[1]))
        if known is None:
            return
        hasher, left = known
        try:
            hasher.update(tile, x, y)
        except ValueError:
            self._open[plane] = None
            return
        self._open[plane] = (hasher, left - tile.size)
        if left == tile.size:
            self._open[plane] = None
            self._compare(plane, hasher.hexdigest())

    def _compare(self, plane: Plane, found: str) -> None:
        promised = self._promised[plane]
        if promised != found:
            t, c, z = plane
            raise DigestMismatchError(
                f"{self._name}, plane t={t} c={c} z={z}",
                expected=Digest(PLANE_SHA256, promised),
                found=Digest(PLANE_SHA256, found),
            )
