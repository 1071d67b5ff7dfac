"""Bytes that wait on disk until their turn comes."""

from __future__ import annotations

import tempfile
from array import array
from collections import defaultdict
from typing import TYPE_CHECKING

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
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with disk_errors(folder):
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - `close` closes it
        self._end = 0
        #: Key, offset and size of every piece, flat, by stream.
        self._pieces: defaultdict[str, array[int]] = defaultdict(lambda: array("Q"))
        self._sizes: defaultdict[str, int] = defaultdict(int)

    def append(self, key: int, streams: dict[str, bytes]) -> None:
        """Add a piece to each of the streams, to all or to none; pieces of one key keep their order."""
        self._write(b"".join(streams.values()))
        for stream, data in streams.items():
            self._pieces[stream].extend((key, self._end, len(data)))
            self._sizes[stream] += len(data)
            self._end += len(data)

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
