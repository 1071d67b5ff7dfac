"""Reads the planes of an image in tiles of bounded size, and their digests."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.model.planes import SQUARE, PlaneHasher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omero_rocrate_transfer.transfer.ports import PixelsReader

#: Side of a tile in pixels; `PlaneHasher` takes multiples of its squares.
TILE: Final = 4 * SQUARE


def iter_plane_digests(pixels: PixelsReader) -> Iterator[tuple[tuple[int, int, int], str]]:
    """Yield ``(t, c, z)`` and digest of every plane, one tile in memory at a time."""
    sizes_t, sizes_c, sizes_z, height, width = pixels.shape
    for t, c, z in product(range(sizes_t), range(sizes_c), range(sizes_z)):
        hasher = PlaneHasher(height, width)
        for y, x in product(range(0, height, TILE), range(0, width, TILE)):
            tile = pixels.read_tile(t, c, z, x, y, min(TILE, width - x), min(TILE, height - y))
            hasher.update(tile, x, y)
        yield (t, c, z), hasher.hexdigest()
