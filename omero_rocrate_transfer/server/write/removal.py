"""What of a run can be taken back: all that is only of the run, and nothing that others use by now."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.annotation_kinds import ANNOTATABLE
from omero_rocrate_transfer.server.session.commands import delete_all
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.queries import Reader
from omero_rocrate_transfer.server.write.created import with_rois_in_folders

#: Deleted first, with all that belongs to them.
_UNITS: Final = ("Fileset", "Plate", "Image")
_HOLDS: Final = "it holds objects that this run did not create"
_LINKED: Final = "objects that this run did not create are linked to it"
_USED: Final = "an annotation that stays needs it"
#: Classes of links from containers to what is in them: class and id of the content, or of what its deletion
#: takes along.
_MEMBERS: Final = (
    ("Project", "ProjectDatasetLink", "Dataset"),
    ("Dataset", "DatasetImageLink", "Image"),
    ("Screen", "ScreenPlateLink", "Plate"),
    ("Folder", "FolderImageLink", "Image"),
    ("Folder", "FolderRoiLink", "Roi"),
)
_CONTENT: Final = (
    "select l.id, l.parent.id, l.child.id from {link} l where l.parent.id in (:ids) order by l.id"
)
_FOLDERS: Final = (
    "select f.id, f.parentFolder.id from Folder f where f.parentFolder.id in (:ids) order by f.id"
)
#: Everything else that annotations can be linked to is never of a run.
_ANNOTATED: Final = (
    *dict.fromkeys(one.type for one in ANNOTATABLE),
    "Annotation", "Experimenter", "ExperimenterGroup", "Session", "Node", "Namespace",
)  # fmt: skip
_LINKS: Final = (
    "select l.id, l.parent.id, l.child.id from {type}AnnotationLink l where l.child.id in (:ids)"
    " order by l.id"
)
_REAGENTS: Final = (
    "select l.id, l.parent.screen.id, l.child.id from ReagentAnnotationLink l where l.child.id in (:ids)"
    " order by l.id"
)
_USERS: Final = "select a.id, f.id from FileAnnotation a join a.file f where f.id in (:ids) order by a.id"


@dataclass(frozen=True, slots=True)
class Removal:
    """Objects of a run, parted by whether anything else uses them."""

    removed: tuple[ObjectRef, ...]
    #: Why each of the others stays.
    kept: dict[ObjectRef, str]


def plan_removal(connection: Connection, refs: Collection[ObjectRef], group: int) -> Removal:
    """Find out what of some objects nothing else uses; nothing is changed.

    Parameters
    ----------
    refs
        Objects of a run; all annotations are "Annotation".
    group
        That they are in.
    """
    units = {name: [ref.id for ref in refs if ref.type == name] for name in _UNITS}
    # the server itself knows best what goes with them: links, wells, ROIs ...
    targets = with_rois_in_folders(connection, units, group)
    gone = delete_all(connection, targets, group, dry_run=True)
    kept: dict[ObjectRef, str] = {}
    while True:
        going = {ref for ref in refs if ref not in kept}
        found = dict(_uses(Reader(connection), going, gone))
        if not found:
            return Removal(tuple(ref for ref in refs if ref in going), kept)
        kept |= found


def _uses(
    reader: Reader, going: Collection[ObjectRef], gone: dict[str, set[int]]
) -> Iterator[tuple[ObjectRef, str]]:
    """Yield what anything uses that neither goes nor is gone."""
    for container, parent in _contents(reader, going, gone):
        yield ObjectRef(container, parent), _HOLDS
    annotations = _ids(going, "Annotation")
    for name in _ANNOTATED:
        hql, word = (_REAGENTS, "Screen") if name == "Reagent" else (_LINKS.format(type=name), name)
        for link, parent, annotation in reader.rows(
            hql, annotations, doing="Looking for links to annotations"
        ):
            if link not in gone.get(f"{name}AnnotationLink", ()) and ObjectRef(word, parent) not in going:
                yield ObjectRef("Annotation", annotation), _LINKED
    files = _ids(going, "OriginalFile")
    for annotation, file in reader.rows(_USERS, files, doing="Looking for users of attached files"):
        is_gone = annotation in gone.get("FileAnnotation", ())
        if not is_gone and ObjectRef("Annotation", annotation) not in going:
            yield ObjectRef("OriginalFile", file), _USED


def _contents(
    reader: Reader, going: Collection[ObjectRef], gone: dict[str, set[int]]
) -> Iterator[tuple[str, int]]:
    """Yield class and id of the containers that hold what stays."""
    for container, link_class, content in _MEMBERS:
        ids, doing = _ids(going, container), f"Looking into {container}s"
        for link, parent, child in reader.rows(_CONTENT.format(link=link_class), ids, doing=doing):
            if link not in gone.get(link_class, ()) and ObjectRef(content, child) not in going:
                yield container, parent
    folders = _ids(going, "Folder")
    for child, parent in reader.rows(_FOLDERS, folders, doing="Looking into folders"):
        if ObjectRef("Folder", child) not in going:
            yield "Folder", parent


def _ids(refs: Collection[ObjectRef], type_name: str) -> list[int]:
    return sorted(ref.id for ref in refs if ref.type == type_name)
