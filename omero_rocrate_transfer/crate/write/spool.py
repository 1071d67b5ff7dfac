"""Bytes that wait on disk until their turn comes."""

from __future__ import annotations

import os
import tempfile
from array import array
from collections import defaultdict
from typing import IO, TYPE_CHECKING

from omero_rocrate_transfer.crate.archives.base import BLOCK_BYTES
from omero_rocrate_transfer.crate.archives.output import disk_errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Spool:
    """Several streams in one nameless temporary file; each comes back in the order of its keys.

    Memory: 24 bytes per piece.

    Parameters
    ----------
    folder
        Where the file lies: the disk that the crate itself needs.
    name
        Of the file, where a later process shall go on with it; else it has none.
    """

    def __init__(self, folder: Path, name: str | None = None) -> None:
        self._folder = folder
        with disk_errors(folder):
            self._file: IO[bytes] = (
                tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - `close` closes it
                if name is None
                else os.fdopen(os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
            )
        self._end = 0
        #: Key, offset and size of every piece, flat, by stream.
        self._pieces: defaultdict[str, array[int]] = defaultdict(lambda: array("Q"))
        self._sizes: defaultdict[str, int] = defaultdict(int)

    def append(self, key: int, streams: dict[str, bytes]) -> dict[str, list[int]]:
        """Add a piece to each of the streams, to all or to none; pieces of one key keep their order.

        Returns
        -------
        dict
            Offset and size in bytes of each piece, by stream, for `restore`.
        """
        self._write(b"".join(streams.values()))
        places = {}
        for stream, data in streams.items():
            places[stream] = [self._end, len(data)]
            self._note(key, stream, self._end, len(data))
        return places

    def restore(self, key: int, places: dict[str, list[int]]) -> None:
        """Take pieces in again that an earlier process appended and made durable."""
        for stream, (offset, size_bytes) in places.items():
            self._note(key, stream, offset, size_bytes)

    def sync(self) -> None:
        """Make all pieces durable."""
        with disk_errors(self._folder):
            os.fsync(self._file.fileno())

    def _note(self, key: int, stream: str, offset: int, size_bytes: int) -> None:
        self._pieces[stream].extend((key, offset, size_bytes))
        self._sizes[stream] += size_bytes
        self._end = max(self._end, offset + size_bytes)

    def count_bytes(self, stream: str) -> int:
        """Return the size of a stream."""
        return self._sizes[stream]

    def iter_blocks(self, stream: str) -> Iterator[bytes]:
        """Yield the bytes of a stream in the order of its keys."""
        flat = self._pieces[stream]
        for place in sorted(range(0, len(flat), 3), key=flat.__getitem__):
            offset, end = flat[place + 1], flat[place + 1] + flat[place + 2]
            while offset < end:
                self._file.seek(offset)
                block = self._file.read(min(BLOCK_BYTES, end - offset))
                yield block
                offset += len(block)

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()

    def _write(self, data: bytes) -> None:
        self._file.seek(self._end)
        view = memoryview(data)
        with disk_errors(self._folder):
            while view:
                view = view[self._file.write(view) :]
