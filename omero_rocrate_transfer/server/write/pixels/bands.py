"""Planes in parts, read ahead in several threads, and what is learned of them on the way."""

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
from omero_rocrate_transfer.server.session.tiles import CALL_BYTES, band_height
from omero_rocrate_transfer.transfer.ports import PixelsReader

#: Most reads in flight, and the most bytes of them; but never fewer than two.
_READS: Final = 4
_BYTES_AHEAD: Final = 16 * 2**20

#: ``(t, c, z)``.
Plane = tuple[int, int, int]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle of a plane."""

    plane: Plane
    #: Left column and upper row.
    x: int
    y: int
    #: Shape ``(rows, columns)``.
    pixels: npt.NDArray[np.generic]


def iter_bands(reader: PixelsReader) -> Iterator[Part]:
    """Yield all planes in bands of full width, from the top."""
    *_, height, width = reader.shape
    rows = band_height(width, height, reader.dtype, step=reader.tile_size[1])
    # Only of extremely wide planes a band does not fit into a message.
    columns = max(SQUARE, CALL_BYTES // (rows * reader.dtype.itemsize) // SQUARE * SQUARE)
    if columns >= width:
        yield from iter_parts(reader, iter_planes(reader), (width, rows))
        return
    for plane, y in product(iter_planes(reader), range(0, height, rows)):
        down = min(rows, height - y)
        across = range(0, width, columns)
        tiles = [reader.read_tile(*plane, x, y, min(columns, width - x), down) for x in across]
        # numpy joins in native byte order
        yield Part(plane, 0, y, np.concatenate(tiles, axis=1).astype(reader.dtype, copy=False))


def iter_parts(reader: PixelsReader, planes: Iterable[Plane], size: tuple[int, int]) -> Iterator[Part]:
    """Yield planes in tiles, row by row.

    Parameters
    ----------
    size
        Width and height of the tiles; those at the edges are smaller.
    """
    *_, height, width = reader.shape
    side_x, side_y = size

    def read(place: tuple[Plane, int, int]) -> Part:
        plane, y, x = place
        tile = reader.read_tile(*plane, x, y, min(side_x, width - x), min(side_y, height - y))
        return Part(plane, x, y, tile)

    places = product(planes, range(0, height, side_y), range(0, width, side_x))
    fitting = _BYTES_AHEAD // (min(side_x, width) * min(side_y, height) * reader.dtype.itemsize)
    return _ahead(read, places, max(2, min(_READS, fitting)))


def iter_planes(reader: PixelsReader) -> Iterator[Plane]:
    """Yield ``(t, c, z)`` of every plane in the order in which OMERO stores them."""
    size_t, size_c, size_z, *_ = reader.shape
    return product(range(size_t), range(size_c), range(size_z))


def _ahead(do: Callable[[Any], T], items: Iterable[Any], depth: int) -> Iterator[T]:
    """Yield ``do(item)`` for all items, in order, some of them worked on ahead in threads."""
    with ThreadPoolExecutor(depth, thread_name_prefix="read-ahead") as pool:
        flying: deque[Future[T]] = deque()
        try:
            for item in items:
                flying.append(pool.submit(do, item))
                if len(flying) == depth:
                    yield flying.popleft().result()
            while flying:
                yield flying.popleft().result()
        finally:
            for future in flying:
                future.cancel()


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

    def take(self, part: Part) -> None:
        """Take a part in; parts lie on the grid of `PlaneHasher`."""
        plane, pixels = part.plane, part.pixels
        hasher = self._hashers.setdefault(plane, PlaneHasher(self._height, self._width))
        hasher.update(pixels, part.x, part.y)
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
