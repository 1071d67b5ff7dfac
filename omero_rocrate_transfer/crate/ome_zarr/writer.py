"""Writes the pixels of one image as OME-Zarr 0.5 while they stream in.

Tiles are read by several threads, put together to whole shards, and every shard is written exactly once: a
tile smaller than its shard would mean reading the shard back and writing it anew. The levels of the pyramid
are made on the way: four shards of one level give one of the next, so one shard a level is all that waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import zarr
from zarr.codecs import BytesCodec

from omero_rocrate_transfer.crate.ome_zarr.halving import halve_mean
from omero_rocrate_transfer.crate.ome_zarr.layout import ZarrLayout, codecs, level_sizes
from omero_rocrate_transfer.crate.ome_zarr.metadata import AXES
from omero_rocrate_transfer.crate.ome_zarr.options import ZarrOptions
from omero_rocrate_transfer.crate.ome_zarr.shards import children, extent, grid, z_order
from omero_rocrate_transfer.crate.ome_zarr.stores import WriteMember, WriteOnceStore
from omero_rocrate_transfer.model.planes import PlaneHasher

if TYPE_CHECKING:
    from omero_rocrate_transfer.transfer.ports import PixelsReader

# Threads of zarr's own that pack chunks: each has a heap, which keeps what it had; two keep a network busy.
zarr.config.set({"threading.max_workers": 2})

Plane = npt.NDArray[Any]


@dataclass(slots=True)
class WrittenPixels:
    """What went by while an image was written."""

    #: ``(height, width)`` of each level, largest first.
    sizes: list[tuple[int, int]]
    #: Lowest and highest value of each channel; NaN is passed over.
    limits: list[tuple[float, float]]
    #: `PlaneHasher` digest of each plane, by ``(t, c, z)``.
    digests: dict[tuple[int, int, int], str] = field(default_factory=dict)


def write_pixels(
    write: WriteMember,
    path: str,
    reader: PixelsReader,
    options: ZarrOptions,
    *,
    halve: Callable[[Plane], Plane] = halve_mean,
) -> WrittenPixels:
    """Write all levels of an image as arrays ``<path>0``, ``<path>1`` and so on.

    Parameters
    ----------
    write
        Takes each member of the arrays once.
    path
        Prefix of the arrays' names, ending with a slash: ``image205.ome.zarr/``.
    reader
        Pixels in axes t, c, z, y, x.

    Returns
    -------
    WrittenPixels
        Sizes, limits of the channels and digests, for the group's metadata and for later checks.
    """
    writer = _Writer(write, path, reader, options, halve)
    with (
        ThreadPoolExecutor(options.limits.readers, "tiles") as tiles,
        ThreadPoolExecutor(2, "shards") as encoders,
    ):
        try:
            return writer.run(tiles, encoders)
        except BaseException:
            tiles.shutdown(wait=False, cancel_futures=True)
            encoders.shutdown(wait=False, cancel_futures=True)
            raise


@dataclass(slots=True)
class _Shard:
    """A shard of the largest level, on its way in."""

    origin: tuple[int, int]
    pixels: Plane
    tiles: list[Future[None]]


class _Writer:
    def __init__(
        self,
        write: WriteMember,
        path: str,
        reader: PixelsReader,
        options: ZarrOptions,
        halve: Callable[[Plane], Plane],
    ) -> None:
        self._reader, self._halve, self._on_bytes = reader, halve, options.on_bytes
        layout = options.layout
        self._side = layout.shard
        tile = options.limits.tile
        self._tile = reader.tile_size if tile is None else (tile, tile)
        self._dtype = reader.dtype.newbyteorder("=")
        self._sizes = level_sizes(*reader.shape[3:])
        self._arrays = [_create(write, f"{path}{n}/", self, layout, n) for n in range(len(self._sizes))]
        self._ahead, self._behind = self._share_out(options.limits.memory_bytes)
        self._limits = [(np.inf, -np.inf)] * reader.shape[1]
        self._writes: deque[Future[None]] = deque()

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return self._dtype

    def shape(self, level: int) -> tuple[int, ...]:
        return (*self._reader.shape[:3], *self._sizes[level])

    def _share_out(self, memory_bytes: int) -> tuple[int, int]:
        """Return how many shards may wait to be read and to be written, besides one a level."""
        sizes = [
            min(self._side, height) * min(self._side, width) * self._dtype.itemsize
            for height, width in self._sizes
        ]
        shards = (memory_bytes - sum(sizes)) // sizes[0]
        behind = max(1, min(4, shards // 3))
        return max(1, min(16, shards - behind)), behind

    def run(self, tiles: ThreadPoolExecutor, encoders: ThreadPoolExecutor) -> WrittenPixels:
        size_t, size_c, size_z = self._reader.shape[:3]
        planes = [(t, c, z) for t in range(size_t) for c in range(size_c) for z in range(size_z)]
        shards = self._read_ahead(planes, tiles)
        digests = {plane: self._write_plane(plane, shards, encoders) for plane in planes}
        self._wait(0)
        limits = [(float(low), float(high)) if low <= high else (0.0, 0.0) for low, high in self._limits]
        return WrittenPixels(self._sizes, limits, digests)

    def _read_ahead(self, planes: list[tuple[int, int, int]], tiles: ThreadPoolExecutor) -> Iterator[_Shard]:
        """Yield the shards of all planes in the order they are needed, a few of them under way."""
        waiting: deque[_Shard] = deque()
        origins = list(z_order(self._sizes, self._side))
        for plane in planes:
            for origin in origins:
                waiting.append(self._start(plane, origin, tiles))
                if len(waiting) > self._ahead:
                    yield _landed(waiting.popleft())
        while waiting:
            yield _landed(waiting.popleft())

    def _start(
        self, plane: tuple[int, int, int], origin: tuple[int, int], tiles: ThreadPoolExecutor
    ) -> _Shard:
        height, width = extent(self._sizes[0], origin, self._side)
        shard = _Shard(origin, np.empty((height, width), self._dtype), [])
        step_x, step_y = (min(side, self._side) for side in self._tile)
        for y in range(0, height, step_y):
            for x in range(0, width, step_x):
                part = (slice(y, min(y + step_y, height)), slice(x, min(x + step_x, width)))
                shard.tiles.append(tiles.submit(self._read, plane, shard, part))
        return shard

    def _read(self, plane: tuple[int, int, int], shard: _Shard, part: tuple[slice, slice]) -> None:
        rows, columns = part
        tile = self._reader.read_tile(
            *plane,
            shard.origin[1] + columns.start,
            shard.origin[0] + rows.start,
            columns.stop - columns.start,
            rows.stop - rows.start,
        )
        shard.pixels[part] = tile
        self._on_bytes(tile.nbytes)

    def _write_plane(
        self, plane: tuple[int, int, int], shards: Iterator[_Shard], encoders: ThreadPoolExecutor
    ) -> str:
        hasher = PlaneHasher(*self._sizes[0])

        def make(level: int, row: int, column: int) -> Plane:
            if level == 0:
                pixels = self._take(plane, next(shards), hasher)
            else:
                pixels = self._put_together(level, row, column, make)
            self._write(encoders, level, plane, (row * self._side, column * self._side), pixels)
            return pixels

        top = len(self._sizes) - 1
        for row, column in grid(self._sizes[top], self._side):
            make(top, row, column)
        return hasher.hexdigest()

    def _take(self, plane: tuple[int, int, int], shard: _Shard, hasher: PlaneHasher) -> Plane:
        hasher.update(shard.pixels, shard.origin[1], shard.origin[0])
        low, high = _limits(shard.pixels)
        known = self._limits[plane[1]]
        self._limits[plane[1]] = (min(known[0], low), max(known[1], high))
        return shard.pixels

    def _put_together(
        self, level: int, row: int, column: int, make: Callable[[int, int, int], Plane]
    ) -> Plane:
        """Make a shard from the four below it (fewer at the edges)."""
        origin = (row * self._side, column * self._side)
        pixels = np.empty(extent(self._sizes[level], origin, self._side), self._dtype)
        half = self._side // 2
        for below in children(self._sizes[level - 1], self._side, row, column):
            part = self._halve(make(level - 1, *below))
            y, x = (below[0] - 2 * row) * half, (below[1] - 2 * column) * half
            pixels[y : y + part.shape[0], x : x + part.shape[1]] = part
        return pixels

    def _write(
        self,
        encoders: ThreadPoolExecutor,
        level: int,
        plane: tuple[int, int, int],
        origin: tuple[int, int],
        pixels: Plane,
    ) -> None:
        y, x = origin
        where = (*plane, slice(y, y + pixels.shape[0]), slice(x, x + pixels.shape[1]))
        self._writes.append(encoders.submit(self._arrays[level].__setitem__, where, pixels))
        self._wait(self._behind)

    def _wait(self, most: int) -> None:
        while len(self._writes) > most:
            self._writes.popleft().result()


def _landed(shard: _Shard) -> _Shard:
    for tile in shard.tiles:
        tile.result()
    return shard


def _create(write: WriteMember, path: str, writer: _Writer, layout: ZarrLayout, level: int) -> Any:
    shape = writer.shape(level)
    side = layout.shard_side(*shape[3:])
    return zarr.create_array(
        # A store for each array: zarr would write the metadata of a parent group in its own way.
        store=WriteOnceStore(write, path),
        shape=shape,
        dtype=writer.dtype,
        chunks=(1, 1, 1, layout.chunk, layout.chunk),
        shards=(1, 1, 1, side, side),
        compressors=codecs(layout.compression, writer.dtype) or None,
        serializer=BytesCodec(endian="little" if writer.dtype.itemsize > 1 else None),
        fill_value=0,
        dimension_names=AXES,
        # A chunk equal to the fill value would be left out, and -0.0 is equal to 0.0 but not the same.
        config={"write_empty_chunks": True},
    )


def _limits(pixels: Plane) -> tuple[float, float]:
    if pixels.dtype.kind != "f":
        return float(pixels.min()), float(pixels.max())
    # fmin and fmax pass over NaN, and give NaN only where there is nothing else.
    low, high = float(np.fmin.reduce(pixels, axis=None)), float(np.fmax.reduce(pixels, axis=None))
    return (low, high) if low <= high else (np.inf, -np.inf)
