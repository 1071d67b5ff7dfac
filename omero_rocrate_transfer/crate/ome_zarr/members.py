"""Members of a crate that belong to one OME-Zarr, on their way in and out."""

from __future__ import annotations

import hashlib
import io
import threading
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.entities import PackedFile
from omero_rocrate_transfer.crate.manifest import render_line
from omero_rocrate_transfer.model.digests import SHA256, Digest
from omero_rocrate_transfer.model.errors import UnsafeCrateError
from omero_rocrate_transfer.transfer.faultpoints import faultpoint

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader, Transaction

#: Bytes of a member that are read at once; a chunk is decoded whole, and larger ones are refused anyway.
_MAX_READ_BYTES: Final = 1 << 30


class MemberWriter:
    """Puts members into a transaction one at a time, whichever threads they come from, and digests them.

    Parameters
    ----------
    transaction
        Takes one file at a time.
    described
        Names of the members whose size and digest are needed later.
    """

    def __init__(self, transaction: Transaction, described: Container[str]) -> None:
        self._transaction = transaction
        self._described = described
        self._lines = io.BytesIO()
        self._lock = threading.Lock()
        self.packed: dict[str, PackedFile] = {}
        self.size_bytes = 0

    def __call__(self, name: str, data: bytes) -> None:
        """Write one member."""
        digest = hashlib.sha256(data).hexdigest()
        with self._lock:
            self._transaction.add(name, len(data), [data])
            faultpoint("crate:chunk-written")
            self._lines.write(render_line(name, digest))
            self.size_bytes += len(data)
            if name in self._described:
                digests = {SHA256: Digest(SHA256, digest)}
                self.packed[name] = PackedFile(name=name, size_bytes=len(data), digests=digests)

    @property
    def manifest(self) -> bytes:
        """The lines of the manifest."""
        return self._lines.getvalue()


class ArchiveMembers:
    """The members below one folder of an archive; see `crate.ome_zarr.stores.Members`.

    Parameters
    ----------
    folder
        With a slash at its end; empty for the whole archive.
    """

    def __init__(self, archive: ArchiveReader, folder: str) -> None:
        self._archive = archive
        self._folder = folder

    def names(self) -> Iterable[str]:
        """Return the names of all files, relative to the folder."""
        size = len(self._folder)
        return (name[size:] for name in self._archive.sizes if name.startswith(self._folder))

    def size(self, name: str) -> int | None:
        """Return the size in bytes, or None where there is no such file."""
        return self._archive.sizes.get(self._folder + name)

    def read(self, name: str, start: int, stop: int) -> bytes:
        """Return some bytes of a file.

        Raises
        ------
        UnsafeCrateError
            More is asked for than any sound chunk takes, or than there is.
        """
        path = self._folder + name
        if not 0 <= start <= stop <= self._archive.sizes[path] or stop - start > _MAX_READ_BYTES:
            raise UnsafeCrateError(
                f"{path} has a chunk of {stop - start} bytes at {start}, which cannot be.",
                hint="It was changed or damaged; get it again.",
            )
        return self._archive.read(path, start, stop)
