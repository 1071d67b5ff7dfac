"""Planes in full-width bands, read ahead in several threads, and what is learned of them on the way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from omero_rocrate_transfer.model.planes import SQUARE, PlaneHasher
from omero_rocrate_transfer.server.tiles import CALL_BYTES, band_height
from omero_rocrate_transfer.transfer.ports import PixelsReader

#: Reads in flight; each may hold a band.
READ_AHEAD: Final = 4

#: ``(t, c, z)``.
Plane = tuple[int, int, int]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Band:
    """Some rows of a plane."""

    plane: Plane
    #: First row.
    y: int
    #: Shape ``(rows, width)``.
    pixels: npt.NDArray[np.generic]


def iter_bands(reader: PixelsReader) -> Iterator[Band]:
    """Yield all planes band by band: planes by t, c and z as OMERO stores them, bands from the top."""
    *_, height, width = reader.shape
    rows = band_height(width, height, reader.dtype, step=reader.tile_size[1])

    # Only of extremely wide planes a band does not fit into a message.
    columns = max(SQUARE, CALL_BYTES // (rows * reader.dtype.itemsize) // SQUARE * SQUARE)

    def read(plane: Plane, y: int) -> Band:
        down = min(rows, height - y)
        parts = [
            reader.read_tile(*plane, x, y, min(columns, width - x), down) for x in range(0, width, columns)
        ]
        return Band(plane, y, parts[0] if len(parts) == 1 else _beside(parts))

    places = product(iter_planes(reader), range(0, height, rows))
    return ahead(lambda place: read(*place), places)


def iter_planes(reader: PixelsReader) -> Iterator[Plane]:
    """Yield ``(t, c, z)`` of every plane in the order in which OMERO stores them."""
    size_t, size_c, size_z, *_ = reader.shape
    return product(range(size_t), range(size_c), range(size_z))


def ahead(do: Callable[[Any], T], items: Iterable[Any]) -> Iterator[T]:
    """Yield ``do(item)`` for all items, in order, a few of them worked on ahead in threads."""
    waiting = iter(items)
    with ThreadPoolExecutor(READ_AHEAD, thread_name_prefix="read-ahead") as pool:
        flying: deque[Future[T]] = deque()
        try:
            for item in waiting:
                flying.append(pool.submit(do, item))
                if len(flying) == READ_AHEAD:
                    yield flying.popleft().result()
            while flying:
                yield flying.popleft().result()
        finally:
            for future in flying:
                future.cancel()


def _beside(parts: list[npt.NDArray[np.generic]]) -> npt.NDArray[np.generic]:
    # numpy answers in native byte order
    return np.concatenate(parts, axis=1).astype(parts[0].dtype, copy=False)


class PlaneFacts:
    """Digests of planes and extremes of channels, gathered while the pixels go by."""

    def __init__(self, reader: PixelsReader) -> None:
        *_, self._height, self._width = reader.shape
        self._hashers: dict[Plane, PlaneHasher] = {}
        self._left: dict[Plane, int] = {}
        #: Digest of every plane that was seen whole.
        self.digests: dict[Plane, str] = {}
        #: Smallest and largest sample of each channel; NaN is no extreme.
        self.extremes: dict[int, tuple[float, float]] = {}

    def take(self, plane: Plane, x: int, y: int, pixels: npt.NDArray[np.generic]) -> None:
        """Take a tile in; tiles lie on the grid of `PlaneHasher`."""
        hasher = self._hashers.setdefault(plane, PlaneHasher(self._height, self._width))
        hasher.update(pixels, x, y)
        self._widen(plane[1], pixels)
        left = self._left.get(plane, self._height * self._width) - pixels.size
        self._left[plane] = left
        if left == 0:
            self.digests[plane] = self._hashers.pop(plane).hexdigest()
            del self._left[plane]

    def _widen(self, channel: int, pixels: npt.NDArray[np.generic]) -> None:
        low, high = float(np.fmin.reduce(pixels, axis=None)), float(np.fmax.reduce(pixels, axis=None))
        before = self.extremes.get(channel, (low, high))
        self.extremes[channel] = float(np.fmin(low, before[0])), float(np.fmax(high, before[1]))
