"""Screens with their reagents, and trees of folders, added to the document of the containers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ome_types import model

from omero_rocrate_transfer.model.extras import MemberLink
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.fields import Spec, one, read
from omero_rocrate_transfer.server.read.documents.builder import Draft
from omero_rocrate_transfer.server.session.enumerations import Enumerations
from omero_rocrate_transfer.server.session.queries import Reader

_SCREENS: Final = "select s from Screen s left outer join fetch s.reagents where s.id in (:ids)"
_IN_FOLDERS: Final = (
    "select l.parent.id, l.child.id, l.details.owner.omeName, l.id from FolderImageLink l"
    " where l.child.id in (:ids) order by l.id"
)
_ROIS_IN_FOLDERS: Final = (
    "select l.parent.id, l.child.id, l.details.owner.omeName, l.id from FolderRoiLink l"
    " where l.child.image.id in (:ids) order by l.id"
)
_THESE_ROIS_IN_FOLDERS: Final = (
    "select l.parent.id, l.child.id, l.details.owner.omeName, l.id from FolderRoiLink l"
    " where l.child.id in (:ids) order by l.id"
)
_FOLDER_IDS: Final = (
    "select distinct l.parent.id from FolderRoiLink l where l.child.image.id in (:ids) order by l.parent.id"
)
_FOLDERS: Final = (
    "select f.id, f.name, f.description, f.parentFolder.id, f.details.owner.omeName from Folder f"
    " where f.id in (:ids) order by f.id"
)

SCREEN: Final = Spec(
    "Screen",
    model.Screen,
    (
        one("type", "text"),
        one("protocolIdentifier", "text"),
        one("protocolDescription", "text"),
        one("reagentSetIdentifier", "text"),
        one("reagentSetDescription", "text"),
    ),
)
REAGENT: Final = Spec(
    "Reagent",
    model.Reagent,
    (one("name", "text"), one("description", "text"), one("reagentIdentifier", "text")),
)
FOLDER: Final = Spec("Folder", model.Folder, (one("name", "text", required=True), one("description", "text")))

#: Name, description, id of the parent, login of the owner.
Folder = tuple[str, str | None, int | None, str]
#: Logins of those who put something into folders, by the ids of these, by what it is, like ``"ROI:5"``.
Held = dict[str, dict[int, list[str]]]


def fill_screens(draft: Draft, reader: Reader, enumerations: Enumerations, ids: Iterable[int]) -> None:
    """Set the fields and reagents of the screens in a document."""
    elements = {screen.id: screen for screen in draft.document.screens}
    for screen in reader.objects(_SCREENS, ids, doing="Reading screens"):
        ref = ObjectRef("Screen", screen.id.val)
        element = elements[ref.lsid(draft.host)]
        for name, value in draft.arguments(SCREEN, ref, read(screen, SCREEN, enumerations)).items():
            setattr(element, name, value)
        reagents = [reagent for reagent in screen.copyReagents() if reagent is not None]
        for reagent in sorted(reagents, key=lambda each: each.id.val):
            own = ObjectRef("Reagent", reagent.id.val)
            arguments = draft.arguments(REAGENT, own, read(reagent, REAGENT, enumerations))
            element.reagents.append(model.Reagent(id=own.lsid(draft.host), **arguments))


def find_folders(reader: Reader, images: Iterable[int]) -> dict[int, Folder]:
    """Return the folders that hold images or their ROIs, and all folders above them, by their ids."""
    numbers = list(images)
    wanted = {row[0] for row in reader.rows(_IN_FOLDERS, numbers, doing="Reading folders")}
    wanted |= {row[0] for row in reader.rows(_FOLDER_IDS, numbers, doing="Reading folders")}
    found: dict[int, Folder] = {}
    while wanted:
        found |= _read_folders(reader, wanted)
        wanted = {parent for _, _, parent, _ in found.values() if parent is not None} - found.keys()
    return dict(sorted(found.items()))


def add_folders(draft: Draft, folders: Mapping[int, Folder]) -> None:
    """Add folders to a document, without the images and ROIs they hold."""
    elements = {number: _element(draft, number, folder) for number, folder in folders.items()}
    for number, (_, _, parent, owner) in folders.items():
        draft.owners[elements[number].id] = owner
        if parent in elements:
            elements[parent].folder_refs.append(model.FolderRef(id=elements[number].id))
    draft.document.folders.extend(elements.values())


def add_members(
    reader: Reader, drafts: Sequence[Draft], images: Sequence[int], with_rois: Sequence[int]
) -> None:
    """Add to documents those folders that hold something of them, with only this in them.

    Parameters
    ----------
    images
        Ids of the images of all documents.
    with_rois
        Those of them whose ROIs are in the documents.
    """
    asked = (("Image", _IN_FOLDERS, images), ("ROI", _ROIS_IN_FOLDERS, with_rois))
    _add_held(reader, drafts, asked)


def add_roi_members(reader: Reader, draft: Draft, rois: Iterable[int]) -> None:
    """Add to a document those folders that hold some of its ROIs, with only these in them."""
    _add_held(reader, [draft], [("ROI", _THESE_ROIS_IN_FOLDERS, rois)])


def _add_held(
    reader: Reader, drafts: Sequence[Draft], asked: Iterable[tuple[str, str, Iterable[int]]]
) -> None:
    held: Held = {}
    for word, hql, ids in asked:
        for folder, child, owner, _ in reader.rows(hql, ids, doing="Reading folders"):
            held.setdefault(f"{word}:{child}", {}).setdefault(folder, []).append(owner)
    folders = _read_folders(reader, {number for numbers in held.values() for number in numbers})
    for draft in drafts if held else ():
        _add_members(draft, folders, held)


def _add_members(draft: Draft, folders: Mapping[int, Folder], held: Held) -> None:
    elements: dict[int, model.Folder] = {}
    outside: dict[str, list[str]] = {}
    rois = {roi.id for roi in draft.document.rois}
    for ref in draft.members():
        for number, owners in held.get(str(ref), {}).items():
            if number not in elements:
                elements[number] = _element(draft, number, folders[number])
            folder, lsid = elements[number], ref.lsid(draft.host)
            if owners != [draft.owner]:
                draft.member_links += [MemberLink(parent=folder.id, child=lsid, owner=one) for one in owners]
            if ref.type == "Image":
                folder.image_refs.append(model.ImageRef(id=lsid))
            elif lsid in rois:
                folder.roi_refs.append(model.ROIRef(id=lsid))
            else:
                outside.setdefault(folder.id, []).append(lsid)
    draft.document.folders.extend(elements.values())
    draft.folders = {folder: tuple(lsids) for folder, lsids in outside.items()}


def _read_folders(reader: Reader, ids: Iterable[int]) -> dict[int, Folder]:
    rows = reader.rows(_FOLDERS, sorted(ids), doing="Reading folders")
    return {number: (name, text, parent, owner) for number, name, text, parent, owner in rows}


def _element(draft: Draft, number: int, folder: Folder) -> model.Folder:
    name, description, *_ = folder
    ref = ObjectRef("Folder", number)
    values = {"name": name} if description is None else {"name": name, "description": description}
    return model.Folder(id=ref.lsid(draft.host), **draft.arguments(FOLDER, ref, values))
