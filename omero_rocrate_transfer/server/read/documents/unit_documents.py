"""The OME documents of transfer units, read for many units at once as far as memory allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from ome_types import OME

from omero_rocrate_transfer.model.contents import Contents, Person, TransferUnit
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.extras import (
    AnnotationExtras,
    Extras,
    FileSource,
    Identifier,
    UserRendering,
)
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.annotation_kinds import IMAGES_OF_ROIS
from omero_rocrate_transfer.server.mapping.conversions import parse_ref
from omero_rocrate_transfer.server.read.annotations.annotations import Annotated, AnnotationReader, of_unit
from omero_rocrate_transfer.server.read.annotations.plan import Anchors, anchors_of
from omero_rocrate_transfer.server.read.documents.builder import Draft
from omero_rocrate_transfer.server.read.documents.containers import add_members
from omero_rocrate_transfer.server.read.documents.containers_document import creator, experimenters, owner_ref
from omero_rocrate_transfer.server.read.documents.experiments import instruments_of, read_experiments
from omero_rocrate_transfer.server.read.documents.identifiers import (
    IdentifierReader,
    attached_annotations,
    identifiers_in,
)
from omero_rocrate_transfer.server.read.documents.images import read_images, read_instruments
from omero_rocrate_transfer.server.read.documents.planes import count_planes, read_planes
from omero_rocrate_transfer.server.read.documents.plate_elements import add_plate
from omero_rocrate_transfer.server.read.documents.plates import read_plates
from omero_rocrate_transfer.server.read.documents.rendering import read_rendering
from omero_rocrate_transfer.server.read.documents.rois import count_rois, need_pages, read_rois
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.queries import Reader

#: ROIs and planes that are kept of units which nobody asked for yet; those of other units are read when
#: their unit is at work.
_READ_AHEAD: Final = 20_000


class UnitDraft(Draft):
    """The document of one unit in the making."""

    def __init__(self, unit: TransferUnit, document: OME, host: str) -> None:
        super().__init__(document, host)
        self.unit = unit
        self.complete = False
        #: Once it is complete.
        self.extras = Extras()
        #: Ids of the images whose ROIs are in the document.
        self.with_rois: list[int] = []
        #: Whether the ROIs are so many that they come in pages.
        self.paged = False

    @property
    def image_ids(self) -> list[int]:
        """Ids of the images of the unit."""
        return [image.ref.id for image in self.unit.images]


class UnitDocuments:
    """Reads the documents of the units of some contents.

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
        self._rois_of = sources
        self._annotations = annotations
        self._reader = Reader(connection)
        self._identifiers = identifiers
        self._attached = attached_annotations(contents)
        self._enumerations = connection.enumerations
        self._host = contents.source.host
        self._owners: dict[int | None, Person] = {person.id: person for person in contents.people}
        #: Names of the screens that a plate is in, by their ids.
        self._screens: dict[ObjectRef, dict[int, str]] = {}
        for one in contents.containers:
            for plate in one.members if one.ref.type == "Screen" else ():
                self._screens.setdefault(plate, {})[one.ref.id] = one.name

    def read(self, units: Sequence[TransferUnit]) -> list[UnitDraft]:
        """Begin the documents of units, in their order, and complete those that are small."""
        drafts = [self._begin(unit) for unit in units]
        self._add_images(drafts)
        self._add_plates(drafts)
        self._complete(self._small(drafts))
        return drafts

    def finish(self, draft: UnitDraft) -> Document:
        """Return the whole document."""
        if not draft.complete:
            self._complete([draft])
        return Document(draft.document, draft.extras)

    def _begin(self, unit: TransferUnit) -> UnitDraft:
        people = experimenters(self._owners, (image.owner for image in unit.images), self._host)
        draft = UnitDraft(unit, OME(creator=creator(), experimenters=people), self._host)
        owner = self._owners.get(unit.owner)
        draft.owner = None if owner is None else owner.login
        return draft

    def _add_images(self, drafts: Sequence[UnitDraft]) -> None:
        images = read_images(self._reader, self._enumerations, _image_ids(drafts))
        named = [number for image in images.values() for number in image.experiments]
        experiments = read_experiments(self._reader, self._enumerations, named)
        wanted = [number for image in images.values() for number in image.instruments]
        wanted += instruments_of(experiments.values())
        instruments = read_instruments(self._reader, self._enumerations, wanted)
        for draft in drafts:
            mine = [images[one] for one in draft.image_ids if one in images]
            tried = [
                experiments[one] for one in dict.fromkeys(one for image in mine for one in image.experiments)
            ]
            used = [number for image in mine for number in image.instruments]
            for number in dict.fromkeys([*used, *instruments_of(tried)]):
                draft.add_instrument(instruments[number])
            for experiment in tried:
                draft.add_experiment(experiment)
            owner_of = {image.ref.id: image.owner for image in draft.unit.images}
            for image in mine:
                owner = owner_of[image.id]
                draft.add_image(image, owner_ref(owner, self._host) if owner in self._owners else None)

    def _add_plates(self, drafts: Sequence[UnitDraft]) -> None:
        ids = [plate.id for draft in drafts for plate in draft.unit.plates]
        found = read_plates(self._reader, self._enumerations, ids)
        for draft in drafts:
            for plate in draft.unit.plates:
                if plate.id in found:
                    add_plate(draft, found[plate.id], self._screens.get(plate, {}))

    def _small(self, drafts: Sequence[UnitDraft]) -> list[UnitDraft]:
        """Return the units that can be completed before they are asked for."""
        ids = _image_ids(drafts)
        rois, planes = count_rois(self._reader, ids), count_planes(self._reader, ids)
        small = []
        budget = _READ_AHEAD
        for draft in drafts:
            count = sum(rois.get(one, 0) for one in draft.image_ids)
            draft.paged = need_pages(count)
            draft.with_rois = [one for one in draft.image_ids if rois.get(one) and not draft.paged]
            size = sum(planes.get(one, 0) for one in draft.image_ids) + (0 if draft.paged else count)
            if size <= budget:
                small.append(draft)
                budget -= size
        return small

    def _complete(self, drafts: Sequence[UnitDraft]) -> None:
        ids = _image_ids(drafts)
        planes = read_planes(self._reader, ids)
        with_rois = [one for draft in drafts for one in draft.with_rois]
        rois = read_rois(self._reader, self._enumerations, with_rois)
        rendering = read_rendering(self._reader, self._enumerations, ids)
        for draft in drafts:
            for image in draft.unit.images:
                one = image.ref.id
                draft.add_planes(one, planes)
                draft.add_rois(one, rois.pop(one, ()))
                if one in rendering:
                    users = _owner_first(rendering[one], image.owner)
                    draft.rendering[image.ref.lsid(self._host)] = users
        add_members(self._reader, drafts, ids, with_rois)
        annotated = self._annotations.annotate([_annotatable(draft) for draft in drafts])
        identifiers = self._identifiers.read([draft.document for draft in drafts], _anchors(drafts))
        for draft, found in zip(drafts, annotated, strict=True):
            self._seal(draft, found, identifiers)

    def _seal(
        self, draft: UnitDraft, annotations: AnnotationExtras, identifiers: Mapping[str, Identifier]
    ) -> None:
        outside = [draft.unit.ref.lsid(self._host), *(one.id for one in draft.objects)]
        draft.extras = Extras(
            annotations=annotations,
            complete=True,
            fields=draft.fields,
            objects=tuple(draft.objects),
            shapes=draft.shapes,
            folders=draft.folders,
            rendering=draft.rendering,
            sources={} if draft.paged else file_sources(draft.unit, self._rois_of, self._host),
            identifiers=identifiers_in(identifiers, draft.document, self._attached, outside),
            owners=draft.owners,
            members=tuple(draft.member_links),
        )
        draft.complete = True


def file_sources(
    unit: TransferUnit, rois_of: Mapping[int, Sequence[int]], host: str
) -> dict[str, FileSource]:
    """Return the ROIs that were made from files of a unit, by the LSIDs of these.

    Parameters
    ----------
    rois_of
        Ids of ROIs by the id of the file that they were made from.
    """
    made = ((place, int(file.key)) for place, file in enumerate(unit.files))
    return {
        ObjectRef("OriginalFile", key).lsid(host): FileSource(
            place=place, rois=tuple(ObjectRef("ROI", one).lsid(host) for one in rois_of[key])
        )
        for place, key in made
        if key in rois_of
    }


def _annotatable(draft: UnitDraft) -> Annotated:
    annotated = of_unit(draft.document, draft.unit)
    outside = [ref for one in draft.objects if (ref := parse_ref(one.id)) is not None]
    everything = [*annotated.without_element, *outside]
    return replace(annotated, anchors=_anchors([draft]), without_element=everything, places=draft.places)


def _anchors(drafts: Iterable[UnitDraft]) -> Anchors:
    """Return the ids by which is looked for what belongs to the documents: ROIs in pages do not."""
    drafts = list(drafts)
    anchors = anchors_of([], [draft.unit for draft in drafts])
    anchors[IMAGES_OF_ROIS] = {one for draft in drafts if not draft.paged for one in draft.image_ids}
    return anchors


def _owner_first(users: Iterable[tuple[int, UserRendering]], owner: int | None) -> tuple[UserRendering, ...]:
    told = [replace(user, owner=number == owner) for number, user in users]
    return tuple(sorted(told, key=lambda user: not user.owner))


def _image_ids(drafts: Iterable[UnitDraft]) -> list[int]:
    return [one for draft in drafts for one in draft.image_ids]
