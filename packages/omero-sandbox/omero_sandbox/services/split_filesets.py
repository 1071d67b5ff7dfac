"""Which filesets a selection of objects would split (omero-server PojosImpl.getImagesBySplitFilesets)."""

from __future__ import annotations

from omero_sandbox.db.schema import resolve
from omero_sandbox.hql.reader import Reader

_DOWN: list[tuple[str, str, str]] = [
    ("Project", "Dataset", "select l.child.id from ProjectDatasetLink l where l.parent.id in (:ids)"),
    ("Dataset", "Image", "select l.child.id from DatasetImageLink l where l.parent.id in (:ids)"),
    ("Screen", "Plate", "select l.child.id from ScreenPlateLink l where l.parent.id in (:ids)"),
    ("Plate", "Well", "select w.id from Well w where w.plate.id in (:ids)"),
    ("Well", "Image", "select ws.image.id from WellSample ws where ws.well.id in (:ids)"),
    ("Fileset", "Image", "select i.id from Image i where i.fileset.id in (:ids)"),
    ("Folder", "Image", "select l.child.id from FolderImageLink l where l.parent.id in (:ids)"),
]
_SUBFOLDERS = "select f.id from Folder f where f.parentFolder.id in (:ids)"
_FILESETS = "select distinct i.fileset.id from Image i where i.id in (:ids) and i.fileset is not null"
_IMAGES = "select i.id from Image i where i.fileset.id = :id order by i.id"


def split_filesets(reader: Reader, included: dict[str, list[int]]) -> dict[int, dict[bool, list[int]]]:
    """Find the filesets that are not included as a whole.

    Parameters
    ----------
    reader : Reader
    included : dict of str to list of int
        Ids by type.

    Returns
    -------
    dict
        By fileset id: ids of the images that are included (True) and of those left out (False).
    """
    ids: dict[str, set[int]] = {}
    for name, members in included.items():
        ids.setdefault(resolve(name).name, set()).update(members)
    _add_subfolders(reader, ids)
    for above, below, text in _DOWN:
        ids.setdefault(below, set()).update(_look_up(reader, text, ids.get(above, set())))
    images = ids.get("Image", set())
    wanted = _look_up(reader, _FILESETS, images) - ids.get("Fileset", set())
    split = {}
    for fileset in sorted(wanted):
        members = [row[0] for row in reader.rows(_IMAGES, id=fileset)]
        outside = [member for member in members if member not in images]
        if outside:
            split[fileset] = {True: [member for member in members if member in images], False: outside}
    return split


def _add_subfolders(reader: Reader, ids: dict[str, set[int]]) -> None:
    folders = ids.setdefault("Folder", set())
    new = set(folders)
    while new:
        new = _look_up(reader, _SUBFOLDERS, new) - folders
        folders |= new


def _look_up(reader: Reader, text: str, ids: set[int]) -> set[int]:
    return {row[0] for row in reader.rows(text, ids=sorted(ids))} if ids else set()
