"""One transfer unit of a server."""

from __future__ import annotations

from collections.abc import Iterator

from omero_rocrate_transfer.model.contents import OriginalFile, TransferUnit
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read import files
from omero_rocrate_transfer.server.read.documents.read_ahead import ReadAhead
from omero_rocrate_transfer.server.read.documents.roi_pages import RoiPages
from omero_rocrate_transfer.server.read.pixels import ServerPixels
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.transfer.ports import UnitReader


class ServerUnitReader(UnitReader):
    """Reads one unit of a server; implements the port `UnitReader`.

    Parameters
    ----------
    documents, roi_pages
        Shared by the readers of all units of some contents.
    """

    def __init__(
        self, unit: TransferUnit, connection: Connection, documents: ReadAhead, roi_pages: RoiPages
    ) -> None:
        super().__init__(unit)
        self._connection = connection
        self._documents = documents
        self._roi_pages = roi_pages
        #: What the document was made for counts, however many ROIs there are by now.
        self._paged = False

    def document(self) -> Document:
        """Return the document of the unit; reads those of the units after it too."""
        document, self._paged = self._documents.read(self.unit)
        return document

    def pages(self) -> Iterator[Document]:
        """Yield the pages of the unit, after its document."""
        return self._roi_pages.iter_pages(self.unit) if self._paged else iter(())

    def blocks(self, file: OriginalFile) -> Iterator[bytes]:
        """Yield the bytes of an original file; see `files.iter_blocks`."""
        return files.iter_blocks(self._connection, file, in_repository=self.unit.ref.type != "Annotation")

    def pixels(self, image: ObjectRef) -> ServerPixels:
        """Open the pixels of an image."""
        return ServerPixels(self._connection, image)
