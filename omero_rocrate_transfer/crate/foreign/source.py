"""A pack of omero-cli-transfer as a source: streamed in place, nothing extracted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from omero_rocrate_transfer.crate.foreign.contents import make_contents
from omero_rocrate_transfer.crate.foreign.documents import Documents
from omero_rocrate_transfer.crate.foreign.files_source import FilesSource, FilesUnitReader
from omero_rocrate_transfer.crate.foreign.transfer_xml import parse_transfer_xml
from omero_rocrate_transfer.model.errors import GET_AGAIN, UnsafeCrateError

if TYPE_CHECKING:
    from omero_rocrate_transfer.crate.archives.base import ArchiveReader, Limits
    from omero_rocrate_transfer.model.contents import TransferUnit
    from omero_rocrate_transfer.model.document import Document


class ForeignSource(FilesSource):
    """Reads a pack; implements the port `Source`. Safe for several threads.

    Parameters
    ----------
    archive
        Opened; closed with the source.
    name
        Of the file with the metadata.
    limits
        How much it may ask for.

    Raises
    ------
    UnsafeCrateError
        Its metadata break a rule.
    """

    def __init__(self, archive: ArchiveReader, name: str, limits: Limits) -> None:
        if archive.sizes[name] > limits.max_document_bytes:
            raise UnsafeCrateError(
                f"{name} is longer than {limits.max_document_bytes} bytes.",
                hint=GET_AGAIN,
            )
        pack = parse_transfer_xml(b"".join(archive.iter_blocks(name)), name)
        super().__init__(archive, make_contents(pack, archive, name))
        self._documents = Documents(pack.document, self._contents.source.host)

    def open(self, unit: TransferUnit) -> FilesUnitReader:
        """Return the reader of a unit."""
        read = self._documents.of_unit if unit.images else self._documents.of_attachment
        return FilesUnitReader(unit, self._archive, partial(read, unit))

    def read_container_document(self) -> Document:
        """Return the document of the containers."""
        return self._documents.of_containers()
