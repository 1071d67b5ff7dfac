"""One image of an original: its metadata and its pixels, read region by region."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from ome_types.model import OME, Image

from omero_sandbox.images.errors import FormatError
from omero_sandbox.images.pixel_types import DTYPES


class Region(NamedTuple):
    """A rectangle of a plane, in pixels."""

    x: int
    y: int
    w: int
    h: int


class Series(ABC):
    """Pixels of one image; planes are addressed by (z, c, t), resolution level 0 is the largest.

    Parameters
    ----------
    image
        The image's metadata: names, sizes, channels, planes, units. A reader must have made the sizes and the
        pixel type agree with what it reads.
    """

    def __init__(self, image: Image) -> None:
        self.image = image
        pixels = image.pixels
        self.size_x, self.size_y = pixels.size_x, pixels.size_y
        self.size_z, self.size_c, self.size_t = pixels.size_z, pixels.size_c, pixels.size_t
        self.pixel_type: str = pixels.type.value
        self.dtype: np.dtype = DTYPES[self.pixel_type]

    @property
    def levels(self) -> Sequence[tuple[int, int]]:
        """(width, height) of every resolution level, largest first."""
        return [(self.size_x, self.size_y)]

    @property
    def tile_size(self) -> tuple[int, int]:
        """(width, height) that is read with least waste; Bio-Formats' default is one band of about 1 MiB."""
        rows = (1 << 20) // (self.dtype.itemsize * self.size_x)
        return self.size_x, max(1, min(self.size_y, rows))

    @abstractmethod
    def region(self, z: int, c: int, t: int, region: Region, level: int) -> np.ndarray:
        """Read shape (h, w) in any byte order; called with arguments that are within bounds."""

    def read(self, z: int, c: int, t: int, region: Region | None = None, level: int = 0) -> bytes:
        """Read big-endian samples of `region` (default: the whole plane), row by row.

        Raises
        ------
        FormatError
            A coordinate is outside the image.
        """
        width, height = self.levels[level]
        where = region or Region(0, 0, width, height)
        self._check(z, c, t, where, width, height)
        data = self.region(z, c, t, where, level)
        return np.ascontiguousarray(data, dtype=self.dtype).tobytes()

    def _check(self, z: int, c: int, t: int, r: Region, width: int, height: int) -> None:
        if not (0 <= z < self.size_z and 0 <= c < self.size_c and 0 <= t < self.size_t):
            raise FormatError(f"Invalid plane z={z} c={c} t={t}")
        if r.x < 0 or r.y < 0 or r.w < 1 or r.h < 1 or r.x + r.w > width or r.y + r.h > height:
            raise FormatError(f"Invalid tile x={r.x} y={r.y} w={r.w} h={r.h} of {width}x{height}")


@dataclass
class Original:
    """What one import unit holds: `series[i]` are the pixels of ``document.images[i]``.

    Attributes
    ----------
    format
        Value of OMERO's Format enumeration: the Bio-Formats reader class without "Reader".
    graphics
        Whether the reader belongs to the graphics domain (channels become red, green, blue).
    close
        Release the files.
    """

    document: OME
    series: list[Series]
    format: str
    graphics: bool = False
    close: Callable[[], None] = field(default=lambda: None)
