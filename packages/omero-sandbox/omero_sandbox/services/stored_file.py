"""One open file of the server's data folder, as RawFileStore offers it (ome.services.RawFileBean)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import omero
import omero.clients

from omero_sandbox.repository.checksums import checksum
from omero_sandbox.security.binary_access import require_download
from omero_sandbox.security.ownership import require_group, require_update

if TYPE_CHECKING:
    from omero_sandbox.db.store import Row
    from omero_sandbox.net.call import Call


class StoredFile:
    """Bytes of an OriginalFile.

    Parameters
    ----------
    row
        The OriginalFile.
    writable
        Mode "rw" rather than "r".
    largest_read
        Longer reads are refused; None for no limit.
    on_write
        Called with the position after each written block.

    Raises
    ------
    omero.ResourceError
        Mode is "r" and the file is not there.
    """

    def __init__(
        self,
        row: Row,
        path: Path,
        *,
        writable: bool,
        largest_read: int | None = None,
        on_write: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.row = row
        self.path = path
        self.writable = writable
        self._largest_read = largest_read
        self._on_write = on_write
        self._modified = False
        self._file: int | None = None
        if not writable:
            self._opened()

    def read(self, call: Call, position: int, length: int) -> bytes:
        """Read exactly `length` bytes; beyond the end there are zeros.

        Raises
        ------
        omero.SecurityViolation
            The server's policy restricts downloads.
        omero.ApiUsageException
            Too many bytes at once, or negative numbers.
        """
        require_download(call, self.row)
        if self._largest_read is not None and length > self._largest_read:
            raise omero.ApiUsageException(None, None, f"Too big: {length}")
        if position < 0 or length < 0:
            raise omero.ApiUsageException(None, None, f"Negative position or length: {position}, {length}")
        found = os.pread(self._opened(), length, position)
        return found.ljust(length, b"\0")

    def write(self, call: Call, buf: bytes, position: int, length: int) -> None:
        """Write the first `length` bytes of `buf`; gaps are allowed."""
        self._require_writable()
        os.pwrite(self._opened(), bytes(buf[:length]), position)
        self._modified = True
        self._on_write(position + length)

    def truncate(self, call: Call, length: int) -> bool:
        """Shorten the file; False if it is not longer."""
        self._require_writable()
        if self.size(call) <= length:
            return False
        os.ftruncate(self._opened(), length)
        self._modified = True
        return True

    def size(self, call: Call) -> int:
        """Return the number of bytes on disk."""
        return os.fstat(self._opened()).st_size

    def exists(self, call: Call) -> bool:
        """Tell whether the file is on disk."""
        return self.path.exists()

    def save(self, call: Call) -> Any:
        """Store size, time and, if the row names an algorithm, digest; None if nothing has changed."""
        if not self.path.exists():
            return None
        size = self.path.stat().st_size
        if not self._modified and size and size == self.row.values.get("size"):
            return None
        row = call.store.get("OriginalFile", self.row.id)
        if row is None:
            raise omero.ValidationException(None, None, f"OriginalFile {self.row.id} is gone")
        require_group(call)
        require_update(call, row)
        changes: dict[str, Any] = {"size": size, "mtime": self.path.stat().st_mtime_ns // 1_000_000}
        hasher = call.store.get("ChecksumAlgorithm", row.values.get("hasher", -1))
        if hasher is not None:
            changes["hash"] = checksum(self.path, hasher.values["value"])
        with call.store.transaction():
            call.store.update(row, changes, event=call.event())
        self._modified = False
        return call.context.get_service("IQuery").get(call, "OriginalFile", row.id)

    def release(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _require_writable(self) -> None:
        if not self.writable:
            raise omero.SecurityViolation(None, None, "File not writeable!")

    def _opened(self) -> int:
        """Open the file when it is first needed; mode "rw" makes it."""
        if self._file is None:
            if self.writable:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT if self.writable else os.O_RDONLY
            try:
                self._file = os.open(self.path, flags, 0o644)
            except OSError as error:
                raise omero.ResourceError(None, type(error).__name__, str(error)) from error
        return self._file
