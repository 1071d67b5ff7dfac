"""Imports the pixels of one image as an OME-TIFF that is made for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ome_types import model
from omero.sys import ParametersI

from omero_rocrate_transfer.model.contents import ImageRecord, OriginalFile, TransferUnit
from omero_rocrate_transfer.model.errors import IntegrityError
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.streams import BLOCK_BYTES
from omero_rocrate_transfer.server.write.importer import FilesetImport
from omero_rocrate_transfer.server.write.pairing import NewObject
from omero_rocrate_transfer.server.write.pixels.bands import PlaneFacts
from omero_rocrate_transfer.server.write.pixels.ome_tiff import write_ome_tiff
from omero_rocrate_transfer.server.write.pixels.tiff_file import plane_order, temporary_tiff, tiff_metadata
from omero_rocrate_transfer.transfer.ports import PixelsReader

_IMAGES: Final = (
    "select i.id, i.name, i.description, p.id from Image i join i.pixels p where i.fileset.id = :id"
    " order by i.id"
)


@dataclass(frozen=True, slots=True)
class ImportedTiff:
    """What came of the file."""

    image: NewObject
    #: Id of its Pixels.
    pixels: int
    facts: PlaneFacts


class TiffImage:
    """Import of one image; the file is gone when it ends.

    Parameters
    ----------
    group
        Id of the group that the image goes into.
    """

    def __init__(self, connection: Connection, record: ImageRecord, element: model.Image, group: int) -> None:
        self._connection = connection
        self._record = record
        self._element = element
        self._group = group
        #: Id of the new Fileset, as soon as the server has made it.
        self.fileset_id: int | None = None

    def run(self, reader: PixelsReader) -> ImportedTiff:
        """Write the file, import it, and find what the server made of it.

        Raises
        ------
        StoppedError
            There is no room for the file.
        TransferError
            The server cannot import it.
        """
        with temporary_tiff(self._record, reader) as path:
            metadata = tiff_metadata(self._record, self._element)
            facts = write_ome_tiff(path, reader, plane_order(self._element.pixels), metadata)
            file = OriginalFile(key=str(path), path=path.name, size_bytes=path.stat().st_size)
            unit = TransferUnit(ref=self._record.ref, images=(self._record,), files=(file,))
            importing = FilesetImport(self._connection, unit, self._group)
            try:
                fileset = importing.run(_FileBlocks(path))
            finally:
                self.fileset_id = importing.fileset_id
        image, pixels = self._find(fileset)
        return ImportedTiff(image, pixels, facts)

    def _find(self, fileset: int) -> tuple[NewObject, int]:
        with server_errors(f"Reading what was made of {self._record.ref}"):
            rows = self._connection.query.projection(
                _IMAGES, ParametersI().addId(fileset), self._connection.context()
            )
        if len(rows) != 1:
            raise IntegrityError(f"{self._record.ref}: the target made {len(rows)} images of its OME-TIFF.")
        image, name, description, pixels = rows[0]
        told = None if description is None else description.val
        return NewObject(image.val, name.val, told), pixels.val


class _FileBlocks:
    """The bytes of one file on this machine's disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def blocks(self, _file: OriginalFile) -> Iterator[bytes]:
        with self._path.open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                yield block
