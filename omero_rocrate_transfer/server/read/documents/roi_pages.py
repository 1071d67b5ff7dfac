"""Pages: OME documents with the ROIs of a unit that has too many of them for its own document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ome_types import OME

from omero_rocrate_transfer.model.contents import Contents, Person, TransferUnit
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.extras import Extras
from omero_rocrate_transfer.server.mapping.conversions import parse_ref
from omero_rocrate_transfer.server.read.annotations.annotations import Annotated, AnnotationReader
from omero_rocrate_transfer.server.read.documents.builder import Draft
from omero_rocrate_transfer.server.read.documents.containers import add_roi_members
from omero_rocrate_transfer.server.read.documents.containers_document import creator, experimenters, owner_ref
from omero_rocrate_transfer.server.read.documents.identifiers import (
    IdentifierReader,
    attached_annotations,
    identifiers_in,
)
from omero_rocrate_transfer.server.read.documents.images import read_images
from omero_rocrate_transfer.server.read.documents.rois import iter_roi_pages, read_roi_page
from omero_rocrate_transfer.server.read.documents.unit_documents import file_sources
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.queries import Reader


class RoiPages:
    """Reads the pages of units, one at a time.

    Parameters
    ----------
    sources
        Ids of ROIs by the id of the file that they were made from.
    """

    def __init__(
        self,
        connection: Connection,
        contents: Contents,
        annotations: AnnotationReader,
        sources: Mapping[int, Sequence[int]],
        identifiers: IdentifierReader,
    ) -> None:
        self._reader = Reader(connection)
        self._enumerations = connection.enumerations
        self._host = contents.source.host
        self._owners: dict[int | None, Person] = {person.id: person for person in contents.people}
        self._annotations = annotations
        self._attached = attached_annotations(contents)
        self._file_of = {roi: file for file, rois in sources.items() for roi in rois}
        self._identifiers = identifiers

    def iter_pages(self, unit: TransferUnit) -> Iterator[Document]:
        """Yield the documents with the ROIs of a unit, in the order of its images and of the ROIs."""
        for page in iter_roi_pages(self._reader, [image.ref.id for image in unit.images]):
            yield self._read(unit, page)

    def _read(self, unit: TransferUnit, page: Mapping[int, int]) -> Document:
        draft = self._begin(unit, page)
        for image, rois in read_roi_page(self._reader, self._enumerations, page).items():
            draft.add_rois(image, rois)
        add_roi_members(self._reader, draft, page)
        anchors = {"ROI": page.keys()}
        outside = [ref for one in draft.objects if (ref := parse_ref(one.id)) is not None]
        [annotations] = self._annotations.annotate([Annotated(draft.document, anchors, outside)])
        found = self._identifiers.read([draft.document], anchors)
        extras = Extras(
            annotations=annotations,
            fields=draft.fields,
            objects=tuple(draft.objects),
            shapes=draft.shapes,
            folders=draft.folders,
            sources=file_sources(unit, self._by_file(page), self._host),
            identifiers=identifiers_in(
                found, draft.document, self._attached, (one.id for one in draft.objects)
            ),
            owners=draft.owners,
            members=tuple(draft.member_links),
        )
        return Document(draft.document, extras)

    def _begin(self, unit: TransferUnit, page: Mapping[int, int]) -> Draft:
        """Return a document with the images of a page, without ROIs."""
        shown = set(page.values())
        images = [image for image in unit.images if image.ref.id in shown]
        people = experimenters(self._owners, (image.owner for image in images), self._host)
        draft = Draft(OME(creator=creator(), experimenters=people), self._host)
        owner = self._owners.get(unit.owner)
        draft.owner = None if owner is None else owner.login
        contents = read_images(self._reader, self._enumerations, [image.ref.id for image in images])
        for image in images:
            if image.ref.id in contents:
                ref = owner_ref(image.owner, self._host) if image.owner in self._owners else None
                draft.add_outline(contents[image.ref.id], ref)
        return draft

    def _by_file(self, page: Mapping[int, int]) -> dict[int, list[int]]:
        """Return the ROIs of a page by the file that they were made from."""
        found: dict[int, list[int]] = {}
        for roi in page:
            if roi in self._file_of:
                found.setdefault(self._file_of[roi], []).append(roi)
        return found
