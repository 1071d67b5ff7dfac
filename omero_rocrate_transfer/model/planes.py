"""Digests of planes that do not depend on how the plane was cut into tiles.

A plane is laid out as squares of `SQUARE` pixels from its upper left corner (smaller at the right and lower
edge). Each square has the SHA-256 of its pixels, row by row and big-endian as OMERO sends them; the plane has
the SHA-256 of the digests of its squares, row by row. So tiles may come in any order, from any source, and no
more than a digest for each square is kept.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Side of a square in pixels; tiles must begin at its multiples and end there or at the edge of the plane.
SQUARE: Final = 256
#: Name of this digest where algorithms are named.
PLANE_SHA256: Final = "plane-sha256"


class PlaneHasher:
    """Takes the tiles of one plane in any order, each once.

    Parameters
    ----------
    height, width
        Size of the plane in pixels.
    """

    def __init__(self, height: int, width: int) -> None:
        self._height, self._width = height, width
        self._columns = -(-width // SQUARE)
        self._squares: list[bytes | None] = [None] * (self._columns * -(-height // SQUARE))

    def update(self, tile: npt.NDArray[np.generic], x: int, y: int) -> None:
        """Take one tile.

        Parameters
        ----------
        tile : ndarray, shape (height, width)
            Pixels in any byte order.
        x, y
            Left and upper edge in the plane.

        Raises
        ------
        ValueError
            The tile does not lie on the grid of squares, leaves the plane or comes a second time.
        """
        height, width = tile.shape
        if x % SQUARE or y % SQUARE or not self._ends_well(x + width, y + height):
            raise ValueError(f"tile {width}x{height} at {x},{y} does not lie on the grid of {SQUARE} pixels")
        big = tile.astype(tile.dtype.newbyteorder(">"), copy=False)
        for top in range(0, height, SQUARE):
            for left in range(0, width, SQUARE):
                square = big[top : top + SQUARE, left : left + SQUARE]
                self._put((y + top) // SQUARE * self._columns + (x + left) // SQUARE, square.tobytes())

    def _ends_well(self, right: int, lower: int) -> bool:
        inside = right <= self._width and lower <= self._height
        on_grid = (right % SQUARE == 0 or right == self._width) and (
            lower % SQUARE == 0 or lower == self._height
        )
        return inside and on_grid

    def _put(self, number: int, pixels: bytes) -> None:
        if self._squares[number] is not None:
            raise ValueError(f"square {number} of the plane came twice")
        self._squares[number] = hashlib.sha256(pixels).digest()

    def hexdigest(self) -> str:
        """Return the digest of the whole plane.

        Raises
        ------
        ValueError
            Some of its squares never came.
        """
        whole = hashlib.sha256()
        for square in self._squares:
            if square is None:
                raise ValueError("the plane is not complete")
            whole.update(square)
        return whole.hexdigest()
