"""What sources of other programs' packs have in common: files only, streamed out of the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from omero_rocrate_transfer.crate.read.metadata import select_contents
from omero_rocrate_transfer.model.errors import NotFoundError
from omero_rocrate_transfer.transfer.ports import UnitReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader
    from omero_rocrate_transfer.model.contents import Contents, OriginalFile, TransferUnit
    from omero_rocrate_transfer.model.document import Document
    from omero_rocrate_transfer.model.refs import ObjectRef


class FilesSource:
    """The half of a `Source` that lists files of an archive; readers of units are the subclass's.

    Parameters
    ----------
    archive
        Opened; closed with the source.
    contents
        All that the archive holds.
    """

    def __init__(self, archive: ArchiveReader, contents: Contents) -> None:
        self._archive = archive
        self._contents = contents

    def read_contents(self, roots: Sequence[ObjectRef] = ()) -> Contents:
        """Return what belongs to the roots, all there is where none are named."""
        return select_contents(self._contents, roots)

    def close(self) -> None:
        """Close the archive; safe to call twice."""
        self._archive.close()


class FilesUnitReader(UnitReader):
    """Reads one unit of a pack: all ROIs are in its document, and all pixels in its files.

    Parameters
    ----------
    read_document
        Returns the document of the unit.
    """

    def __init__(
        self, unit: TransferUnit, archive: ArchiveReader, read_document: Callable[[], Document]
    ) -> None:
        super().__init__(unit)
        self._archive, self._read_document = archive, read_document

    def document(self) -> Document:
        """Return the document of the unit."""
        return self._read_document()

    def blocks(self, file: OriginalFile) -> Iterator[bytes]:
        """Yield the bytes of one file; there is no digest to compare them with."""
        if file not in self.unit.files or file.key not in self._archive.sizes:
            raise NotFoundError(f"{file.key!a:.200} is not a file of {self.unit.ref}.")
        return self._archive.iter_blocks(file.key)

    def pixels(self, image: ObjectRef) -> NoReturn:
        """Raise an error: there are files only."""
        raise NotFoundError(f"The pack has no pixels of {image} in {self.unit.ref}, only its files.")
