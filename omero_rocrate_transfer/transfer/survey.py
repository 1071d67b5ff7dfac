"""Who owns what of a source, found out from all its documents before anything is written.

Everything in the document of a unit belongs to the owner of its first image, unless it says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from omero_rocrate_transfer.model.document import structured_annotations
from omero_rocrate_transfer.model.refs import parse_lsid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ome_types import OME

    from omero_rocrate_transfer.model.contents import Contents
    from omero_rocrate_transfer.model.document import Document
    from omero_rocrate_transfer.model.extras import AnnotationLink, MemberLink
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.transfer.document_cache import DocumentCache
    from omero_rocrate_transfer.transfer.ports import UnitReader

#: Login on the source, None where the source does not say who it was.
Login = str | None


@dataclass(slots=True)
class Survey:
    """The people of a source, by what they have there."""

    #: Owners of anything.
    owners: set[str] = field(default_factory=set)
    #: Those who have rendering settings.
    viewers: set[str] = field(default_factory=set)
    #: Owners of all that hangs together in one document, and the first object of each such group.
    together: dict[frozenset[Login], str] = field(default_factory=dict)

    def add(self, what: str, people: frozenset[Login]) -> None:
        """Take in those who own parts of one thing."""
        self.owners |= {login for login in people if login is not None}
        self.together.setdefault(people, what)


def survey(contents: Contents, source: DocumentCache) -> Survey:
    """Read every document of a source, one after the other, and return whose names are in them.

    Documents are kept for the run that follows, as far as the cache has room.
    """
    found = Survey()
    owner_of = owners_of(contents)
    document = source.read_container_document()
    _add_links(found, document, owner_of)
    for one in contents.containers:
        members = [ref for ref in one.members if ref in owner_of]
        found.add(str(one.ref), frozenset(owner_of[ref] for ref in (one.ref, *members)))
    for unit in contents.units:
        with source.open(unit) as reader:
            document = reader.document()
            pages = _add_unit(found, document, reader, owner_of)
        if pages == 0:
            source.keep(unit.ref, document)
    return found


def _add_unit(
    found: Survey, document: Document, reader: UnitReader, owner_of: Mapping[ObjectRef, Login]
) -> int:
    """Take in the document of a unit and its pages; return how many pages there are."""
    unit, pages = reader.unit, 0
    if not unit.images:
        _add_links(found, document, owner_of)
        return pages
    owners = {owner_of.get(ref) for ref in (*unit.plates, *(image.ref for image in unit.images))}
    owners.update(_named(document))
    for page in reader.pages():
        owners.update(_named(page))
        pages += 1
    found.add(str(unit.ref), frozenset(owners))
    found.viewers |= {user.login for users in document.extras.rendering.values() for user in users}
    return pages


def owners_of(contents: Contents) -> dict[ObjectRef, Login]:
    """Return the logins of the owners of images and containers, None for those nobody knows."""
    logins = {person.id: person.login for person in contents.people}
    owned = [(one.ref, one.owner) for one in contents.containers]
    owned += [(image.ref, image.owner) for image in contents.iter_images()]
    return {ref: None if owner is None else logins.get(owner) for ref, owner in owned}


def annotators(document: OME) -> dict[str, str]:
    """Return the logins of the owners of annotations, by LSID; of those that a document tells."""
    logins = {person.id: person.user_name for person in document.experimenters}
    return {
        one.id: login
        for one in _iter_annotations(document)
        if (login := logins.get(one.annotator or "")) is not None
    }


def _add_links(found: Survey, document: Document, owner_of: Mapping[ObjectRef, Login]) -> None:
    """Take in what a document without images tells: each link with what it leads to and from."""
    made_by = annotators(document.ome)
    for login in _named(document):
        found.add("an annotation or folder", frozenset((login,)))
    links: list[AnnotationLink | MemberLink] = [*document.extras.annotations.links, *document.extras.members]
    for link in links:
        ends = [parsed[1] for lsid in (link.parent, link.child) if (parsed := parse_lsid(lsid))]
        people = {owner_of[ref] for ref in ends if ref in owner_of}
        people |= {made_by[lsid] for lsid in (link.parent, link.child) if lsid in made_by}
        found.add(str(ends[0] if ends else link.parent), frozenset(people | {link.owner}))


def _named(document: Document) -> Iterator[str]:
    """Yield the logins of all who own something that a document tells the owner of, but settings."""
    extras = document.extras
    yield from annotators(document.ome).values()
    yield from (link.owner for link in extras.annotations.links if link.owner is not None)
    yield from extras.owners.values()
    yield from (link.owner for link in extras.members)


def _iter_annotations(document: OME) -> Iterator[Any]:
    annotations = structured_annotations(document)
    for name in type(annotations).model_fields:
        yield from getattr(annotations, name)
