"""Writes an image as a tiled, pyramidal OME-TIFF, with never more than a few tiles in memory.

Planes above the server's limit would go through a lossy writer if they came tile by tile (omero-romio
BfPyramidPixelBuffer); in a file with pyramid of its own they stay as they are. Reduced levels lie in SubIFDs
(OME-TIFF specification 6), every second sample of every second row, as bioformats2raw makes them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import IO, Final, Literal

import numpy as np
import numpy.typing as npt
import tifffile

from omero_rocrate_transfer.server.write.pixels.bands import Plane, PlaneFacts, iter_parts
from omero_rocrate_transfer.transfer.ports import PixelsReader

#: Largest and smallest side of a tile.
_TILES: Final = (1024, 256)
#: Levels go down to this size, about that of a view.
_SMALLEST: Final = 256
#: Bytes for a page or level beyond its pixels: tags, and two numbers of 8 bytes for every tile.
_PAGE_BYTES: Final = 4096

Tile = npt.NDArray[np.generic]


def level_sizes(width: int, height: int) -> list[tuple[int, int]]:
    """Return (width, height) of all levels, largest first; at least two.

    Without a reduced level a server would make a lossy pyramid of a large plane (PixelsService).
    """
    sizes = [(width, height)]
    while len(sizes) == 1 or max(sizes[-1]) > _SMALLEST:
        width, height = -(-width // 2), -(-height // 2)
        sizes.append((width, height))
    return sizes


def tile_side(width: int, height: int) -> int:
    """Return the side of the tiles: a power of two, small for small planes."""
    side, smallest = _TILES
    while side > smallest and side // 2 >= max(width, height):
        side //= 2
    return side


def estimate_bytes(shape: tuple[int, int, int, int, int], dtype: np.dtype[np.generic]) -> int:
    """Return an upper limit of what the file and the scratch file beside it take on disk."""
    *counts, height, width = shape
    planes = int(np.prod(counts))
    side = tile_side(width, height)
    tiles = [-(-across // side) * -(-down // side) for across, down in level_sizes(width, height)]
    per_plane = sum(tiles) * (side * side * dtype.itemsize + 16) + len(tiles) * _PAGE_BYTES
    # Of two levels at a time, a quarter of the size of each.
    scratch = sum(tiles[:2]) * side * side * dtype.itemsize // 4
    return planes * per_plane + scratch + 2**20


def write_ome_tiff(
    path: Path, reader: PixelsReader, planes: Iterator[Plane], description: bytes
) -> PlaneFacts:
    """Write all planes in the given order.

    Parameters
    ----------
    planes
        ``(t, c, z)``, in the dimension order of the metadata.
    description
        OME-XML in UTF-8.
    """
    facts = PlaneFacts(reader)
    byteorder: Literal["<", ">"] = ">" if reader.dtype.str.startswith(">") else "<"
    with tifffile.TiffWriter(path, bigtiff=True, byteorder=byteorder) as tiff:
        for number, plane in enumerate(planes):
            _PlaneWriter(tiff, reader, facts, plane, path.parent).write(description if number == 0 else None)
    return facts


class _PlaneWriter:
    """One page and its reduced levels."""

    def __init__(
        self,
        tiff: tifffile.TiffWriter,
        reader: PixelsReader,
        facts: PlaneFacts,
        plane: Plane,
        folder: Path,
    ) -> None:
        self._tiff = tiff
        self._reader = reader
        self._facts = facts
        self._plane = plane
        self._folder = folder
        *_, height, width = reader.shape
        self._sizes = level_sizes(width, height)
        self._side = tile_side(width, height)

    def write(self, description: bytes | None) -> None:
        source = self._read_tiles()
        for level, size in enumerate(self._sizes):
            with tempfile.TemporaryFile(dir=self._folder, buffering=0) as file:
                last = level + 1 == len(self._sizes)
                tiles = source if last else _keep_halves(source, file)
                self._write_level(level, size, tiles, description)
                if not last:
                    # Duplicated, so that the scratch file is there until its level is written.
                    kept = os.fdopen(os.dup(file.fileno()), "rb", buffering=0)
                    source = _join_halves(kept, size, self._side, self._reader.dtype)

    def _write_level(
        self, level: int, size: tuple[int, int], tiles: Iterator[Tile], description: bytes | None
    ) -> None:
        width, height = size
        self._tiff.write(
            tiles,
            shape=(height, width),
            dtype=self._reader.dtype,
            tile=(self._side, self._side),
            photometric="minisblack",
            subifds=len(self._sizes) - 1 if level == 0 else None,
            subfiletype=1 if level else 0,
            description=description if level == 0 else None,
            metadata=None,
            contiguous=False,
            software=False,
        )

    def _read_tiles(self) -> Iterator[Tile]:
        for part in iter_parts(self._reader, [self._plane], (self._side, self._side)):
            self._facts.take(part)
            yield _padded(part.pixels, self._side)


def _keep_halves(tiles: Iterator[Tile], scratch: IO[bytes]) -> Iterator[Tile]:
    """Pass tiles on and write each at half its size into the scratch file, one behind the other."""
    for tile in tiles:
        # Before it is passed on: nobody comes back after the last one.
        scratch.write(tile[::2, ::2].tobytes())
        yield tile


def _join_halves(
    scratch: IO[bytes], size: tuple[int, int], side: int, dtype: np.dtype[np.generic]
) -> Iterator[Tile]:
    """Yield the tiles of the next level, four halves each; ``size`` is that of the level before."""
    columns, rows = (-(-length // side) for length in size)
    half = side // 2
    size_bytes = half * half * dtype.itemsize
    with scratch:
        for row, column in product(range(0, rows, 2), range(0, columns, 2)):
            tile = np.zeros((side, side), dtype)
            for down, right in product(range(min(2, rows - row)), range(min(2, columns - column))):
                number = (row + down) * columns + column + right
                data = os.pread(scratch.fileno(), size_bytes, number * size_bytes)
                part = np.frombuffer(data, dtype).reshape(half, half)
                tile[down * half : (down + 1) * half, right * half : (right + 1) * half] = part
            yield tile


def _padded(tile: Tile, side: int) -> Tile:
    if tile.shape == (side, side):
        return tile
    whole = np.zeros((side, side), tile.dtype)
    whole[: tile.shape[0], : tile.shape[1]] = tile
    return whole
