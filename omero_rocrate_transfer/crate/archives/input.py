"""Reading at places of an open file, from several threads at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from omero_rocrate_transfer.crate.archives.base import BLOCK_BYTES
from omero_rocrate_transfer.model.errors import IntegrityError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Input:
    """A file opened for reading.

    Parameters
    ----------
    path
        A regular file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise NotFoundError(
                f"{path} cannot be read: {error.strerror}.", hint="Check the path and its permissions."
            ) from error
        self._closed = False
        self.size_bytes = os.fstat(self._handle).st_size

    def read_at(self, offset: int, size: int) -> bytes:
        """Return exactly that many bytes.

        Raises
        ------
        IntegrityError
            The file ends before, or the disk cannot read it.
        """
        parts = []
        while size > 0:
            try:
                part = os.pread(self._handle, size, offset)
            except OSError as error:
                raise IntegrityError(f"{self.path} cannot be read: {error.strerror}.") from error
            if not part:
                raise IntegrityError(
                    f"{self.path} ends before it should.", hint="Get it again; it was cut short."
                )
            parts.append(part)
            offset += len(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def iter_at(self, offset: int, size: int) -> Iterator[bytes]:
        """Yield exactly that many bytes in blocks of at most `BLOCK_BYTES`."""
        end = offset + size
        while offset < end:
            block = self.read_at(offset, min(BLOCK_BYTES, end - offset))
            yield block
            offset += len(block)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        if not self._closed:
            os.close(self._handle)
            self._closed = True
