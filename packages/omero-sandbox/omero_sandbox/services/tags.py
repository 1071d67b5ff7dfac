"""Tags, tag sets and what they are on, for IMetadata (omero-server MetadataImpl)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import omero
import omero.clients

from omero_sandbox.hql.reader import Reader
from omero_sandbox.services.options import Options

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call

_NAMESPACE = "openmicroscopy.org/omero/insight/tagset"
_TAGGED = ("Image", "Dataset", "Project", "Screen", "Plate")
_CONTAINERS = ("Project", "Screen")

_CONTENT = (
    "select o from {name} o left outer join fetch o.annotationLinksCountPerOwner "
    "left outer join fetch o.annotationLinks l left outer join fetch l.child c "
    "left outer join fetch l.parent p "
    "left outer join fetch c.details.owner left outer join fetch p.details.owner {more} where c.id = :id"
)
_PIXELS = "left outer join fetch o.pixels x left outer join fetch x.pixelsType"
_SETS = (
    "select t from TagAnnotation t left outer join fetch t.annotationLinks l "
    "left outer join fetch l.parent p left outer join fetch l.child c "
    "left outer join fetch c.details.owner left outer join fetch p.details.owner "
    "left outer join fetch t.details.owner where t.ns = :ns and (l is null or c member of TagAnnotation)"
)
_ORPHANS = (
    "select t from TagAnnotation t where (t.ns is null or t.ns != :ns) and t.id not in "
    "(select l.child.id from AnnotationAnnotationLink l where l.parent.class = TagAnnotation "
    "and l.parent.ns = :ns {owner})"
)


def content(call: Call, containers: Any, tag: int, options: Any) -> list[Any]:
    """Build the objects with a tag; projects and screens come with their hierarchy but no images."""
    reader = Reader(call)
    found = []
    for name in _TAGGED:
        objects = reader.objects(_CONTENT.format(name=name, more=_PIXELS if name == "Image" else ""), id=tag)
        ids = [each.id.val for each in objects]
        if name in _CONTAINERS and ids:
            objects = containers.loadContainerHierarchy(call, name, ids, _roots_only(options))
        found += objects
    return found


def _roots_only(options: Any) -> Any:
    only = omero.sys.ParametersI()
    only.theFilter = None if options is None else options.theFilter
    return only.noLeaves().noOrphan()


def count(reader: Reader, tag: int) -> int:
    """Count the objects with a tag."""
    text = "select count(distinct l.parent.id) from {name}AnnotationLink l where l.child.id = :id"
    return sum(reader.rows(text.format(name=name), id=tag)[0][0] for name in _TAGGED)


def tag_sets(reader: Reader, options: Options) -> list[Any]:
    """Build the tag sets with their tags and, if asked for, the tags in none of these."""
    owned = options.owner is not None
    values: dict[str, Any] = {"ns": _NAMESPACE} | ({"user": options.owner} if owned else {})
    sets = reader.objects(_SETS + (" and t.details.owner.id = :user" if owned else ""), **values)
    if not options.orphans:
        return sets
    text = _ORPHANS.format(owner="and l.parent.details.owner.id = :user" if owned else "")
    return sets + reader.objects(text + (" and t.details.owner.id = :user" if owned else ""), **values)
