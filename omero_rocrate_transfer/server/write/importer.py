"""Import of one fileset into the managed repository, as OMERO's importer does it, without Java.

The order of calls is that of ``ome.formats.importer.ImportLibrary`` (omero-blitz).
"""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol

import Ice
import omero
import omero.clients
from omero.model import ChecksumAlgorithmI, FilesetEntryI, FilesetI, NamedValue, UploadJobI
from omero.rtypes import rbool, rstring
from omero.sys import ParametersI

from omero_rocrate_transfer import __version__
from omero_rocrate_transfer.model.contents import OriginalFile, TransferUnit
from omero_rocrate_transfer.model.digests import Hasher
from omero_rocrate_transfer.model.errors import IntegrityError, TransferError
from omero_rocrate_transfer.server.session.commands import delete, wait_for
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.marks import RUN_FACT, UNIT_FACT
from omero_rocrate_transfer.server.session.timeouts import in_flight, patient
from omero_rocrate_transfer.server.write.client_paths import reader_hint
from omero_rocrate_transfer.transfer.faultpoints import faultpoint

log = logging.getLogger(__name__)

#: What the server computes, too, when a file is complete.
ALGORITHM: Final = "SHA1-160"
#: Longest write (omero-blitz Constants.ice, DEFAULTBLOCKSIZE).
_BLOCK_SIZE: Final = 5_000_000
#: Writes in flight.
_WINDOW: Final = 4


class Blocks(Protocol):
    """Where the bytes come from; a `UnitReader` is one."""

    def blocks(self, file: OriginalFile) -> Iterator[bytes]:
        """Yield the bytes of one file."""
        ...


class FilesetImport:
    """Import of one transfer unit.

    Parameters
    ----------
    group
        Id of the group that the images go into; their owner is the user of the connection.
    """

    def __init__(self, connection: Connection, unit: TransferUnit, group: int) -> None:
        self._connection = connection
        self._unit = unit
        self._context = connection.context(group)
        self._group = group
        self._doing = f"Importing {unit.ref}"
        #: Id of the new Fileset, as soon as the server has made it.
        self.fileset_id: int | None = None

    def run(self, reader: Blocks) -> int:
        """Send the files, let the server check and import them; return the id of the Fileset.

        Raises
        ------
        IntegrityError
            The server holds other bytes than were sent.
        TransferError
            The server cannot import the files.
        """
        files, limit_ms = len(self._unit.files), self._connection.limit_ms
        with server_errors(self._doing):
            process = patient(self._connection.managed_repository, limit_ms, files=files).importFileset(
                _fileset(self._unit, self._connection.run_id), _settings(), self._context
            )
        try:
            digests = [self._upload(process, place, reader) for place in range(files)]
            with server_errors(self._doing):
                handle = patient(process, limit_ms, files=files).verifyUpload(digests, self._context)
            wait_for(self._connection, handle, self._doing)
            faultpoint("server:imported")
        finally:
            _close_quietly(process)
        if self.fileset_id is None:
            raise TransferError(f"{self._doing}: the server made no fileset.")
        return self.fileset_id

    def undo(self, connection: Connection) -> None:
        """Delete the Fileset of this import and nothing else; says so where that fails.

        Parameters
        ----------
        connection
            Of somebody who may delete what others have put on the images, too.
        """
        if self.fileset_id is None:
            return
        try:
            delete(connection, "Fileset", [self.fileset_id], self._group)
        except TransferError:
            log.exception("Fileset:%d was left incomplete and should be deleted.", self.fileset_id)

    def _upload(self, process: Any, place: int, reader: Blocks) -> str:
        """Send one file and return its digest."""
        file = self._unit.files[place]
        doing = f"Sending {file.path} of {self._unit.ref}"
        hasher, limit_ms = Hasher((ALGORITHM,)), self._connection.limit_ms
        with server_errors(doing):
            uploader = process.getUploader(place, self._context)
            if self.fileset_id is None:
                self.fileset_id = self._fileset_of(uploader)
                faultpoint("server:fileset-created")
            with in_flight(uploader, limit_ms) as writer:
                _write(writer, _hashed(reader.blocks(file), hasher), self._context)
            if hasher.size_bytes != file.size_bytes:
                raise IntegrityError(f"{doing}: {hasher.size_bytes} bytes came, not {file.size_bytes}.")
            # Closing makes the server compute its digest, without which it could not verify anything.
            patient(uploader, limit_ms, size_bytes=hasher.size_bytes).close(self._context)
            faultpoint("server:file-sent")
        return hasher.digests()[ALGORITHM].hex

    def _fileset_of(self, uploader: Any) -> int:
        parameters = ParametersI().addId(uploader.getFileId(self._context).val)
        hql = "select e.fileset.id from FilesetEntry e where e.originalFile.id = :id"
        return int(self._connection.query.projection(hql, parameters, self._context)[0][0].val)


def _fileset(unit: TransferUnit, run_id: str) -> FilesetI:
    paths = [file.path for file in unit.files]
    fileset = FilesetI()
    for path in paths:
        entry = FilesetEntryI()
        entry.setClientPath(rstring(path))
        fileset.addFilesetEntry(entry)
    facts = {"omero.rocrate.transfer.version": __version__, "os.name": sys.platform}
    if run_id:
        facts |= {RUN_FACT: run_id, UNIT_FACT: str(unit.ref)}
    if (reader := reader_hint(paths)) is not None:
        facts["bioformats.reader"] = reader
    job = UploadJobI()
    job.setVersionInfo([NamedValue(name, value) for name, value in facts.items()])
    fileset.linkJob(job)
    return fileset


def _settings() -> Any:
    settings = omero.grid.ImportSettings()
    settings.userSpecifiedTarget = None
    settings.userSpecifiedName = None
    settings.userSpecifiedDescription = None
    settings.userSpecifiedPixels = None
    settings.userSpecifiedAnnotationList = None
    settings.doThumbnails = rbool(val=True)
    settings.noStatsInfo = rbool(val=False)
    settings.checksumAlgorithm = ChecksumAlgorithmI()
    settings.checksumAlgorithm.setValue(rstring(ALGORITHM))
    return settings


def _hashed(blocks: Iterable[bytes], hasher: Hasher) -> Iterator[bytes]:
    for block in blocks:
        hasher.update(block)
        for start in range(0, len(block), _BLOCK_SIZE):
            yield block[start : start + _BLOCK_SIZE]


def _write(uploader: Any, blocks: Iterable[bytes], context: dict[str, str]) -> None:
    flying: deque[Any] = deque()
    offset = 0
    for block in blocks:
        if len(flying) == _WINDOW:
            uploader.end_write(flying.popleft())
        flying.append(uploader.begin_write(block, offset, len(block), _ctx=context))
        offset += len(block)
    if offset == 0:
        # A file of no bytes exists only once something was written to it.
        uploader.write(b"", 0, 0, context)
    while flying:
        uploader.end_write(flying.popleft())


def _close_quietly(process: Any) -> None:
    try:
        process.close()
    except Ice.Exception:
        log.debug("The import process is gone already", exc_info=True)
