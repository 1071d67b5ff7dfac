"""ROMIO files: raw big-endian planes, sparse where nothing was written (RomioPixelBuffer)."""

import hashlib
import os
from pathlib import Path

import numpy as np
import omero
import omero.clients

from omero_sandbox.images.buffer import PixelBuffer, Shape
from omero_sandbox.images.series import Region

_MAX_INT = 2**31 - 1
_NULL_PLANE = b"\x80\x7f" * 32
_TILE_BYTES = 1 << 20


class RomioBuffer(PixelBuffer):
    """Planes in the order XYZCT in one file, which comes into being with its first byte.

    A file that has bytes is never writable again (PixelsService._getPixelBuffer), so no write can be resumed.
    """

    def __init__(self, shape: Shape, path: Path) -> None:
        super().__init__(shape, path)
        if shape.pixel_type in ("complex", "double-complex"):
            # PixelData.getBitDepth asks Bio-Formats, which does not know these types.
            raise ValueError(f"Unknown type: '{shape.pixel_type}'")
        self._writable = not path.exists()
        self._file: int | None = None

    @property
    def byte_width(self) -> int:
        """Bytes per sample; 1/8 = 0 for bits, which ROMIO therefore cannot hold."""
        return 0 if self.shape.pixel_type == "bit" else super().byte_width

    @property
    def tile_size(self) -> tuple[int, int]:
        """A full-width band of up to 1 MiB; its height is 0 for wider rows, as on a real server."""
        if self.byte_width == 0:
            java = "java.lang.ArithmeticException"
            raise omero.InternalException(None, java, f" Wrapped Exception: ({java}):\n/ by zero")
        return self.shape.x, min(self.shape.y, _TILE_BYTES // self.byte_width // self.shape.x)

    @property
    def plane_size(self) -> int:
        """Bytes per plane."""
        return self.shape.x * self.shape.y * self.byte_width

    @property
    def total_size(self) -> int:
        """Bytes of all planes."""
        return self.plane_size * self.shape.z * self.shape.c * self.shape.t

    # -- reading

    def region(self, z: int, c: int, t: int, region: Region) -> bytes:
        """Read a rectangle; a plane that begins with the marker 80 7F 80 7F … counts as never written."""
        self.check(z, c, t, region)
        start = self.offset(z, c, t)
        self._refuse_null(start)
        row = self.shape.x * self.byte_width
        if region.w == self.shape.x:
            return self.raw(start + region.y * row, region.h * row)
        band = np.frombuffer(self.raw(start + region.y * row, region.h * row), self.shape.dtype)
        band = band.reshape(region.h, self.shape.x)
        return band[:, region.x : region.x + region.w].tobytes()

    def planes(self, first: int, count: int) -> bytes:
        """Read whole planes in file order."""
        return self.raw(first * self.plane_size, count * self.plane_size)

    def raw(self, offset: int, size: int) -> bytes:
        """Read bytes; what was never written is zero."""
        if size > _MAX_INT:
            raise omero.ApiUsageException(None, None, f"Converting Long {size} is an overflow")
        if offset < 0 or size < 0 or offset + size > self.total_size:
            raise omero.ApiUsageException(None, None, f"Offset {offset} and size {size} are out of bounds")
        found = os.pread(self._opened(), size, offset)
        return found + bytes(size - len(found))

    def digest(self) -> bytes:
        """SHA-1 of the whole file."""
        running = hashlib.sha1(usedforsecurity=False)
        for offset in range(0, self.total_size, _TILE_BYTES):
            running.update(self.raw(offset, min(_TILE_BYTES, self.total_size - offset)))
        return running.digest()

    # -- writing

    def write_tile(self, data: bytes, z: int, c: int, t: int, region: Region) -> None:
        """Write a full-width band; other tiles are not supported."""
        if region.x != 0 or region.w != self.shape.x:
            raise NotImplementedError(
                "setTile only supports full rows: x must be 0 and w the width of the image"
            )
        self.check(z, c, t, region)
        row = self.shape.x * self.byte_width
        self.write_raw(data, self.offset(z, c, t) + region.y * row, region.h * row)

    def write_raw(self, data: bytes, offset: int, size: int | None) -> None:
        """Write bytes; data longer than a row or region run into its neighbour, as on a real server."""
        if not self._writable:
            raise omero.ApiUsageException(None, None, "Write-method not permitted.")
        if size is not None and len(data) != size:
            kind = "BufferOverflowException" if len(data) > size else "BufferUnderflowException"
            raise omero.ResourceError(None, f"java.nio.{kind}", f"{len(data)} bytes given, {size} needed")
        if offset < 0 or offset + len(data) > self.total_size:
            raise omero.ResourceError(
                None, "java.nio.BufferOverflowException", "Data reach beyond the last plane"
            )
        os.pwrite(self._opened(), data, offset)
        self.dirty = True

    # -- addresses

    def offset(self, z: int, c: int, t: int) -> int:
        """First byte of a plane."""
        self.check(z, c, t, Region(0, 0, self.shape.x, self.shape.y))
        return self.shape.plane(z, c, t) * self.plane_size

    def check(self, z: int, c: int, t: int, region: Region) -> None:
        """Raise an ApiUsageException (DimensionsOutOfBounds) for coordinates outside the image."""
        x, y, w, h = region
        inside = 0 <= x <= x + w <= self.shape.x and 0 <= y <= y + h <= self.shape.y
        if not (inside and 0 <= z < self.shape.z and 0 <= c < self.shape.c and 0 <= t < self.shape.t):
            message = f"Dimensions out of bounds: z={z} c={c} t={t} x={x} y={y} w={w} h={h}"
            raise omero.ApiUsageException(None, "ome.io.nio.DimensionsOutOfBoundsException", message)

    def _refuse_null(self, start: int) -> None:
        if os.pread(self._opened(), len(_NULL_PLANE), start) == _NULL_PLANE:
            java = "java.lang.NullPointerException"
            raise omero.InternalException(None, java, f" Wrapped Exception: ({java}):\nnull")

    def _opened(self) -> int:
        """Open the file at full length; reading makes it too, for it is mapped "rw" (getFileChannel)."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            if os.fstat(self._file).st_size < self.total_size:
                os.ftruncate(self._file, self.total_size)
        return self._file

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
