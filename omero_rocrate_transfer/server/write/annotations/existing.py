"""Annotations that are on the target already: of its import, of an earlier run, or tags to share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from omero.rtypes import rlist, rstring
from omero.sys import ParametersI

from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.annotation_elements import class_of
from omero_rocrate_transfer.server.mapping.annotation_kinds import BY_OMERO, OMERO_TYPES
from omero_rocrate_transfer.server.mapping.annotation_objects import SourceAnnotation, value_of_object
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors

_LINKED: Final = (
    "select l from {type}AnnotationLink l join fetch l.child a where l.parent.id in (:ids)"
    " and l.details.owner.id = :owner order by l.id"
)
_TAGS: Final = (
    "select a from TagAnnotation a where a.textValue in (:values) and a.details.owner.id = :owner"
    " order by a.id"
)
#: Ids per query.
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Existing:
    """A link on the target, and what it leads to."""

    #: Type as in LSIDs.
    parent: ObjectRef
    annotation: ObjectRef
    content: tuple[Any, ...]


def link_type(word: str) -> str:
    """Return the class of the links from objects of a type, as named in LSIDs."""
    return f"{OMERO_TYPES.get(word, word)}AnnotationLink"


def read_existing(connection: Connection, group: int, word: str, ids: Collection[int]) -> Iterator[Existing]:
    """Yield the user's own links from objects of a type, the oldest first."""
    hql = _LINKED.format(type=OMERO_TYPES.get(word, word))
    for batch in batches(sorted(ids)):
        parameters = ParametersI().addIds(batch).addLong("owner", connection.user_id)
        with server_errors("Looking for annotations that are there already"):
            links = connection.query.findAllByQuery(hql, parameters, connection.context(group))
        for link in links:
            yield Existing(ObjectRef(word, link.parent.id.val), _ref(link.child), _content(link.child))


def links_there(
    connection: Connection, group: int, wanted: Iterable[tuple[str, ObjectRef, ObjectRef]]
) -> set[tuple[str, int, int]]:
    """Return type and ids of the user's links on objects; these come with their types and annotations."""
    by_type: dict[str, set[int]] = {}
    for word, target, _ in wanted:
        by_type.setdefault(word, set()).add(target.id)
    return {
        (word, one.parent.id, one.annotation.id)
        for word, ids in by_type.items()
        for one in read_existing(connection, group, word, ids)
    }


def find_tags(
    connection: Connection, group: int, wanted: Iterable[SourceAnnotation], but: Collection[int] = ()
) -> dict[str, ObjectRef]:
    """Return the user's own tags that look the same as tags of the source, the oldest each, by LSID.

    Parameters
    ----------
    but
        Ids of those that will be deleted.
    """
    tags = [one for one in wanted if one.kind.omero == "TagAnnotation" and one.value is not None]
    found: dict[tuple[Any, ...], ObjectRef] = {}
    for batch in batches(list(dict.fromkeys(str(one.value) for one in tags))):
        parameters = ParametersI().add("values", rlist([rstring(value) for value in batch]))
        parameters.addLong("owner", connection.user_id)
        with server_errors("Looking for tags to use again"):
            rows = connection.query.findAllByQuery(_TAGS, parameters, connection.context(group))
        for tag in rows:
            if tag.id.val not in but:
                found.setdefault(_content(tag), _ref(tag))
    return {one.lsid: found[one.content] for one in tags if one.content in found}


def batches(items: Sequence[Any]) -> Iterator[list[Any]]:
    """Yield the items in lists that fit into one call."""
    for start in range(0, len(items), _BATCH):
        yield list(items[start : start + _BATCH])


def _ref(annotation: Any) -> ObjectRef:
    return ObjectRef(class_of(annotation), annotation.id.val)


def _content(annotation: Any) -> tuple[Any, ...]:
    kind = BY_OMERO[class_of(annotation)]
    value = value_of_object(annotation, kind)
    texts = [None if field is None else field.val for field in _texts(annotation)]
    return kind.omero, *texts, repr(value) if isinstance(value, float) else value


def _texts(annotation: Any) -> tuple[Any, Any, Any]:
    return annotation.ns, annotation.description, annotation.name
