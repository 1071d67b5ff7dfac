"""Annotations of many documents at once: links, then annotations, then annotations on these."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ome_types import OME, model

from omero_rocrate_transfer.model.annotations import AnnotationChoice
from omero_rocrate_transfer.model.contents import Contents, TransferUnit
from omero_rocrate_transfer.model.document import structured_annotations
from omero_rocrate_transfer.model.extras import AnnotationExtras, AnnotationFacts, AnnotationLink, Place
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.annotation_elements import (
    annotation_element,
    class_of,
    iter_annotatable,
    iter_annotation_elements,
)
from omero_rocrate_transfer.server.mapping.annotation_kinds import BY_OMERO
from omero_rocrate_transfer.server.mapping.times import iso_utc
from omero_rocrate_transfer.server.read.annotations.links import Link, LinkReader
from omero_rocrate_transfer.server.read.annotations.plan import AttachmentLinks, anchors_of
from omero_rocrate_transfer.server.session.queries import Reader

# The file is of one subclass only; such a path on the superclass is what OMERO's own gateway asks for
# (omero-py AnnotatableWrapper._loadAnnotationLinks).
_ANNOTATIONS: Final = (
    "select a from Annotation a join fetch a.details.owner join fetch a.details.creationEvent"
    " left outer join fetch a.file f left outer join fetch f.hasher where a.id in (:ids)"
)
_TAG: Final = "TagAnnotation"
_NO_PLACES: Final[Mapping[str, Place]] = {}


@dataclass(frozen=True, slots=True)
class Annotated:
    """A document whose objects may have annotations."""

    document: OME
    #: Ids of what it is about, by `kinds.Annotatable.anchor`.
    anchors: Mapping[str, Collection[int]]
    #: Objects of it that have no element of their own, such as the fileset.
    without_element: Collection[ObjectRef] = ()
    #: Where those of its objects are that have no ids: planes and light paths.
    places: Mapping[ObjectRef, Place] = field(default_factory=dict)
    #: Its original files, in the order of the unit.
    files: Sequence[ObjectRef] = ()
    #: Ids of annotations that it holds even where nothing in it links to them.
    annotations: Collection[int] = ()


@dataclass(slots=True)
class _Found:
    """What was read for a batch of documents."""

    links: list[Link] = field(default_factory=list)
    #: From annotations to annotations.
    between: list[Link] = field(default_factory=list)
    #: Loaded, by id.
    annotations: dict[int, Any] = field(default_factory=dict)


class AnnotationReader:
    """Adds annotations to documents.

    Parameters
    ----------
    host
        Of the LSIDs.
    choice
        Which annotations travel.
    """

    def __init__(self, reader: Reader, host: str, choice: AnnotationChoice) -> None:
        self._reader = reader
        self.links = LinkReader(reader)
        self._host = host
        #: What attachments are on: the documents of their units tell it.
        self.attached: AttachmentLinks = {}
        self._choice = choice

    def annotate(self, batch: Sequence[Annotated]) -> list[AnnotationExtras]:
        """Add annotations and references to them to a batch of documents; return the extras of each."""
        found = self._read(batch)
        return [self._put(one, found) for one in batch]

    def _read(self, batch: Sequence[Annotated]) -> _Found:
        if self._choice.namespaces == ():
            return _Found()
        anchors: dict[str, set[int]] = {}
        for one in batch:
            for anchor, ids in one.anchors.items():
                anchors.setdefault(anchor, set()).update(ids)
        links = list({(link.parent.type, link.id): link for link in self.links.links(anchors)}.values())
        ids = {link.child for link in links}.union(*(one.annotations for one in batch))
        below = self._below(ids)
        above = self.links.above(ids)
        annotations = self._load(ids | {link.parent.id for link in above})
        between = {link.id: link for link in [*below, *above] if _belongs(link, ids, annotations)}
        return _Found(links, [between[one] for one in sorted(between)], annotations)

    def _below(self, ids: set[int]) -> list[Link]:
        """Return the links below annotations, all the way down; adds what they lead to."""
        found: list[Link] = []
        new = set(ids)
        while new:
            links = self.links.below(new)
            found += links
            new = {link.child for link in links} - ids
            ids |= new
        return found

    def _load(self, ids: Iterable[int]) -> dict[int, Any]:
        objects = self._reader.objects(_ANNOTATIONS, sorted(ids), doing="Reading annotations")
        return {
            one.id.val: one for one in objects if self._choice.takes(None if one.ns is None else one.ns.val)
        }

    def _put(self, one: Annotated, found: _Found) -> AnnotationExtras:
        linked = {link.parent for link in found.links}
        places = {ref.lsid(self._host): one.places[ref] for ref in sorted(linked & one.places.keys())}
        elements = dict(iter_annotatable(one.document, places))
        outside = {ref.lsid(self._host) for ref in (*one.without_element, *one.files)}
        made: dict[str, Any] = {}
        facts: dict[str, AnnotationFacts] = {}
        here = [link for link in found.links if link.child in found.annotations]
        here = [link for link in here if (lsid := self._lsid(link)) in elements or lsid in outside]
        needed = {link.child for link in here}.union(one.annotations) & found.annotations.keys()
        between = _reached(needed, found.between)
        for number in sorted(needed):
            annotation = found.annotations[number]
            element, fact = annotation_element(annotation, self._host, client_paths=self._choice.client_paths)
            made[element.id], facts[element.id] = element, fact
            getattr(structured_annotations(one.document), BY_OMERO[class_of(annotation)].list).append(element)
        self._add_people(one.document, (found.annotations[number] for number in needed))
        links = [*here, *between]
        _refer(elements | made, dict.fromkeys((self._lsid(link), self._child(link)) for link in links))
        parents = {link.parent for link in here}
        elsewhere = [link for number in one.annotations for link in self.attached.get(number, ())]
        return AnnotationExtras(
            facts=facts,
            links=tuple(map(self._extra, (*links, *elsewhere))),
            places={lsid: place for lsid, place in places.items() if lsid in elements},
            files={ref.lsid(self._host): place for place, ref in enumerate(one.files) if ref in parents},
            complete=self._choice.is_all,
        )

    def _lsid(self, link: Link) -> str:
        return link.parent.lsid(self._host)

    def _child(self, link: Link) -> str:
        return ObjectRef("Annotation", link.child).lsid(self._host)

    def _extra(self, link: Link) -> AnnotationLink:
        created = iso_utc(link.created)
        return AnnotationLink(
            parent=self._lsid(link), child=self._child(link), owner=link.owner, created=created
        )

    def _add_people(self, document: OME, annotations: Iterable[Any]) -> None:
        known = {person.id for person in document.experimenters}
        for annotation in annotations:
            owner = annotation.details.owner
            lsid = ObjectRef("Experimenter", owner.id.val).lsid(self._host)
            if lsid not in known:
                known.add(lsid)
                document.experimenters.append(
                    model.Experimenter(
                        id=lsid,
                        user_name=owner.omeName.val,
                        first_name=owner.firstName.val,
                        last_name=owner.lastName.val,
                    )
                )


def _belongs(link: Link, ids: Collection[int], annotations: Mapping[int, Any]) -> bool:
    """Tell whether both ends travel: of what is above only tag sets do, and only with their tags."""
    parent, child = annotations.get(link.parent.id), annotations.get(link.child)
    if parent is None or child is None or link.child not in ids:
        return False
    return link.parent.id in ids or class_of(parent) == class_of(child) == _TAG


def _reached(needed: set[int], between: Iterable[Link]) -> list[Link]:
    """Return the links among annotations that belong to the needed ones; adds what these lead to."""
    links = list(between)
    by_parent: dict[int, list[Link]] = {}
    for link in links:
        by_parent.setdefault(link.parent.id, []).append(link)
    queue = sorted(needed)
    while queue:
        for link in by_parent.get(queue.pop(), ()):
            if link.child not in needed:
                needed.add(link.child)
                queue.append(link.child)
    sets = {link.parent.id for link in links if link.child in needed and link.parent.id not in needed}
    needed |= sets
    return [link for link in links if link.child in needed and link.parent.id in needed]


def _refer(elements: Mapping[str, Any], links: Iterable[tuple[str, str]]) -> None:
    """Add references; objects without an element have their links in the extras only."""
    for parent, child in links:
        if parent in elements:
            elements[parent].annotation_refs.append(model.AnnotationRef(id=child))


def of_unit(document: OME, unit: TransferUnit) -> Annotated:
    """Return the document of a unit, with what may be annotated in it."""
    files = [ObjectRef("OriginalFile", int(file.key)) for file in unit.files]
    anchors = anchors_of([], [unit])
    if unit.ref.type != "Annotation":
        return Annotated(document, anchors, [unit.ref], files=files)
    return Annotated(document, anchors, files=files, annotations=[unit.ref.id])


def of_containers(document: OME, contents: Contents) -> Annotated:
    """Return the document of the containers, with what may be annotated in it; plates are in others."""
    containers = [one for one in contents.containers if one.ref.type != "Plate"]
    return Annotated(document, anchors_of(containers, []))


def iter_links(document: OME, places: Mapping[str, Place] = _NO_PLACES) -> Iterator[tuple[str, str]]:
    """Yield the LSIDs of object and annotation of every reference in a document; see `iter_annotatable`."""
    told = ((one.id, one) for one in iter_annotation_elements(document))
    for lsid, element in (*iter_annotatable(document, places), *told):
        for ref in element.annotation_refs:
            yield lsid, ref.id
