"""Links from objects to annotations, read in batches of the objects they hang on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final

from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.annotation_kinds import ANNOTATABLE, FREQUENT, Annotatable
from omero_rocrate_transfer.server.session.queries import Reader

_LINKS: Final = (
    "select l.id, l.parent.id, l.child.id, l.details.owner.omeName, l.details.creationEvent.time"
    " from {type}AnnotationLink l join l.child a where {where} order by l.id"
)
_FILES_ONLY: Final = " and a.class = FileAnnotation"
_CHILDREN: Final = "select distinct l.child.id from {type}AnnotationLink l where {where} order by l.child.id"
_COUNT: Final = "select count(l.id) from {type}AnnotationLink l join l.child a where {where}"
_NOT_OF: Final = " and (a.ns is null or a.ns not in ({namespaces}))"


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it stands in the database."""

    id: int
    #: Type as in LSIDs.
    parent: ObjectRef
    #: Id of the annotation.
    child: int
    #: Login.
    owner: str
    #: Milliseconds.
    created: int


class LinkReader:
    """Reads links; asks once which rare kinds of links the server has at all."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._there: dict[str, bool] = {}
        self._lock = Lock()

    def links(self, anchors: Mapping[str, Collection[int]]) -> Iterator[Link]:
        """Yield the links of everything that belongs to the anchors, in the order of each kind.

        Parameters
        ----------
        anchors
            Ids by `Annotatable.anchor`.
        """
        yield from self._read(anchors, "")

    def file_links(self, anchors: Mapping[str, Collection[int]]) -> Iterator[Link]:
        """Yield those of the `links` that lead to FileAnnotations."""
        yield from self._read(anchors, _FILES_ONLY)

    def annotation_ids(self, anchors: Mapping[str, Collection[int]]) -> set[int]:
        """Return the ids of annotations that `links` leads to; none where no annotation has any on it."""
        if not self._has("Annotation"):
            return set()
        found: set[int] = set()
        for kind, ids in self._asked(anchors):
            hql = _CHILDREN.format(type=kind.type, where=kind.where)
            found.update(row[0] for row in self._reader.rows(hql, ids, doing="Reading annotations"))
        return found

    def count_links(self, anchors: Mapping[str, Collection[int]], but: Collection[str]) -> int:
        """Return the number of links that `links` would yield, but for annotations of some namespaces."""
        quoted = ", ".join("'" + namespace.replace("'", "''") + "'" for namespace in but)
        more = _NOT_OF.format(namespaces=quoted) if but else ""
        return sum(
            self._reader.count(
                _COUNT.format(type=kind.type, where=kind.where) + more,
                ids,
                doing=f"Counting annotations on {kind.type}s",
            )
            for kind, ids in self._asked(anchors)
        )

    def below(self, annotations: Collection[int]) -> list[Link]:
        """Return the links from these annotations to annotations on them."""
        return self._between(annotations, "l.parent.id in (:ids)")

    def above(self, annotations: Collection[int]) -> list[Link]:
        """Return the links to these annotations from annotations that they are on, such as tag sets."""
        return self._between(annotations, "l.child.id in (:ids)")

    def _read(self, anchors: Mapping[str, Collection[int]], more: str) -> Iterator[Link]:
        for kind, ids in self._asked(anchors):
            hql = _LINKS.format(type=kind.type, where=kind.where + more)
            for row in self._reader.rows(hql, ids, doing=f"Reading annotations on {kind.type}s"):
                yield _link(kind.word, row)

    def _between(self, annotations: Collection[int], where: str) -> list[Link]:
        if not annotations or not self._has("Annotation"):
            return []
        hql = _LINKS.format(type="Annotation", where=where)
        rows = self._reader.rows(hql, sorted(annotations), doing="Reading annotations on annotations")
        return [_link("Annotation", row) for row in rows]

    def _asked(self, anchors: Mapping[str, Collection[int]]) -> Iterator[tuple[Annotatable, Collection[int]]]:
        """Yield the kinds that may have links, with the ids to look for."""
        for kind in ANNOTATABLE:
            ids = anchors.get(kind.anchor, ())
            if ids and self._has(kind.type):
                yield kind, ids

    def _has(self, type_name: str) -> bool:
        if type_name in FREQUENT:
            return True
        with self._lock:
            if not self._there:
                rare = sorted({kind.type for kind in ANNOTATABLE} - FREQUENT | {"Annotation"})
                counts = self._reader.counts([f"{name}AnnotationLink" for name in rare])
                self._there = {name: count > 0 for name, count in zip(rare, counts, strict=True)}
            return self._there[type_name]


def _link(word: str, row: tuple[int, int, int, str, int]) -> Link:
    number, parent, child, owner, created = row
    return Link(number, ObjectRef(word, parent), child, owner, created)
