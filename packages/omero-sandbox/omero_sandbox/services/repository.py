"""The managed repository (omero.grid.ManagedRepository; ManagedRepositoryI, PublicRepositoryI)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import omero
import omero.clients
from omero.rtypes import rlong, rmap, rstring

from omero_sandbox.db.marshal import Marshaller
from omero_sandbox.repository import fileset, paths
from omero_sandbox.repository.checksums import ALGORITHMS, checksum
from omero_sandbox.repository.files import DIRECTORY, mimetype_of, repository_of
from omero_sandbox.repository.locations import checked
from omero_sandbox.repository.process import ImportProcess
from omero_sandbox.security.ownership import require_update
from omero_sandbox.services.raw_file import RepositoryFileStore

if TYPE_CHECKING:
    from omero_sandbox.db.store import Row
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext


def repositories(context: ServiceContext) -> Any:
    """Build the ``omero.grid.RepositoryMap`` with the one repository there is."""
    service = ManagedRepositoryService(context)
    # Two clients may be in one session, the one lost and the other back again.
    name = f"{context.client_uuid}PublicRepository-{service.files.uuid}"
    proxy = context.register(omero.grid.ManagedRepository, service, name)
    description = Marshaller(context.store, None).entity(service.files.root)
    return omero.grid.RepositoryMap(descriptions=[description], proxies=[proxy])


class ManagedRepositoryService:
    """Files below the data folder, and imports into it.

    Every operation needs ``omero.session.uuid`` in the call's own Ice context, those that open something also
    ``omero.client.uuid`` (RepositoryDaoImpl.currentUser, ServantHolder): a context that a client makes up
    without them replaces the implicit one and breaks here, as on a real server.
    """

    def __init__(self, context: ServiceContext) -> None:
        self.context = context
        self.files = repository_of(context.server)

    # -- new filesets

    def importFileset(self, call: Call, fs: Any, settings: Any) -> Any:
        """Begin the import of a fileset, see `fileset.prepare`."""
        self._require_client(call)
        own = fileset.importer(call)
        row, location = fileset.prepare(own, self.files, fs, settings)
        return ImportProcess(own, self.files, row, location, settings).proxy

    def importPaths(self, call: Call, filePaths: list[str]) -> Any:
        """Begin an import with default settings."""
        if not filePaths:
            raise omero.ApiUsageException(None, None, "No paths provided")
        made = omero.model.FilesetI()
        for path in filePaths:
            entry = omero.model.FilesetEntryI()
            entry.setClientPath(rstring(path))
            made.addFilesetEntry(entry)
        made.linkJob(omero.model.UploadJobI())
        settings = omero.grid.ImportSettings(checksumAlgorithm=self.listChecksumAlgorithms(call)[0])
        return self.importFileset(call, made, settings)

    def listImports(self, call: Call) -> list[Any]:
        """List the caller's imports that are open."""
        self._require_session(call)
        open_ones = [
            (process.fileset, process.proxy)
            for context in self.context.server.contexts(self.context.session)
            for process in context.implementations(ImportProcess)
        ]
        return [proxy for row, proxy in open_ones if call.can_edit(row)]

    # -- checksums

    def listChecksumAlgorithms(self, call: Call) -> list[Any]:
        """List the algorithms by preference."""
        rows = [call.store.enum("ChecksumAlgorithm", value) for value in ALGORITHMS]
        return Marshaller(call.store, call).entities([row for row in rows if row is not None])

    def suggestChecksumAlgorithm(self, call: Call, supported: list[Any]) -> Any:
        """Choose the first algorithm that the client supports; None if there is none."""
        names = {algorithm.getValue().getValue() for algorithm in supported}
        known = self.listChecksumAlgorithms(call)
        return next((algorithm for algorithm in known if algorithm.getValue().getValue() in names), None)

    def verifyChecksums(self, call: Call, ids: list[int]) -> list[int]:
        """List the files whose bytes on disk do not have the digest in the database."""
        return [
            row.id
            for row in self._own_files(call, ids)
            if self._digest(row) not in (None, row.values["hash"])
        ]

    def setChecksumAlgorithm(self, call: Call, hasher: Any, ids: list[int]) -> list[int]:
        """Digest files anew with another algorithm; lists the ids of those that changed."""
        self._require_session(call)
        wanted = call.store.enum("ChecksumAlgorithm", hasher.getValue().getValue())
        if wanted is None:
            raise omero.ApiUsageException(None, None, f"Unknown algorithm: {hasher.getValue().getValue()}")
        changed = []
        for row in self._own_files(call, ids):
            if row.values.get("hasher") == wanted.id and row.values.get("hash") is not None:
                continue
            if self._digest(row) not in (None, row.values.get("hash")):
                raise omero.ServerError(None, None, f"hash mismatch on file ID {row.id}")
            require_update(call, row)
            path = self.files.path(paths.split(row.values["path"] + row.values["name"]))
            digest = checksum(path, wanted.values["value"])
            call.store.update(row, {"hasher": wanted.id, "hash": digest}, event=call.event())
            changed.append(row.id)
        return changed

    def _own_files(self, call: Call, ids: list[int]) -> list[Row]:
        self._require_session(call)
        rows = [call.store.get("OriginalFile", identifier) for identifier in ids]
        return [row for row in rows if row is not None and row.values.get("repo") == self.files.uuid]

    def _digest(self, row: Row) -> str | None:
        """Digest a file on disk as its row says; None if the row says nothing."""
        hasher = self.context.store.get("ChecksumAlgorithm", row.values.get("hasher", -1))
        if hasher is None or row.values.get("hash") is None:
            return None
        path = self.files.path(paths.split(row.values["path"] + row.values["name"]))
        return checksum(path, hasher.values["value"])

    # -- files

    def root(self, call: Call) -> Any:
        """Return the repository's own OriginalFile."""
        self._require_session(call)
        return Marshaller(call.store, call).entity(self.files.root)

    def mimetype(self, call: Call, path: str) -> str:
        """Guess the media type of a file that exists on disk."""
        return mimetype_of(self._existing(call, path)[-1])

    def list(self, call: Call, path: str) -> list[str]:
        """List the paths directly below a directory."""
        return [row.values["path"] + row.values["name"] for row in self._rows_below(call, path)]

    def listFiles(self, call: Call, path: str) -> list[Any]:  # type: ignore[valid-type]
        """List the files directly below a directory."""
        return Marshaller(call.store, call).entities(self._rows_below(call, path))

    def fileExists(self, call: Call, path: str) -> bool:
        """Tell whether a path is registered."""
        self._require_session(call)
        return self.files.find(checked(path)) is not None

    def register(self, call: Call, path: str, mimetype: Any) -> Any:
        """Make a row for a path."""
        self._require_session(call)
        kind = None if mimetype is None else mimetype.getValue()
        row = self.files.register(call, checked(path), kind)
        return Marshaller(call.store, call).entity(row)

    def file(self, call: Call, path: str, mode: str) -> Any:
        """Open a file; one that does not exist is made and registered.

        Raises
        ------
        omero.SecurityViolation
            Mode "rw" and the caller may not change the file.
        omero.grid.UnregisteredFileException
            It is on disk, but not registered.
        """
        self._require_client(call)
        place = checked(path)
        row = self.files.find(place)
        if row is None and self.files.path(place).exists():
            unknown = omero.model.OriginalFileI()
            unknown.setName(rstring(place[-1]))
            unknown.setPath(rstring(f"{paths.join(place[:-1])}/"))
            raise omero.grid.UnregisteredFileException(None, None, f"{path} is not registered", unknown)
        if row is None:
            sha1 = call.store.enum("ChecksumAlgorithm", "SHA1-160")
            row = self.files.register(call, place, None, hasher=sha1.id if sha1 else None)
        elif mode != "r" and not self._may_write(call, row):
            raise omero.SecurityViolation(None, None, "requiresWrite is true but cannot modify")
        return self._open(row, writable=mode != "r")

    def fileById(self, call: Call, id: int) -> Any:
        """Open a file for reading."""
        self._require_client(call)
        row = call.store.get("OriginalFile", id)
        if row is None or row.values.get("repo") != self.files.uuid:
            raise omero.SecurityViolation(None, None, f"FileNotFound: {id}")
        if not call.can_read(row):
            raise omero.SecurityViolation(None, None, f"FileNotAccessible: {id}")
        return self._open(row, writable=False)

    def makeDir(self, call: Call, path: str, parents: bool) -> None:
        """Make a directory; without `parents` it must not exist, and the one above must."""
        self._require_session(call)
        place = checked(path)
        if not parents and self.files.path(place).exists():
            raise omero.ResourceError(None, None, f"Path exists on disk: {path}")
        if not parents and self.files.find(place[:-1]) is None:
            raise omero.SecurityViolation(None, None, f"Cannot find parent directory: {path}")
        if not call.is_admin and place[:1] != (f"{call.event_context().userName}_{call.user_id}",):
            message = f'cannot create directory "{path}": it is outside the template path of the repository'
            raise omero.ValidationException(None, None, message)
        self.files.make_directories(call, place)

    def treeList(self, call: Call, path: str) -> Any:
        """List a directory with all below it: name to id, mimetype, size and files."""
        self._require_session(call)
        place = checked(path)
        row = self.files.find(place)
        return rmap({} if row is None else self._tree(place, row))

    def deletePaths(self, call: Call, files: Any, recursively: bool, force: bool) -> Any:
        """Delete files and directories with all below them; answers with the handle of a Delete2."""
        from omero_sandbox import commands

        self._require_client(call)
        ids: Any = []
        for path in files:
            place = checked(path)
            row = self.files.find(place)
            if row is not None:
                ids += self._below(place, row)
        return commands.start(call, omero.cmd.Delete2(targetObjects={"OriginalFile": ids}))

    # -- parts

    def _open(self, row: Row, *, writable: bool) -> Any:
        store = RepositoryFileStore(self.context, row, writable=writable)
        return self.context.register(omero.api.RawFileStore, store)

    @staticmethod
    def _may_write(call: Call, row: Row) -> bool:
        return row.owner == call.user_id or "WriteManagedRepo" in call.privileges

    def _existing(self, call: Call, path: str) -> paths.Path:
        self._require_session(call)
        place = checked(path)
        if not self.files.path(place).exists():
            raise omero.ValidationException(None, None, f"{path} does not exist")
        return place

    def _rows_below(self, call: Call, path: str) -> Any:
        place = self._existing(call, path)
        return [row for row in self.files.children(place) if call.can_read(row)]

    def _tree(self, place: paths.Path, row: Row) -> dict[str, Any]:
        facts: dict[str, Any] = {"id": rlong(row.id), "mimetype": rstring(row.values.get("mimetype"))}
        if row.values.get("size") is not None:
            facts["size"] = rlong(row.values["size"])
        if row.values.get("mimetype") == DIRECTORY:
            below: dict[str, Any] = {}
            for child in self.files.children(place):
                below |= self._tree((*place, child.values["name"]), child)
            facts["files"] = rmap(below)
        return {row.values["name"]: rmap(facts)}

    def _below(self, place: paths.Path, row: Row) -> Any:
        """List a row's id after those of all that lies below it."""
        children = self.files.children(place) if row.values.get("mimetype") == DIRECTORY else []
        nested = [self._below((*place, child.values["name"]), child) for child in children]
        return [*(identifier for ids in nested for identifier in ids), row.id]

    @staticmethod
    def _require_session(call: Call) -> None:
        if call.session_uuid is None:
            raise omero.RemovedSessionException(None, None, "No context for null")
        call.check()

    def _require_client(self, call: Call) -> None:
        self._require_session(call)
        if call.client_uuid is None:
            raise omero.InternalException(None, None, "No ServantHolder for proxy.")
