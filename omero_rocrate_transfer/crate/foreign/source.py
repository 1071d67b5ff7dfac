"""A pack of omero-cli-transfer as a source: streamed in place, nothing extracted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from omero_rocrate_transfer.crate.foreign.contents import make_contents
from omero_rocrate_transfer.crate.foreign.documents import Documents
from omero_rocrate_transfer.crate.foreign.transfer_xml import parse_transfer_xml
from omero_rocrate_transfer.crate.metadata_reader import select_contents
from omero_rocrate_transfer.model.errors import NotFoundError, UnsafeCrateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ome_types import OME

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader, Limits
    from omero_rocrate_transfer.model.contents import Contents, OriginalFile, TransferUnit
    from omero_rocrate_transfer.model.refs import ObjectRef


class ForeignSource:
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
        self._archive = archive
        if archive.sizes[name] > limits.max_document_bytes:
            raise UnsafeCrateError(
                f"{name} is longer than {limits.max_document_bytes} bytes.",
                hint="Nothing was sent to a server.",
            )
        pack = parse_transfer_xml(b"".join(archive.iter_blocks(name)), name)
        self._contents = make_contents(pack, archive.sizes)
        self._documents = Documents(pack.document, self._contents.source.host)

    def read_contents(self, roots: Sequence[ObjectRef] = ()) -> Contents:
        """Return what belongs to the roots, all there is where none are named."""
        return select_contents(self._contents, roots)

    def read_document(self, unit: TransferUnit) -> OME:
        """Return the OME document of one unit."""
        return self._documents.of_unit(unit) if unit.images else self._documents.of_attachment(unit)

    def read_container_document(self) -> OME:
        """Return the OME document of the containers."""
        return self._documents.of_containers()

    def iter_blocks(self, unit: TransferUnit, file: OriginalFile) -> Iterator[bytes]:
        """Yield the bytes of one file; the pack promises no digest to compare them with."""
        if file not in unit.files or file.key not in self._archive.sizes:
            raise NotFoundError(f"{file.key!a:.200} is no file of {unit.ref}.")
        return self._archive.iter_blocks(file.key)

    def open_pixels(self, unit: TransferUnit, image: ObjectRef) -> NoReturn:
        """Raise an error: packs hold files only."""
        raise NotFoundError(f"The pack has no pixels of {image} in {unit.ref}, only its files.")

    def iter_stored_pixels(self, unit: TransferUnit) -> Iterator[bytes]:
        """Yield nothing: packs hold files only."""
        del unit
        return iter(())

    def close(self) -> None:
        """Close the archive; safe to call twice."""
        self._archive.close()
