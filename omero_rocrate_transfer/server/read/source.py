"""A server as the source of a transfer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from omero_rocrate_transfer.model.annotations import AnnotationChoice
from omero_rocrate_transfer.model.choices import PixelsPolicy
from omero_rocrate_transfer.model.contents import Contents, TransferUnit
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
from omero_rocrate_transfer.server.read.documents.identifiers import (
    IdentifierReader,
    attached_annotations,
    identifiers_in,
)
from omero_rocrate_transfer.server.read.documents.read_ahead import ReadAhead
from omero_rocrate_transfer.server.read.documents.roi_pages import RoiPages
from omero_rocrate_transfer.server.read.documents.unit_documents import UnitDocuments
from omero_rocrate_transfer.server.read.references import read_references
from omero_rocrate_transfer.server.read.unit_reader import ServerUnitReader
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.queries import Reader


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was read last, and what all readers of its units share."""

    contents: Contents
    documents: ReadAhead
    roi_pages: RoiPages


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
        self._reading: _Reading | None = None
        self._folders: dict[int, Folder] = {}

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
        unread = self._identifiers.iter_omissions(anchors_of(contents.containers, contents.units))
        weak = files.find_unverifiable(contents.units)
        omissions = (*contents.omissions, *references.omissions, *unread, *weak)
        contents = replace(contents, omissions=omissions)
        self._reading = self._begin_reading(contents, references.sources)
        return contents

    def open(self, unit: TransferUnit) -> ServerUnitReader:
        """Return the reader of a unit."""
        reading = self._known()
        return ServerUnitReader(unit, self._connection, reading.documents, reading.roi_pages)

    def _find_figures(self, images: Collection[int]) -> list[int]:
        if isinstance(self._figures, bool):
            return find_figures(self._connection, images) if self._figures else []
        return figures_among(self._connection, self._figures)

    def read_container_document(self) -> Document:
        """Return the document of the containers."""
        contents = self._known().contents
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

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._connection.close()

    def _known(self) -> _Reading:
        if self._reading is None:
            raise RuntimeError("read_contents comes first")
        return self._reading

    def _begin_reading(self, contents: Contents, sources: Mapping[int, Sequence[int]]) -> _Reading:
        """Make what reads the units of contents; ``sources`` are ROIs by the file they were made from."""
        shared = self._connection, contents, self._annotations, sources, self._identifiers
        documents = ReadAhead(contents.units, UnitDocuments(*shared))
        return _Reading(contents, documents, RoiPages(*shared))
