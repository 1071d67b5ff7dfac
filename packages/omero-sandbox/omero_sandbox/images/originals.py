"""Opened originals, shared by the stores that read them."""

from collections import OrderedDict
from pathlib import Path
from threading import RLock

import omero
import omero.clients

from omero_sandbox.images.buffer import PixelBuffer, Shape
from omero_sandbox.images.errors import FormatError
from omero_sandbox.images.formats import open_original
from omero_sandbox.images.scan import Scan, scan
from omero_sandbox.images.series import Original, Region

_MOST_OPEN = 8


class Originals:
    """The originals used last, kept open: most of the time would go into parsing their metadata anew."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._open: OrderedDict[Path, Original] = OrderedDict()

    def open(self, path: Path) -> Original:
        """Open the original that starts from `path`; errors as `open_original`."""
        with self._lock:
            if path not in self._open:
                self._open[path] = open_original(path)
            self._open.move_to_end(path)
            while len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)[1].close()
            return self._open[path]

    def scan(self, path: Path, series: int) -> Scan:
        """Find digest and extremes of one image of an original."""
        return scan(
            self.open(path).series[series],
            lambda z, c, t, region: self.read(path, series, (z, c, t), region, 0),
        )

    def read(self, path: Path, series: int, plane: tuple[int, int, int], region: Region, level: int) -> bytes:
        """Read big-endian samples of one image of an original."""
        with self._lock:
            return self.open(path).series[series].read(*plane, region, level)

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()


class OriginalBuffer(PixelBuffer):
    """Pixels of an image of a fileset, read by Bio-Formats (BfPixelBuffer); never writable."""

    def __init__(self, shape: Shape, path: Path, series: int, originals: Originals) -> None:
        super().__init__(shape, path)
        self._number = series
        self._originals = originals
        try:
            opened = originals.open(path).series[series]
        except (OSError, FormatError) as error:
            message = f"Error instantiating pixel buffer: {error}"
            raise omero.ResourceError(None, type(error).__name__, message) from error
        # The file may be closed and opened again while this buffer is used.
        self._levels, self._tile_size = list(opened.levels), opened.tile_size

    @property
    def levels(self) -> list[tuple[int, int]]:
        """Resolution levels of the file."""
        return self._levels

    @property
    def tile_size(self) -> tuple[int, int]:
        """The reader's optimal tile."""
        return self._tile_size

    def set_level(self, level: int) -> None:
        """Use another resolution level."""
        _ = self.levels[level]
        self.level = level

    def region(self, z: int, c: int, t: int, region: Region) -> bytes:
        """Read a rectangle; errors of the reader end as internal errors, as on a real server."""
        try:
            return self._originals.read(self.path, self._number, (z, c, t), region, self.level)
        except OSError as error:
            raise omero.ResourceError(None, "java.io.IOException", str(error)) from error

    def planes(self, first: int, count: int) -> bytes:
        """Read consecutive planes, counted in the order XYZCT."""
        numbers = range(first, first + count)
        z, c = self.shape.z, self.shape.c
        return b"".join(self.plane(n % z, n // z % c, n // (z * c)) for n in numbers)

    def digest(self) -> bytes:
        """SHA-1 over all planes, see `Scan`."""
        return self._originals.scan(self.path, self._number).digest

    def write_raw(self, data: bytes, offset: int, size: int | None) -> None:
        """Refuse."""
        raise NotImplementedError("Write-method not permitted")

    def write_tile(self, data: bytes, z: int, c: int, t: int, region: Region) -> None:
        """Refuse."""
        raise NotImplementedError("Write-method not permitted")
