"""Pyramids of planes above the server's limit: tile by tile in plane order, lossy (BfPyramidPixelBuffer).

A real pyramid is a TIFF compressed with lossy JPEG 2000. Here it is a raw file whose samples were disturbed
when they were written, or a note that the pyramid is derived from an original; both lose in the same way.
"""

import hashlib
import math
import os
from pathlib import Path

import numpy as np
import omero
import omero.clients

from omero_sandbox.images.buffer import PixelBuffer, Shape
from omero_sandbox.images.errors import FormatError
from omero_sandbox.images.originals import OriginalBuffer
from omero_sandbox.images.romio import RomioBuffer
from omero_sandbox.images.series import Region

TILE = 256
DERIVED = b"derived from the original\n"
"""Content of the pyramid file of an original: its pixels are computed when they are read."""

_LEVELS = 6
_LOCK_BACKOFF = 15_000
_BAND = 1024


def disturb(data: np.ndarray, x: int, y: int) -> np.ndarray:
    """Flip the lowest bit of one sample in eight, by position: what lossy compression may do."""
    rows = np.arange(y, y + data.shape[0])[:, np.newaxis]
    columns = np.arange(x, x + data.shape[1])[np.newaxis]
    flips = ((columns + 3 * rows) % 8 == 0).astype(data.dtype)
    return (data ^ flips).astype(data.dtype)  # numpy's answer is in native byte order


class PyramidBuffer(PixelBuffer):
    """A finished pyramid; read-only.

    Raises
    ------
    omero.ResourceError
        The pyramid is empty or cut off: a writer was closed without writing, and nothing repairs that.
    """

    def __init__(self, shape: Shape, path: Path, original: OriginalBuffer | None) -> None:
        super().__init__(shape, path)
        self._source: RomioBuffer | OriginalBuffer
        if original is not None and path.read_bytes() == DERIVED:
            self._source = original
            return
        self._source = RomioBuffer(shape, path)
        if path.stat().st_size != self._source.total_size:
            raise omero.ResourceError(None, "java.io.IOException", "Error instantiating pixel buffer")

    @property
    def levels(self) -> list[tuple[int, int]]:
        """Halved up to five times."""
        return [(max(1, self.shape.x >> i), max(1, self.shape.y >> i)) for i in range(_LEVELS)]

    @property
    def tile_size(self) -> tuple[int, int]:
        """256 by 256."""
        return TILE, TILE

    def set_level(self, level: int) -> None:
        """Use another resolution level."""
        _ = self.levels[level]
        self.level = level

    def region(self, z: int, c: int, t: int, region: Region) -> bytes:
        """Read a rectangle, at smaller levels every 2nd, 4th … sample, in bands of rows."""
        width, height = self.size
        if region.x < 0 or region.y < 0 or region.x + region.w > width or region.y + region.h > height:
            raise FormatError(f"Invalid tile {region} of {width}x{height}")
        step = 1 << self.level
        out = np.empty((region.h, region.w), self.shape.dtype)
        for top in range(0, region.h, rows := max(1, _BAND // step)):
            count = min(rows, region.h - top)
            y, source_rows = (region.y + top) * step, count * step
            source = Region(region.x * step, y, region.w * step, min(source_rows, self.shape.y - y))
            out[top : top + count] = self._lossy(z, c, t, source)[::step, ::step][:count]
        return out.tobytes()

    def _lossy(self, z: int, c: int, t: int, region: Region) -> np.ndarray:
        data = np.frombuffer(self._source.region(z, c, t, region), self.shape.dtype).reshape(
            region.h, region.w
        )
        return disturb(data, region.x, region.y) if isinstance(self._source, OriginalBuffer) else data

    def digest(self) -> bytes:
        """SHA-1 over the bands of all planes."""
        running = hashlib.sha1(usedforsecurity=False)
        for number in range(self.shape.z * self.shape.c * self.shape.t):
            rest, z = divmod(number, self.shape.z)
            t, c = divmod(rest, self.shape.c)
            for y in range(0, self.shape.y, _BAND):
                region = Region(0, y, self.shape.x, min(_BAND, self.shape.y - y))
                running.update(self._lossy(z, c, t, region).tobytes())
        return running.digest()

    def write_raw(self, data: bytes, offset: int, size: int | None) -> None:
        """Refuse."""
        raise NotImplementedError("Non-tile based writing unsupported.")

    def close(self) -> None:
        """Release the file."""
        self._source.close()


class PyramidWriter(PixelBuffer):
    """A new pyramid, under a lock until it is closed.

    Closing moves the file into place, even an empty one; reading calls close the writer first (delegate()).

    Raises
    ------
    omero.LockTimeout
        Another store writes this pyramid.
    """

    def __init__(self, shape: Shape, path: Path) -> None:
        super().__init__(shape, path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = path.with_name(f".{path.name}.pyr_lock")
        try:
            os.close(os.open(self._lock, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            raise omero.LockTimeout(
                None, None, "Already locked!", _LOCK_BACKOFF, _LOCK_BACKOFF // 1000
            ) from None
        self._temporary = path.with_name(f".{path.name}{os.getpid()}.tmp")
        self._file: int | None = os.open(self._temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        self._reader: PyramidBuffer | None = None
        self._plane: tuple[int, int, int] | None = None
        self._slot = -1
        self._tile: tuple[int, int] | None = None

    @property
    def is_tiled_writer(self) -> bool:
        """Whether the pyramid is still being written."""
        return self._file is not None

    @property
    def byte_width(self) -> int:
        """Bytes per sample; asking ends the writing."""
        self._delegate()
        return super().byte_width

    @property
    def levels(self) -> list[tuple[int, int]]:
        """Only known once the pyramid is written."""
        if self._reader is None:
            raise omero.ApiUsageException(
                None, None, "Cannot ask for resolution levels while writing a pyramid"
            )
        return self._reader.levels

    @property
    def size(self) -> tuple[int, int]:
        """Full size."""
        return self.shape.x, self.shape.y

    @property
    def tile_size(self) -> tuple[int, int]:
        """256 by 256."""
        return TILE, TILE

    def region(self, z: int, c: int, t: int, region: Region) -> bytes:
        """End the writing and read."""
        return self._delegate().region(z, c, t, region)

    def digest(self) -> bytes:
        """End the writing and digest."""
        return self._delegate().digest()

    def write_raw(self, data: bytes, offset: int, size: int | None) -> None:
        """Refuse."""
        raise NotImplementedError("Non-tile based writing unsupported.")

    def write_tile(self, data: bytes, z: int, c: int, t: int, region: Region) -> None:
        """Write the next tile; a change of plane begins the file's next plane, whichever was asked for."""
        if self._file is None:
            raise omero.ApiUsageException(None, None, "Write-method not permitted.")
        dtype = self.shape.dtype
        if len(data) != region.w * region.h * dtype.itemsize:
            java = "java.nio.BufferUnderflowException"
            raise omero.ResourceError(None, java, f"Wrong number of bytes: {len(data)}")
        self._advance((z, c, t), region)
        tile = np.frombuffer(data, dtype).reshape(region.h, region.w)
        lossy = disturb(tile, region.x, region.y)
        start = self._slot * self.shape.x * self.shape.y
        for row in range(region.h):
            sample = start + (region.y + row) * self.shape.x + region.x
            os.pwrite(self._file, lossy[row].tobytes(), sample * dtype.itemsize)
        self.dirty = True

    def _advance(self, plane: tuple[int, int, int], region: Region) -> None:
        x, y, w, h = region
        if plane != self._plane:
            self._plane, self._slot = plane, self._slot + 1
        if self._tile is None and (x, y) == (0, 0):
            self._tile = w, h
        planes = self.shape.z * self.shape.c * self.shape.t
        if self._slot >= planes or self._tile is None or not self._fits(region, self._tile):
            raise omero.InternalException(
                None, "loci.formats.FormatException", f"Tile {region} of plane {self._slot} is out of order"
            )

    def _fits(self, region: Region, tile: tuple[int, int]) -> bool:
        """Whether the region is one of the grid that the first tile set."""
        x, y, w, h = region
        on_grid = x % tile[0] == 0 and y % tile[1] == 0
        return on_grid and w == min(tile[0], self.shape.x - x) and h == min(tile[1], self.shape.y - y)

    def _delegate(self) -> PyramidBuffer:
        self._finish()
        if self._reader is None:
            self._reader = PyramidBuffer(self.shape, self.path, None)
        return self._reader

    def _finish(self) -> None:
        if self._file is None:
            return
        if self._slot >= 0:
            samples = math.prod((*self.size, self.shape.z, self.shape.c, self.shape.t))
            os.ftruncate(self._file, samples * self.shape.dtype.itemsize)
        os.close(self._file)
        self._file = None
        self._temporary.replace(self.path)
        self._lock.unlink(missing_ok=True)

    def close(self) -> None:
        """Move the pyramid into place."""
        self._finish()
        if self._reader is not None:
            self._reader.close()
