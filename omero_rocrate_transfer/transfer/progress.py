"""Counts the bytes that go by, between a source and whoever reads from it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from omero_rocrate_transfer.model.errors import TransferError
from omero_rocrate_transfer.transfer.events import Advanced, Retried
from omero_rocrate_transfer.transfer.ports import UnitReader
from omero_rocrate_transfer.transfer.rate_limit import Pace

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    from omero_rocrate_transfer.model.contents import OriginalFile
    from omero_rocrate_transfer.model.document import Document
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.transfer.events import Phase
    from omero_rocrate_transfer.transfer.ports import PixelsReader


class LeftError(TransferError):
    """A unit was left before its end because the run is ending; this never ends a run itself."""


class Meter:
    """Bytes by unit since somebody last asked.

    Workers only add to a number here: they never wait for the user interface, and nothing piles up when that
    is slow. It is also where they learn that the run is ending, and where they are held to its pace.
    """

    def __init__(self, phase: Phase, pace: Pace | None = None) -> None:
        self._phase = phase
        self.pace = pace or Pace()
        self._lock = threading.Lock()
        self._counts: dict[ObjectRef, tuple[str, int]] = {}
        self._retried: list[Retried] = []
        #: Set once the run is ending.
        self.stopping = threading.Event()

    def stop(self) -> None:
        """End the work of everybody who counts from now on."""
        self.stopping.set()

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` was called."""
        return self.stopping.is_set()

    @property
    def takes_more(self) -> bool:
        """Whether another unit may be taken up."""
        return not self.is_stopping and not self.pace.spent

    def count(self, unit: ObjectRef, name: str, size_bytes: int) -> None:
        """Note that bytes went by.

        Raises
        ------
        LeftError
            The run is ending; undo the unit as after any other error.
        """
        if self.is_stopping:
            raise LeftError(f"{unit} was left because the run is ending.")
        with self._lock:
            _, before = self._counts.get(unit, (name, 0))
            self._counts[unit] = name, before + size_bytes
        if (seconds := self.pace.take(size_bytes)) > 0:
            self.stopping.wait(seconds)

    def tell_retry(self, unit: ObjectRef | None, attempt: int, wait_s: float, error: TransferError) -> None:
        """Note that something is tried again."""
        with self._lock:
            self._retried.append(Retried(unit=unit, attempt=attempt, wait_s=wait_s, error=error))

    def drain(self) -> list[Advanced | Retried]:
        """Return what was noted since the last call; of counts one event for each unit."""
        with self._lock:
            counts, self._counts = self._counts, {}
            retried, self._retried = self._retried, []
        return [*retried] + [
            Advanced(unit=unit, name=name, size_bytes=size, phase=self._phase)
            for unit, (name, size) in counts.items()
        ]


class MeteredReader(UnitReader):
    """A `UnitReader` whose bytes are counted; closing it closes the other."""

    def __init__(self, reader: UnitReader, meter: Meter) -> None:
        super().__init__(reader.unit)
        self._reader = reader
        self._meter = meter

    def document(self) -> Document:
        """Return the document; see `UnitReader.document`."""
        return self._reader.document()

    def pages(self) -> Iterator[Document]:
        """Yield the pages; see `UnitReader.pages`."""
        for page in self._reader.pages():
            self._count(str(self.unit.ref), 0)
            yield page

    def blocks(self, file: OriginalFile) -> Iterator[bytes]:
        """Yield the blocks of a file; see `UnitReader.blocks`."""
        for block in self._reader.blocks(file):
            self._count(file.path, len(block))
            yield block

    def pixels(self, image: ObjectRef) -> PixelsReader:
        """Open the pixels of an image; see `UnitReader.pixels`."""
        return MeteredPixels(self._reader.pixels(image), self._meter, self.unit.ref, str(image))

    def stored_pixels(self) -> Iterator[bytes]:
        """Yield the bytes of stored pixels; see `UnitReader.stored_pixels`."""
        for block in self._reader.stored_pixels():
            self._count(str(self.unit.ref), len(block))
            yield block

    def close(self) -> None:
        """Close the other reader."""
        self._reader.close()

    def _count(self, name: str, size_bytes: int) -> None:
        self._meter.count(self.unit.ref, name, size_bytes)


class MeteredPixels:
    """A `PixelsReader` whose bytes are counted."""

    def __init__(self, pixels: PixelsReader, meter: Meter, unit: ObjectRef, name: str) -> None:
        self._pixels = pixels
        self._meter = meter
        self._unit = unit
        self._name = name
        self.shape = pixels.shape
        self.dtype = pixels.dtype
        self.tile_size = pixels.tile_size
        self.close = pixels.close

    def read_tile(
        self, t: int, c: int, z: int, x: int, y: int, width: int, height: int
    ) -> npt.NDArray[np.generic]:
        """Return one tile of the source; see `PixelsReader.read_tile`."""
        tile = self._pixels.read_tile(t, c, z, x, y, width, height)
        self._meter.count(self._unit, self._name, tile.nbytes)
        return tile
