"""Import of one fileset into the managed repository, as OMERO's importer does it, without Java.

The order of calls is that of ``ome.formats.importer.ImportLibrary`` (omero-blitz).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Hashable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from threading import Event
from typing import Any, Final, Protocol

import omero
import omero.clients
from omero.model import ChecksumAlgorithmI, FilesetEntryI, FilesetI, NamedValue, UploadJobI
from omero.rtypes import rbool, rstring
from omero.sys import ParametersI

from omero_rocrate_transfer import __version__
from omero_rocrate_transfer.model.contents import OriginalFile, TransferUnit
from omero_rocrate_transfer.model.digests import Hasher
from omero_rocrate_transfer.model.errors import IncompleteError, IntegrityError, TransferError
from omero_rocrate_transfer.server.session.collisions import repeat
from omero_rocrate_transfer.server.session.commands import delete, wait_for
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.marks import RUN_FACT, SOURCE_FACT, UNIT_FACT
from omero_rocrate_transfer.server.session.stateful import (
    Service,
    close_quietly,
    closing_all,
    open_import,
    open_uploader,
)
from omero_rocrate_transfer.server.session.streams import UPLOADS, block_bytes
from omero_rocrate_transfer.server.session.writing import write_blocks
from omero_rocrate_transfer.server.write.client_paths import reader_hint
from omero_rocrate_transfer.transfer.faultpoints import faultpoint

log = logging.getLogger(__name__)

#: What the server computes, too, when a file is complete.
ALGORITHM: Final = "SHA1-160"


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
    uploads
        Files that are sent at the same time at most.
    """

    def __init__(
        self, connection: Connection, unit: TransferUnit, group: int, *, uploads: int = UPLOADS
    ) -> None:
        self._connection = connection
        self._uploads = uploads
        self._unit = unit
        self._context = connection.context(group)
        self._group = group
        # ids of filesets are made up where other programs packed them; files have the names that people know
        what = f"{unit.files[0].path!a:.200} of {unit.ref}" if unit.files else str(unit.ref)
        self._doing = f"Importing {what}"
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
        files, doing = len(self._unit.files), self._doing
        with server_errors(doing), self._connection.first_times.of([self._folder_of_day()]):
            process = repeat(
                lambda: open_import(
                    self._connection,
                    _fileset(self._unit, self._connection.run_id, self._connection.source_database),
                    _settings(),
                    self._context,
                ),
                self._connection.retry,
            )
        try:
            digests = self._upload_all(process, reader)
            with server_errors(doing):
                handle = process.call("verifyUpload", digests, files=files)
            wait_for(self._connection, handle, doing)
            faultpoint("server:imported")
        finally:
            # It is gone already once the import has ended.
            close_quietly([process])
        if self.fileset_id is None:
            raise IncompleteError(f"{doing}: the server made no fileset.")
        return self.fileset_id

    def _folder_of_day(self) -> Hashable:
        """Return what tells the folders that the first import of a user and day makes from all others."""
        return self._connection.user_id, datetime.now(UTC).date()

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

    def _upload_all(self, process: Service, reader: Blocks) -> list[str]:
        """Send all files, some at the same time, and return their digests; the first error ends all."""
        leave = Event()
        first, *others = range(len(self._unit.files))
        digests = [self._upload(process, first, reader, leave)]
        if not others:
            return digests
        pool = ThreadPoolExecutor(min(self._uploads, len(others)), thread_name_prefix="upload")
        try:
            sent = [pool.submit(self._upload, process, place, reader, leave) for place in others]
            ended, _ = wait(sent, return_when=FIRST_EXCEPTION)
            for upload in ended:
                upload.result()
        finally:
            leave.set()
            pool.shutdown(cancel_futures=True)
        return digests + [upload.result() for upload in sent]

    def _upload(self, process: Service, place: int, reader: Blocks, leave: Event) -> str:
        """Send one file and return its digest."""
        file = self._unit.files[place]
        doing = f"Sending {file.path} of {self._unit.ref}"
        hasher = Hasher((ALGORITHM,))
        with server_errors(doing):
            uploader = open_uploader(self._connection, process, place, self._context)
        # Closed in any case: verifyUpload would meet a null pointer.
        with closing_all([uploader], doing), server_errors(doing):
            if self.fileset_id is None:
                self.fileset_id = self._fileset_of(uploader)
                faultpoint("server:fileset-created")
            blocks = _until(leave, reader.blocks(file), doing)
            write_blocks(uploader, blocks, hasher, block_bytes(self._connection.round_trip_s))
            if hasher.size_bytes != file.size_bytes:
                raise IntegrityError(f"{doing}: {hasher.size_bytes} bytes came, not {file.size_bytes}.")
            # Closing makes the server compute its digest, without which it could not verify anything.
            uploader.close(size_bytes=hasher.size_bytes)
        faultpoint("server:file-sent")
        return hasher.digests()[ALGORITHM].hex

    def _fileset_of(self, uploader: Service) -> int:
        parameters = ParametersI().addId(uploader.call("getFileId").val)
        hql = "select e.fileset.id from FilesetEntry e where e.originalFile.id = :id"
        return int(self._connection.query.projection(hql, parameters, self._context)[0][0].val)


def _fileset(unit: TransferUnit, run_id: str, source: str) -> FilesetI:
    paths = [file.path for file in unit.files]
    fileset = FilesetI()
    for path in paths:
        entry = FilesetEntryI()
        entry.setClientPath(rstring(path))
        fileset.addFilesetEntry(entry)
    facts = {"omero.rocrate.transfer.version": __version__, "os.name": sys.platform}
    if run_id:
        facts |= {RUN_FACT: run_id, UNIT_FACT: str(unit.ref)}
        facts |= {SOURCE_FACT: source} if source else {}
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


def _until(leave: Event, blocks: Iterable[bytes], doing: str) -> Iterator[bytes]:
    """Yield blocks until another file has failed."""
    for block in blocks:
        if leave.is_set():
            raise TransferError(f"{doing}: left, because another file of it failed.")
        yield block
