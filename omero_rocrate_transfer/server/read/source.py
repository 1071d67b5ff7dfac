"""A server as the source of a transfer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from threading import Lock
from typing import Final

from omero_rocrate_transfer.model.annotations import AnnotationChoice
from omero_rocrate_transfer.model.choices import PixelsPolicy
from omero_rocrate_transfer.model.contents import Contents, OriginalFile, TransferUnit
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.extras import Extras
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read import files
from omero_rocrate_transfer.server.read.annotations.annotations import AnnotationReader, of_containers
from omero_rocrate_transfer.server.read.annotations.figure_search import figures_among, find_figures
from omero_rocrate_transfer.server.read.annotations.plan import add_attachments, anchors_of
from omero_rocrate_transfer.server.read.contents import read_contents
from omero_rocrate_transfer.server.read.documents.builder import Draft
from omero_rocrate_transfer.server.read.documents.containers import (
    Folder,
    add_folders,
    fill_screens,
    find_folders,
)
from omero_rocrate_transfer.server.read.documents.containers_document import container_document
from omero_rocrate_transfer.server.read.documents.roi_pages import RoiPages
from omero_rocrate_transfer.server.read.documents.unit_documents import UnitDocuments, UnitDraft
from omero_rocrate_transfer.server.read.pixels import ServerPixels
from omero_rocrate_transfer.server.read.references import read_references
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.queries import IDS_PER_QUERY, Reader
from omero_rocrate_transfer.server.write.identifiers import (
    IdentifierReader,
    attached_annotations,
    identifiers_in,
)

#: Documents kept ready; units are asked for roughly in their order, so few are read twice.
_KEPT: Final = 2 * IDS_PER_QUERY


class ServerSource:
    """Reads one server; implements `omero_rocrate_transfer.transfer.ports.Source`, safe in several threads.

    Parameters
    ----------
    connection
        Closed with the source.
    pixels
        Whether original files travel, pixels or both.
    annotations
        Which annotations travel.
    figures
        Whether OMERO.figures travel that show only images that do; or the ids of those that travel, whatever
        they show. Ids of other annotations among them do not matter.
    emails
        Whether the addresses of owners are told.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        pixels: PixelsPolicy = PixelsPolicy.ORIGINAL,
        annotations: AnnotationChoice | None = None,
        figures: bool | Collection[int] = False,
        emails: bool = False,
    ) -> None:
        self._pixels = pixels
        self._figures = figures
        self._emails = emails
        self._choice = annotations or AnnotationChoice()
        self._connection = connection
        self._annotations = AnnotationReader(Reader(connection), connection.info.host, self._choice)
        self._identifiers = IdentifierReader(Reader(connection), connection.info.host)
        self._contents: Contents | None = None
        self._folders: dict[int, Folder] = {}
        #: ROIs by the file that they were made from.
        self._sources: dict[int, list[int]] = {}
        self._place: dict[ObjectRef, int] = {}
        self._documents: OrderedDict[ObjectRef, UnitDraft] = OrderedDict()
        #: Units whose document, as it was read last, leaves the ROIs to pages.
        self._paged: set[ObjectRef] = set()
        self._lock = Lock()

    def read_contents(self, roots: Sequence[ObjectRef]) -> Contents:
        """Return what belongs to the roots, everything readable where none are named."""
        contents = read_contents(self._connection, roots, self._pixels, emails=self._emails)
        images = [image.ref.id for image in contents.iter_images()]
        self._folders = find_folders(Reader(self._connection), images)
        contents, self._annotations.attached = add_attachments(
            self._connection,
            self._annotations.links,
            contents,
            self._choice,
            self._find_figures(images),
            folders=self._folders,
        )
        references = read_references(Reader(self._connection), contents)
        self._sources = references.sources
        unread = self._identifiers.iter_omissions(anchors_of(contents.containers, contents.units))
        weak = files.find_unverifiable(contents.units)
        omissions = (*contents.omissions, *references.omissions, *unread, *weak)
        contents = replace(contents, omissions=omissions)
        with self._lock:
            self._contents = contents
            self._place = {unit.ref: place for place, unit in enumerate(contents.units)}
            self._documents.clear()
        return contents

    def _find_figures(self, images: Collection[int]) -> list[int]:
        if isinstance(self._figures, bool):
            return find_figures(self._connection, images) if self._figures else []
        return figures_among(self._connection, self._figures)

    def read_document(self, unit: TransferUnit) -> Document:
        """Return the document of a unit; reads those of the units after it too."""
        # The lock is held while reading: who waits for it most likely finds its document among those read.
        with self._lock:
            if unit.ref not in self._documents:
                self._read_ahead(unit)
            draft = self._documents.pop(unit.ref)
            # What the document was made for counts, however many ROIs there are by now.
            (self._paged.add if draft.paged else self._paged.discard)(unit.ref)
        return self._reader(self._known()).finish(draft)

    def iter_pages(self, unit: TransferUnit) -> Iterator[Document]:
        """Yield the pages of a unit, after its document."""
        if unit.ref not in self._paged:
            return iter(())
        pages = RoiPages(self._connection, self._known(), self._annotations, self._sources, self._identifiers)
        return pages.iter_pages(unit)

    def read_container_document(self) -> Document:
        """Return the document of the containers."""
        contents = self._known()
        draft = Draft(container_document(contents), contents.source.host)
        reader = Reader(self._connection)
        screens = [one.ref.id for one in contents.containers if one.ref.type == "Screen"]
        fill_screens(draft, reader, self._connection.enumerations, screens)
        add_folders(draft, self._folders)
        annotated = of_containers(draft.document, contents)
        annotated = replace(annotated, anchors={**annotated.anchors, "Folder": self._folders.keys()})
        [annotations] = self._annotations.annotate([annotated])
        found = self._identifiers.read([draft.document], annotated.anchors)
        extras = Extras(
            annotations=annotations,
            fields=draft.fields,
            identifiers=identifiers_in(found, draft.document, attached_annotations(contents)),
            owners=draft.owners,
            members=contents.member_links,
        )
        return Document(draft.document, extras)

    def iter_blocks(self, unit: TransferUnit, file: OriginalFile) -> Iterator[bytes]:
        """Yield the bytes of an original file; see `files.iter_blocks`."""
        return files.iter_blocks(self._connection, file, in_repository=unit.ref.type != "Annotation")

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

    def _reader(self, contents: Contents) -> UnitDocuments:
        return UnitDocuments(self._connection, contents, self._annotations, self._sources, self._identifiers)

    def _read_ahead(self, unit: TransferUnit) -> None:
        contents = self._known()
        batch = _batch(contents.units, self._place[unit.ref], self._documents)
        for draft in self._reader(contents).read(batch):
            self._documents[draft.unit.ref] = draft
        while len(self._documents) > _KEPT:
            self._documents.popitem(last=False)


def _batch(
    units: Sequence[TransferUnit], start: int, have: OrderedDict[ObjectRef, UnitDraft]
) -> list[TransferUnit]:
    """Take units from a place on, as many as make one query of images."""
    batch = [units[start]]
    images = len(units[start].images)
    for unit in units[start + 1 :]:
        images += len(unit.images)
        if images > IDS_PER_QUERY or len(batch) == IDS_PER_QUERY:
            break
        if unit.ref not in have:
            batch.append(unit)
    return batch
