"""What others added to objects of a run: it must not go when the run deletes these to make them again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from omero_rocrate_transfer.model.errors import RefusedError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.annotation_kinds import ANNOTATABLE
from omero_rocrate_transfer.server.session.commands import delete_all
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.queries import Reader
from omero_rocrate_transfer.server.write.created import Traces

#: Deleted as wholes, with what belongs to them.
_WHOLES: Final = ("Fileset", "Plate", "Image", "Annotation", "Dataset", "Project", "Screen", "Folder")
_ANNOTATED: Final = (*dict.fromkeys(one.type for one in ANNOTATABLE), "Annotation")
_SHAPES: Final = ("Ellipse", "Label", "Line", "Mask", "Path", "Point", "Polygon", "Polyline", "Rectangle")
#: What people add, by classes as the answers of deletions name them: class to ask for, what it was added to.
_ADDED: Final[Mapping[str, tuple[str, str, str]]] = {
    "Roi": ("Roi", "Image", "o.image.id"),
    **dict.fromkeys(_SHAPES, ("Shape", "Image", "o.roi.image.id")),
    "RenderingDef": ("RenderingDef", "Image", "o.pixels.image.id"),
    "ProjectDatasetLink": ("ProjectDatasetLink", "Dataset", "o.child.id"),
    "DatasetImageLink": ("DatasetImageLink", "Image", "o.child.id"),
    "ScreenPlateLink": ("ScreenPlateLink", "Plate", "o.child.id"),
    "FolderImageLink": ("FolderImageLink", "Image", "o.child.id"),
    "FolderRoiLink": ("FolderRoiLink", "Roi", "o.child.id"),
    **{f"{one}AnnotationLink": (f"{one}AnnotationLink", one, "o.parent.id") for one in _ANNOTATED},
}
_SESSIONS: Final = (
    "select o.id, o.details.creationEvent.session.id from {type} o where o.id in (:ids) order by o.id"
)
_ORIGINS: Final = (
    "select o.id, o.details.creationEvent.session.id, {to} from {type} o where o.id in (:ids) order by o.id"
)
_DOING: Final = "Looking for what others added"


def refuse_additions(
    connection: Connection,
    refs: Collection[ObjectRef],
    group: int,
    traces: Traces,
    sessions: Collection[int],
) -> None:
    """Raise if others added anything to objects that are to be deleted; nothing is changed.

    Whatever a session created that also created objects of the run counts as the run's own.

    Parameters
    ----------
    traces
        Everything that the run left.
    sessions
        Ids of the sessions of the run that are known, from its journal.

    Raises
    ------
    RefusedError
    """
    wholes = [ref for ref in refs if ref.type in _WHOLES]
    if not wholes:
        return
    # the server itself knows best what would go with them
    gone = delete_all(connection, _by_type(wholes), group, dry_run=True)
    reader = Reader(connection)
    own = {*sessions, *_sessions_of(reader, traces)}
    found = next(_additions(reader, gone, own), None)
    if found is not None:
        added, to = found
        raise RefusedError(
            f"{to} was left half done by this run, and somebody added {added} to it since.",
            hint="To let the run make it again, take that away first; or take the run back.",
        )


def _additions(
    reader: Reader, gone: Mapping[str, Collection[int]], own: Collection[int]
) -> Iterator[tuple[ObjectRef, ObjectRef]]:
    """Yield what others created, with the object that they added it to."""
    for name, (type_name, parent, path) in _ADDED.items():
        hql = _ORIGINS.format(type=type_name, to=path)
        for number, session, to in reader.rows(hql, sorted(gone.get(name, ())), doing=_DOING):
            if session not in own:
                yield ObjectRef(name, number), ObjectRef(parent, to)


def _sessions_of(reader: Reader, traces: Traces) -> Iterator[int]:
    """Yield the sessions that created what carries the mark of the run."""
    for type_name, ids in _by_type(traces.found).items():
        hql = _SESSIONS.format(type=type_name)
        yield from (session for _, session in reader.rows(hql, ids, doing=_DOING))


def _by_type(refs: Collection[ObjectRef]) -> dict[str, list[int]]:
    ids: dict[str, list[int]] = {}
    for ref in refs:
        ids.setdefault(ref.type, []).append(ref.id)
    return ids
