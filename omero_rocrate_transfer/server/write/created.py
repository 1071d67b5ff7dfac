"""What a run left on a server, found by its marks, and taken back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from omero.sys import ParametersI

from omero_rocrate_transfer.model.contents import TransferUnit
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.session.commands import delete, delete_all
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.marks import (
    ENTITY,
    MARKED,
    RUN_FACT,
    UNIT_FACT,
    without_source,
)
from omero_rocrate_transfer.server.session.queries import Reader

_MARKS: Final = (
    "select o.id, e.lsid, o.details.group.id from {type} o join o.details.externalInfo e"
    " where e.entityType = :entity and e.uuid = :run order by o.id"
)
_JOBS: Final = (
    "select j.id from UploadJob j join j.versionInfo v"
    " where v.name = :entity and v.value = :run order by j.id"
)
_UNIT_OF: Final = (
    "select j.id, v.value from UploadJob j join j.versionInfo v where j.id in (:ids)"
    " and v.name = '{fact}' order by j.id"
)
_FILESETS: Final = "select l.parent.id from FilesetJobLink l where l.child.id in (:ids) order by l.parent.id"
_IMPORTS: Final = (
    "select l.parent.id, l.child.id, l.parent.details.group.id from FilesetJobLink l"
    " where l.child.id in (:ids) order by l.parent.id, l.child.id"
)
_IN_USE: Final = "select f.id from FileAnnotation a join a.file f where f.id in (:ids) order by f.id"
_THERE: Final = "select o.id from {type} o where o.id in (:ids) order by o.id"
#: What other people may have put into a container since.
_MEMBERS: Final = {
    "Project": ("select l.parent.id from ProjectDatasetLink l where l.parent.id in (:ids) order by l.id",),
    "Dataset": ("select l.parent.id from DatasetImageLink l where l.parent.id in (:ids) order by l.id",),
    "Screen": ("select l.parent.id from ScreenPlateLink l where l.parent.id in (:ids) order by l.id",),
    "Folder": (
        "select l.parent.id from FolderImageLink l where l.parent.id in (:ids) order by l.id",
        "select l.parent.id from FolderRoiLink l where l.parent.id in (:ids) order by l.id",
    ),
}
_SUBFOLDERS: Final = (
    "select f.id, f.parentFolder.id from Folder f where f.parentFolder.id in (:ids) order by f.id"
)
#: ROIs in folders stay when their image is deleted (seen on OMERO.server). Those of other users are theirs.
_ROIS_IN_FOLDERS: Final = (
    "select distinct r.id, i.id from FolderRoiLink l join l.child r join r.image i"
    " where i.id in (:ids) and r.details.owner.id = i.details.owner.id order by r.id"
)
#: Children before what holds them, so that a container is empty when its turn comes.
_OF_UNITS: Final = ("Fileset", "Plate", "Image")
_ALONE: Final = ("Annotation", "OriginalFile")
#: Classes of annotations that there are objects of.
_ANNOTATIONS: Final = tuple(
    f"{kind}Annotation"
    for kind in (
        "Boolean",
        "Comment",
        "Double",
        "File",
        "List",
        "Long",
        "Map",
        "Tag",
        "Term",
        "Timestamp",
        "Xml",
    )
)
_CONTAINERS: Final = ("Dataset", "Project", "Screen", "Folder")


@dataclass(slots=True)
class Traces:
    """Objects that carry the mark of one run."""

    #: With the LSID of their source, where that was written on them; all annotations are "Annotation".
    found: dict[ObjectRef, str | None] = field(default_factory=dict)
    #: Units of the filesets, like ``Fileset:5``.
    units: dict[ObjectRef, str] = field(default_factory=dict)
    #: Ids of the groups that they are in.
    groups: dict[ObjectRef, int] = field(default_factory=dict)
    #: Annotations with their classes, by the LSID of their source.
    annotations: dict[str, ObjectRef] = field(default_factory=dict)
    #: Folders, by the LSID of their source.
    folders: dict[str, ObjectRef] = field(default_factory=dict)

    def of_type(self, *types: str) -> list[ObjectRef]:
        """Return those of some types."""
        return [ref for ref in self.found if ref.type in types]


def find_traces(connection: Connection, run_id: str) -> Traces:
    """Return what carries the mark of a run."""
    traces = Traces()
    for type_name in (*(one for one in MARKED if one != "Annotation"), *_ANNOTATIONS):
        for number, mark, group in _rows(connection, _MARKS.format(type=type_name), ENTITY, run_id):
            ref = ObjectRef(type_name, int(str(number)))
            lsid = None if mark is None else without_source(str(mark))
            if type_name in _ANNOTATIONS:
                traces.annotations[str(lsid)] = ref
                ref = ObjectRef("Annotation", ref.id)
            elif type_name == "Folder" and lsid is not None:
                traces.folders[str(lsid)] = ref
            traces.found[ref] = lsid
            traces.groups[ref] = int(str(group))
    _add_filesets(connection, run_id, traces)
    return traces


def _add_filesets(connection: Connection, run_id: str, traces: Traces) -> None:
    """Add the filesets of a run, which are marked by the jobs that imported them."""
    reader, doing = Reader(connection), "Looking for filesets of the run"
    jobs = [int(str(row[0])) for row in _rows(connection, _JOBS, RUN_FACT, run_id)]
    units: dict[int, str] = dict(reader.rows(_UNIT_OF.format(fact=UNIT_FACT), jobs, doing=doing))
    for fileset, job, group in reader.rows(_IMPORTS, jobs, doing=doing):
        ref = ObjectRef("Fileset", fileset)
        traces.found[ref] = None
        traces.groups[ref] = group
        traces.units[ref] = units.get(job, "")


def find_unit_traces(connection: Connection, unit: TransferUnit, host: str) -> list[ObjectRef]:
    """Return what the run of the connection left of one unit.

    Parameters
    ----------
    host
        Of the source, as in its LSIDs.
    """
    run_id, reader = connection.run_id, Reader(connection)
    refs = {unit.ref, *unit.plates, *(image.ref for image in unit.images)}
    lsids = {ref.lsid(host) for ref in refs}
    found = [ref for ref, lsid in find_traces(connection, run_id).found.items() if lsid in lsids]
    jobs = [int(str(row[0])) for row in _rows(connection, _JOBS, RUN_FACT, run_id)]
    doing, names = f"Looking for what is left of {unit.ref}", {str(ref) for ref in refs}
    told = reader.rows(_UNIT_OF.format(fact=UNIT_FACT), jobs, doing=doing)
    of_unit = [job for job, name in told if name in names]
    filesets = reader.rows(_FILESETS, of_unit, doing=doing)
    return found + [ObjectRef("Fileset", fileset) for (fileset,) in filesets]


def with_rois_in_folders(
    connection: Connection, units: Mapping[str, Sequence[int]], group: int
) -> dict[str, Sequence[int]]:
    """Return filesets, plates and images with those of their ROIs that the server would keep."""
    images = delete_all(connection, units, group, dry_run=True).get("Image", ())
    reader, doing = Reader(connection), "Looking for ROIs in folders"
    rois = {roi for roi, _ in reader.rows(_ROIS_IN_FOLDERS, sorted(images), doing=doing)}
    return {**units, "Roi": sorted(rois)}


def remove(
    connection: Connection, refs: Collection[ObjectRef], group: int, *, keep_shared: bool = False
) -> list[ObjectRef]:
    """Delete objects, but no container that somebody else put something into.

    Parameters
    ----------
    keep_shared
        Whether tags, terms and attachments that were put on the objects since stay.

    Returns
    -------
    list of ObjectRef
        Containers that were kept.
    """
    # plates and images lead to filesets: only all of them at once leave none half deleted
    units = _by_type(_still_there(connection, refs, _OF_UNITS))
    together = with_rois_in_folders(connection, units, group)
    delete_all(connection, together, group, keep_shared=keep_shared)
    for type_name in _ALONE:
        alone = [ref.id for ref in _still_there(connection, refs, (type_name,))]
        delete(connection, type_name, alone, group, keep_shared=keep_shared)
    kept = []
    for type_name in _CONTAINERS:
        ids = [ref.id for ref in refs if ref.type == type_name]
        full = _full(connection, type_name, ids)
        kept += [ObjectRef(type_name, number) for number in sorted(full)]
        empty = [number for number in ids if number not in full]
        delete(connection, type_name, empty, group, keep_shared=keep_shared)
    return kept


def _full(connection: Connection, type_name: str, ids: Collection[int]) -> set[int]:
    """Return the containers that hold what does not go with them."""
    reader, doing = Reader(connection), f"Looking into {type_name}s"
    full = {row[0] for hql in _MEMBERS[type_name] for row in reader.rows(hql, ids, doing=doing)}
    if type_name == "Folder":
        children = list(reader.rows(_SUBFOLDERS, ids, doing=doing))
        staying = {child for child, _ in children if child not in ids} | full
        while more := {parent for child, parent in children if child in staying and parent not in full}:
            full |= more
            staying |= more
    return full


def _still_there(
    connection: Connection, refs: Iterable[ObjectRef], types: tuple[str, ...]
) -> list[ObjectRef]:
    """Return what was not deleted with something else; files that annotations hold stay with these."""
    reader = Reader(connection)
    found = []
    for type_name in types:
        ids = [ref.id for ref in refs if ref.type == type_name]
        hql = _THERE.format(type=type_name)
        doing = f"Looking for {type_name}s"
        there = {row[0] for row in reader.rows(hql, ids, doing=doing)}
        if type_name == "OriginalFile":
            there -= {row[0] for row in reader.rows(_IN_USE, there, doing=doing)}
        found += [ObjectRef(type_name, number) for number in sorted(there)]
    return found


def _by_type(refs: Iterable[ObjectRef]) -> dict[str, list[int]]:
    ids: dict[str, list[int]] = {}
    for ref in refs:
        ids.setdefault(ref.type, []).append(ref.id)
    return ids


def _rows(connection: Connection, hql: str, entity: str, run_id: str) -> list[list[object]]:
    parameters = ParametersI().addString("entity", entity).addString("run", run_id)
    with server_errors("Looking for what the run created"):
        rows = connection.query.projection(hql, parameters, connection.context())
    return [[None if value is None else value.val for value in row] for row in rows]
