"""What sources of other programs' packs have in common: files only, streamed out of the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omero_rocrate_transfer.crate.read.metadata import select_contents
from omero_rocrate_transfer.model.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader
    from omero_rocrate_transfer.model.contents import Contents, OriginalFile, TransferUnit
    from omero_rocrate_transfer.model.document import Document
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.transfer.ports import PixelsReader


class FilesSource:
    """The half of a `Source` that reads files of an archive; documents are the subclass's.

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

    def iter_pages(self, unit: TransferUnit) -> Iterator[Document]:
        """Yield nothing: all ROIs are in the documents."""
        del unit
        return iter(())

    def iter_blocks(self, unit: TransferUnit, file: OriginalFile) -> Iterator[bytes]:
        """Yield the bytes of one file; there is no digest to compare them with."""
        if file not in unit.files or file.key not in self._archive.sizes:
            raise NotFoundError(f"{file.key!a:.200} is no file of {unit.ref}.")
        return self._archive.iter_blocks(file.key)

    def open_pixels(self, unit: TransferUnit, image: ObjectRef) -> PixelsReader:
        """Raise an error: there are files only."""
        raise NotFoundError(f"The pack has no pixels of {image} in {unit.ref}, only its files.")

    def iter_stored_pixels(self, unit: TransferUnit) -> Iterator[bytes]:
        """Yield nothing: there are files only."""
        del unit
        return iter(())

    def close(self) -> None:
        """Close the archive; safe to call twice."""
        self._archive.close()
