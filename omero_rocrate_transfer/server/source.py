"""A server as the source of a transfer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Final

from ome_types import OME

from omero_rocrate_transfer.model.choices import PixelsPolicy
from omero_rocrate_transfer.model.contents import Contents, OriginalFile, TransferUnit
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server import files
from omero_rocrate_transfer.server.documents import container_document, read_documents
from omero_rocrate_transfer.server.hierarchy import read_contents
from omero_rocrate_transfer.server.pixels import ServerPixels
from omero_rocrate_transfer.server.queries import GRAPHS_PER_QUERY, Reader
from omero_rocrate_transfer.server.session import Connection

#: Documents kept ready; units are asked for roughly in their order, so few are read twice.
_KEPT: Final = 4 * GRAPHS_PER_QUERY


class ServerSource:
    """Reads one server; implements `omero_rocrate_transfer.transfer.ports.Source`, safe in several threads.

    Parameters
    ----------
    connection
        Closed with the source.
    pixels
        Whether original files travel, pixels or both.
    """

    def __init__(self, connection: Connection, *, pixels: PixelsPolicy = PixelsPolicy.ORIGINAL) -> None:
        self._pixels = pixels
        self._connection = connection
        self._contents: Contents | None = None
        self._place: dict[ObjectRef, int] = {}
        self._documents: OrderedDict[ObjectRef, OME] = OrderedDict()
        self._lock = Lock()

    def read_contents(self, roots: Sequence[ObjectRef]) -> Contents:
        """Return what belongs to the roots, everything readable where none are named."""
        contents = read_contents(self._connection, roots, self._pixels)
        with self._lock:
            self._contents = contents
            self._place = {unit.ref: place for place, unit in enumerate(contents.units)}
            self._documents.clear()
        return contents

    def read_document(self, unit: TransferUnit) -> OME:
        """Return the OME document of a unit; reads those of the units after it too."""
        # The lock is held while reading: who waits for it most likely finds its document among those read.
        with self._lock:
            if unit.ref not in self._documents:
                self._read_ahead(unit)
            return self._documents.pop(unit.ref)

    def read_container_document(self) -> OME:
        """Return the OME document of the containers."""
        return container_document(self._known())

    def iter_blocks(self, unit: TransferUnit, file: OriginalFile) -> Iterator[bytes]:
        """Yield the bytes of an original file; see `files.iter_blocks`."""
        del unit
        return files.iter_blocks(self._connection, file)

    def open_pixels(self, unit: TransferUnit, image: ObjectRef) -> ServerPixels:
        """Open the pixels of an image."""
        del unit
        return ServerPixels(self._connection, image)

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._connection.close()

    def _known(self) -> Contents:
        if self._contents is None:
            raise RuntimeError("read_contents comes first")
        return self._contents

    def _read_ahead(self, unit: TransferUnit) -> None:
        contents = self._known()
        batch = _batch(contents.units, self._place[unit.ref], self._documents)
        documents = read_documents(Reader(self._connection), batch, contents)
        for one, document in zip(batch, documents, strict=True):
            self._documents[one.ref] = document
        while len(self._documents) > _KEPT:
            self._documents.popitem(last=False)


def _batch(
    units: Sequence[TransferUnit], start: int, have: OrderedDict[ObjectRef, OME]
) -> list[TransferUnit]:
    """Take units from a place on, as many as make one query of images."""
    batch = [units[start]]
    images = len(units[start].images)
    for unit in units[start + 1 :]:
        images += len(unit.images)
        if images > GRAPHS_PER_QUERY:
            break
        if unit.ref not in have:
            batch.append(unit)
    return batch
