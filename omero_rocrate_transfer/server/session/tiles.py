"""Sizes of tiles: few calls, small messages, little work for the server."""

from __future__ import annotations

from typing import Final

import numpy as np

from omero_rocrate_transfer.model.planes import SQUARE

#: Planes up to this size are read and written whole: OMERO's own pixel files are read plane by plane
#: whatever is asked for (omero-romio RomioPixelBuffer.getTile).
PLANE_BYTES: Final = 16 * 2**20
#: Tiles and bands of larger planes; far below Ice.MessageSizeMax, 65 MB on older servers.
BAND_BYTES: Final = 8 * 2**20
#: Longest message.
CALL_BYTES: Final = 32 * 2**20
#: Side of a tile, roughly.
_SIDE: Final = 1024


def best_tile(
    width: int, height: int, tile_width: int, tile_height: int, dtype: np.dtype[np.generic]
) -> tuple[int, int]:
    """Return width and height of the tiles to read a plane in.

    Parameters
    ----------
    width, height
        Of the plane.
    tile_width, tile_height
        What the server reads best; a height of 0 means a single row.
    """
    if width * height * dtype.itemsize <= PLANE_BYTES:
        return width, height
    if tile_width >= width and width * SQUARE * dtype.itemsize <= 4 * BAND_BYTES:
        return width, band_height(width, height, dtype)
    side_x, side_y = _round(max(tile_width, 1)), _round(max(tile_height, 1))
    while side_x * side_y * dtype.itemsize > BAND_BYTES and side_y > SQUARE:
        side_y = max(SQUARE, side_y // 2 // SQUARE * SQUARE)
    side_x = min(side_x, max(SQUARE, BAND_BYTES // (side_y * dtype.itemsize) // SQUARE * SQUARE))
    return min(side_x, width), min(side_y, height)


def band_height(width: int, height: int, dtype: np.dtype[np.generic], *, step: int = SQUARE) -> int:
    """Return the rows of a full-width band: a multiple of 256, if it can be also of ``step``, or all rows."""
    rows = BAND_BYTES // (width * dtype.itemsize)
    if step % SQUARE == 0 and rows >= step > 0:
        return min(height, rows // step * step)
    return min(height, max(SQUARE, rows // SQUARE * SQUARE))


def _round(side: int) -> int:
    """Return a multiple of the server's tile near 1024, rounded up to a multiple of 256."""
    whole = side * max(1, round(_SIDE / side))
    return -(-whole // SQUARE) * SQUARE
