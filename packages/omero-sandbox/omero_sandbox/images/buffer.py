"""Pixel buffers: what RawPixelsStore reads from and writes to (omero-romio ``ome.io.nio.PixelBuffer``)."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import omero
import omero.clients

from omero_sandbox.images.pixel_types import DTYPES
from omero_sandbox.images.series import Region


@dataclass(frozen=True)
class Shape:
    """Sizes and pixel type of one Pixels row."""

    x: int
    y: int
    z: int
    c: int
    t: int
    pixel_type: str

    @property
    def dtype(self) -> np.dtype:
        """Big-endian samples."""
        return DTYPES[self.pixel_type]

    def plane(self, z: int, c: int, t: int) -> int:
        """Give the number of a plane in the order XYZCT, whatever the image's own dimension order."""
        return (t * self.c + c) * self.z + z


class PixelBuffer(ABC):
    """Pixels of one image at one resolution level; all samples are big-endian.

    Attributes
    ----------
    level
        Position in `levels` of the level in use; 0 is the largest.
    dirty
        Whether something was written since the last digest was stored.
    """

    def __init__(self, shape: Shape, path: Path) -> None:
        self.shape = shape
        self.path = path
        self.level = 0
        self.dirty = False

    # -- sizes

    @property
    def is_tiled_writer(self) -> bool:
        """Whether nothing but tiles can be written now."""
        return False

    @property
    def byte_width(self) -> int:
        """Bytes per sample."""
        return self.shape.dtype.itemsize

    @property
    def levels(self) -> Sequence[tuple[int, int]]:
        """(width, height) of the resolution levels, largest first."""
        return [(self.shape.x, self.shape.y)]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the level in use."""
        return self.levels[self.level]

    @property
    @abstractmethod
    def tile_size(self) -> tuple[int, int]:
        """(width, height) to read or write at once."""

    def set_level(self, level: int) -> None:
        """Use another level; single-level buffers do not support even level 0."""
        raise NotImplementedError("Cannot set the resolution level of this buffer")

    # -- reading

    @abstractmethod
    def region(self, z: int, c: int, t: int, region: Region) -> bytes:
        """Read a rectangle at the level in use."""

    def plane(self, z: int, c: int, t: int) -> bytes:
        """Read a plane at the level in use."""
        return self.region(z, c, t, Region(0, 0, *self.size))

    def planes(self, first: int, count: int) -> bytes:
        """Read consecutive planes in file order; only ROMIO files have one."""
        raise NotImplementedError("Not supported by this pixel buffer")

    def raw(self, offset: int, size: int) -> bytes:
        """Read bytes at an offset of the file; only ROMIO files have one."""
        raise NotImplementedError("Not supported by this pixel buffer")

    def offset(self, z: int, c: int, t: int) -> int:
        """Give the first byte of a plane; only ROMIO files have one."""
        raise NotImplementedError("Not supported by this pixel buffer")

    @abstractmethod
    def digest(self) -> bytes:
        """Digest all planes with SHA-1, 20 bytes."""

    # -- writing

    def write_tile(self, data: bytes, z: int, c: int, t: int, region: Region) -> None:
        """Write a rectangle."""
        raise _read_only()

    def write_raw(self, data: bytes, offset: int, size: int | None) -> None:
        """Write bytes at an offset of the file; with `size` given, exactly so many are demanded."""
        raise _read_only()

    def close(self) -> None:  # noqa: B027 -- not every buffer holds a file
        """Release the file."""


def _read_only() -> Exception:
    return omero.ApiUsageException(None, None, "Write-method not permitted.")
