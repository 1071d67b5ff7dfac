"""One import under way: upload, verification, start (omero.grid.ImportProcess; ManagedImportProcessI)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import Ice
import omero
import omero.clients

from omero_sandbox.commands.handle import CommandHandle
from omero_sandbox.db.marshal import Marshaller
from omero_sandbox.repository import paths
from omero_sandbox.repository.import_command import ImportCommand
from omero_sandbox.services.raw_file import RepositoryFileStore

if TYPE_CHECKING:
    from omero_sandbox.db.store import Row
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext
    from omero_sandbox.repository.files import RepositoryFiles
    from omero_sandbox.repository.locations import Location


class ImportProcess:
    """Server side of one fileset's import.

    Parameters
    ----------
    call
        The call that began the import; its user and group own what is made.
    """

    def __init__(
        self, call: Call, files: RepositoryFiles, fileset: Row, location: Location, settings: Any
    ) -> None:
        self.context: ServiceContext = call.context
        self.fileset = fileset
        self._call = call
        self._files = files
        self._location = location
        self._settings = settings
        self._uploaders: dict[int, tuple[Any, RepositoryFileStore]] = {}
        self._offsets: dict[int, int] = {}
        self._handle: Any = None
        self.proxy = self.context.register(omero.grid.ImportProcess, self)

    # -- operations of the interface

    def getUploader(self, call: Call, i: int) -> Any:
        """Give the store that takes the bytes of entry `i`; the same one until it is closed."""
        if i not in self._uploaders:
            row = self._files.find(self._location.full(i))
            if row is None:
                raise omero.ValidationException(None, None, f"The file of entry {i} is gone")
            self._offsets[i] = 0
            store = RepositoryFileStore(
                self.context,
                row,
                writable=call.ctx.get("omero.fs.mode", "rw") != "r",
                on_write=lambda position: self._offsets.update({i: position}),
                on_close=lambda: self._closed(i),
            )
            self._uploaders[i] = self.context.register(omero.api.RawFileStore, store), store
        return self._uploaders[i][0]

    def getUploadOffset(self, call: Call, i: int) -> int:
        """Return the position after the last written block of an open uploader, else 0."""
        return self._offsets.get(i, 0)

    def verifyUpload(self, call: Call, hashes: list[str] | None) -> Any:
        """Compare the client's digests with the server's and start the import.

        Raises
        ------
        omero.ApiUsageException
            The number of digests is wrong.
        omero.ChecksumValidationException
            Some differ; the process lives on, so that these files can be sent again.
        Ice.UnknownException
            An uploader was never closed: the server then has no digest, and Java meets a null pointer.
        """
        entries = call.store.children(self.fileset, "usedFiles")
        if hashes is None:
            raise omero.ApiUsageException(None, None, "hashes list cannot be null")
        if len(hashes) != len(entries):
            message = f"hashes size should be {len(entries)} not {len(hashes)}"
            raise omero.ApiUsageException(None, None, message)
        failing = self._mismatches(hashes, self._server_hashes(call, entries))
        if failing:
            message = "A checksum mismatch has occurred."
            raise omero.ChecksumValidationException(None, None, message, failing)
        return self._start(call)

    def getHandle(self, call: Call) -> Any:
        """Return the handle of the started import, or None."""
        return self._handle

    def getImportSettings(self, call: Call) -> Any:
        """Return the settings as they came."""
        return self._settings

    def close(self, call: Call) -> None:
        """Take the process off; an import that was started goes on."""
        self.context.unregister(self)

    # -- parts

    def _closed(self, index: int) -> None:
        self._uploaders.pop(index, None)
        self._offsets.pop(index, None)

    def _server_hashes(self, call: Call, entries: list[Row]) -> dict[str, str]:
        found = {}
        for entry in entries:
            row = call.store.get("OriginalFile", entry.values["originalFile"])
            if row is None:
                continue
            if row.values.get("hash") is None:
                raise Ice.UnknownException("java.lang.NullPointerException\n")
            found[row.values["path"] + row.values["name"]] = row.values["hash"]
        return found

    def _mismatches(self, hashes: list[str], known: dict[str, str]) -> dict[int, str]:
        """Find the entries whose digest differs; those without a file on the server have an empty one."""
        failing = {}
        for index, expected in enumerate(hashes):
            place = paths.join((*self._location.base, *self._location.files[index]))
            if known.get(place) != expected:
                failing[index] = known.get(place, "")
        return failing

    def _start(self, call: Call) -> Any:
        store, links = call.store, call.store.children(self.fileset, "jobLinks")
        finished = store.enum("JobStatus", "Finished")
        job = store.get("Job", links[0].values["child"])
        if job is not None and finished is not None:
            store.update(job, {"status": finished.id, "message": "Finished"})
        log = self._files.find((*self._location.prefix[:-1], f"{self._location.prefix[-1]}.log"))
        marshaller = Marshaller(store, call)
        request = omero.grid.ImportRequest(
            clientUuid=str(uuid.uuid4()),
            repoUuid=self._files.uuid,
            process=self.proxy,
            activity=marshaller.entity(links[1], {"parent": {}, "child": {}}),
            settings=self._settings,
            location=omero.grid.ImportLocation(
                sharedPath=paths.join(self._location.base),
                omittedLevels=0,
                usedFiles=[paths.join(path) for path in self._location.files],
                directory=None,
            ),
            logFile=None if log is None else marshaller.entity(log),
        )
        command = ImportCommand(self._call, self._files, self.fileset, self._location, self._settings)
        self._handle = CommandHandle(self.context, request, command).submit()
        return self._handle
