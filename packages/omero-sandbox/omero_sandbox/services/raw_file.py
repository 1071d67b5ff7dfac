"""Reading and writing files (omero.api.RawFileStore; RawFileStoreI, RepoRawFileStoreI)."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import omero
import omero.clients
from omero.rtypes import rlong

from omero_sandbox.images.backend import id_path
from omero_sandbox.services import pixel_access
from omero_sandbox.services.stored_file import StoredFile

if TYPE_CHECKING:
    from omero_sandbox.db.store import Row
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext

log = logging.getLogger(__name__)

REPOSITORY_LIMIT = 64_000_000
"""Largest read from a file of a repository (RepoRawFileStoreI.read_async)."""


class FileStore:
    """What both kinds of file stores do with the file that is open."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context
        self.open_file: StoredFile | None = None

    @property
    def file(self) -> StoredFile:
        """The open file; without one Java meets a null pointer."""
        if self.open_file is None:
            raise omero.ApiUsageException(None, None, "RawFileStore not properly initialized: no file is set")
        return self.open_file

    def getFileId(self, call: Call) -> Any:
        """Return the id of the open file."""
        return None if self.open_file is None else rlong(self.open_file.row.id)

    def read(self, call: Call, position: int, length: int) -> bytes:
        """Read, see `StoredFile.read`."""
        return self.file.read(call, position, length)

    def write(self, call: Call, buf: bytes, position: int, length: int) -> None:
        """Write, see `StoredFile.write`."""
        self.file.write(call, buf, position, length)

    def truncate(self, call: Call, length: int) -> bool:
        """Shorten the file."""
        return self.file.truncate(call, length)

    def size(self, call: Call) -> int:
        """Return the size on disk."""
        return self.file.size(call)

    def exists(self, call: Call) -> bool:
        """Tell whether the file is on disk."""
        return self.file.exists(call)

    def save(self, call: Call) -> Any:
        """Store size and digest in the OriginalFile; None if nothing has changed."""
        return self.file.save(call)

    def close(self, call: Call) -> None:
        """Save, then close; OMERO's own errors of saving come through, others only reach the server's log."""
        try:
            if self.open_file is not None and self.open_file.writable:
                self.open_file.save(call)
        except OSError:
            log.exception("A file was closed without being saved")
        finally:
            self.session_ended()
            self.context.unregister(self)

    def session_ended(self) -> None:
        """Release the file; what was not saved has no digest."""
        if self.open_file is not None:
            self.open_file.release()
            self.open_file = None


class RepositoryFileStore(FileStore):
    """A store for one file of the repository, opened by the repository itself.

    Parameters
    ----------
    on_write
        Called with the position after each written block.
    on_close
        Called before the store is closed.
    """

    def __init__(
        self,
        context: ServiceContext,
        row: Row,
        *,
        writable: bool,
        on_write: Callable[[int], None] = lambda _: None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(context)
        self._on_close = on_close
        path = pixel_access.repository_path(context.data_dir, row)
        self.open_file = StoredFile(
            row, path, writable=writable, largest_read=REPOSITORY_LIMIT, on_write=on_write
        )

    def setFileId(self, call: Call, fileId: int) -> None:
        """Refuse: the file is fixed."""
        raise omero.ApiUsageException(None, None, f"Cannot reset id to {fileId}")

    def close(self, call: Call) -> None:
        """Save and close; whoever opened the store hears of it."""
        try:
            super().close(call)
        finally:
            self._on_close()


class RawFileStoreService(FileStore):
    """The store that clients create; files of repositories are always read-only here."""

    def setFileId(self, call: Call, fileId: int) -> None:
        """Open a file.

        Raises
        ------
        omero.ValidationException
            There is no such file.
        omero.SecurityViolation
            It is not readable in the call's group.
        omero.InternalException
            It is in a repository and the call's own Ice context lacks ``omero.client.uuid``.
        """
        row = call.store.get("OriginalFile", fileId)
        if row is None:
            message = f"The requested object (ome.model.core.OriginalFile,{fileId}) is not available."
            raise omero.ValidationException(None, None, message)
        if row.values.get("repo") is not None and call.client_uuid is None:
            raise omero.InternalException(None, None, "No ServantHolder for proxy.")
        call.require_read(row)
        self.session_ended()
        if row.values.get("repo") is not None:
            self.open_file = RepositoryFileStore(self.context, row, writable=False).file
            return
        path = id_path(self.context.data_dir / "Files", fileId)
        # With all groups in the context the check for updates fails on a real server, and the mode is "r".
        writable = (
            call.group_id >= 0 and call.can_edit(row) and (not path.exists() or os.access(path, os.W_OK))
        )
        self.open_file = StoredFile(row, path, writable=writable)
