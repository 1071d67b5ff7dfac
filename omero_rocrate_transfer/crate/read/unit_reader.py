"""One transfer unit of a crate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omero_rocrate_transfer.model.errors import NotFoundError
from omero_rocrate_transfer.transfer.ports import UnitReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omero_rocrate_transfer.crate.read.content import CrateContent
    from omero_rocrate_transfer.model.contents import OriginalFile, TransferUnit
    from omero_rocrate_transfer.model.document import Document
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.transfer.ports import PixelsReader


class CrateUnitReader(UnitReader):
    """Reads one unit of a crate; implements the port `UnitReader`."""

    def __init__(self, unit: TransferUnit, content: CrateContent) -> None:
        super().__init__(unit)
        self._content = content

    def document(self) -> Document:
        """Return the document of the unit."""
        name = self._content.index.documents.get(self.unit.ref)
        if name is None:
            raise NotFoundError(f"The crate has no OME-XML of {self.unit.ref}.", hint="Get the crate again.")
        return self._content.read_document(name)

    def pages(self) -> Iterator[Document]:
        """Yield the OME documents with the ROIs of the unit that are not in its own."""
        return map(self._content.read_document, self._content.index.pages.get(self.unit.ref, ()))

    def blocks(self, file: OriginalFile) -> Iterator[bytes]:
        """Yield the bytes of one original file, and compare size and every digest after the last one.

        Raises
        ------
        IntegrityError
            The archive is damaged or too short.
        DigestMismatchError
            The bytes are not those that the crate promises.
        """
        if file not in self.unit.files or file.key not in self._content.index.files:
            raise NotFoundError(f"{file.key!a:.200} is not a file of {self.unit.ref}.")
        return self._content.iter_file(file.key)

    def pixels(self, image: ObjectRef) -> PixelsReader:
        """Open the pixels of an image; a plane that was read whole is compared with its digest.

        Raises
        ------
        NotFoundError
            The crate has none.
        UnsafeCrateError
            They are no sound OME-Zarr.
        """
        if image not in {one.ref for one in self.unit.images}:
            raise NotFoundError(f"{image} is not in {self.unit.ref}.")
        return self._content.open_pixels(image)

    def stored_pixels(self) -> Iterator[bytes]:
        """Yield the bytes of the unit's OME-Zarrs as they are stored, each file compared with its digest.

        Raises
        ------
        DigestMismatchError
            A file is not the one of the manifest.
        """
        zarr_of = self._content.index.zarrs
        for zarr in sorted({zarr_of[image.ref] for image in self.unit.images if image.ref in zarr_of}):
            for name in self._content.list_members(zarr):
                yield from self._content.iter_file(name)
