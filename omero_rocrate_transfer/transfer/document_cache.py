"""Documents that were read before a run, kept for it as far as memory allows."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.transfer.ports import UnitReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from omero_rocrate_transfer.model.contents import Contents, OriginalFile, TransferUnit
    from omero_rocrate_transfer.model.document import Document
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.transfer.ports import PixelsReader, Source

#: Images, planes, shapes, wells and links in the documents that are kept; each takes some kilobytes.
_MAX_ELEMENTS: Final = 20_000


class DocumentCache:
    """A source that gives out each document that was kept once, and reads all others from another source.

    Safe in several threads, as the other source is.

    Parameters
    ----------
    source
        Closed with this one.
    max_elements
        How much is kept; a document that would be too much is read again.
    """

    def __init__(self, source: Source, max_elements: int = _MAX_ELEMENTS) -> None:
        self._source = source
        self._left = max_elements
        self._kept: dict[ObjectRef, tuple[Document, int]] = {}
        self._lock = threading.Lock()

    def keep(self, unit: ObjectRef, document: Document) -> None:
        """Keep the document of a unit without pages, if there is room for it."""
        size = _count_elements(document)
        with self._lock:
            if size <= self._left and unit not in self._kept:
                self._kept[unit] = document, size
                self._left -= size

    def take(self, unit: ObjectRef) -> Document | None:
        """Return the document of a unit and keep it no longer; None if it was not kept."""
        with self._lock:
            document, size = self._kept.pop(unit, (None, 0))
            self._left += size
        return document

    def read_contents(self, roots: Sequence[ObjectRef]) -> Contents:
        """Return the contents; see `Source.read_contents`."""
        return self._source.read_contents(roots)

    def open(self, unit: TransferUnit) -> UnitReader:
        """Return the reader of a unit; its first document is the one that was kept."""
        return _CachedReader(self._source.open(unit), self)

    def read_container_document(self) -> Document:
        """Return the document of the containers."""
        return self._source.read_container_document()

    def close(self) -> None:
        """Close the other source."""
        self._source.close()


class _CachedReader(UnitReader):
    def __init__(self, reader: UnitReader, cache: DocumentCache) -> None:
        super().__init__(reader.unit)
        self._reader = reader
        self._cache = cache
        self._was_kept = False

    def document(self) -> Document:
        kept = self._cache.take(self.unit.ref)
        self._was_kept = kept is not None
        return self._reader.document() if kept is None else kept

    def pages(self) -> Iterator[Document]:
        return iter(()) if self._was_kept else self._reader.pages()

    def blocks(self, file: OriginalFile) -> Iterator[bytes]:
        return self._reader.blocks(file)

    def pixels(self, image: ObjectRef) -> PixelsReader:
        return self._reader.pixels(image)

    def stored_pixels(self) -> Iterator[bytes]:
        return self._reader.stored_pixels()

    def close(self) -> None:
        self._reader.close()


def _count_elements(document: Document) -> int:
    ome, extras = document.ome, document.extras
    images = sum(1 + len(image.pixels.channels) + len(image.pixels.planes) for image in ome.images)
    shapes = sum(1 + len(roi.union or ()) for roi in ome.rois)
    wells = sum(1 + len(well.well_samples) for plate in ome.plates for well in plate.wells)
    return 1 + images + shapes + wells + len(extras.annotations.links) + len(extras.members)
