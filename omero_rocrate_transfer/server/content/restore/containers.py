"""Screens, reagents and folders on the target, before any unit; what is in folders comes with its unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import omero.model
from ome_types import OME, model

from omero_rocrate_transfer.model.extras import Extras
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.content.containers import FOLDER, REAGENT, SCREEN
from omero_rocrate_transfer.server.content.elements import values_of
from omero_rocrate_transfer.server.content.fields import Values, read, reference
from omero_rocrate_transfer.server.content.restore.target import Target, frozen
from omero_rocrate_transfer.server.session import Connection
from omero_rocrate_transfer.server.target_ids import TargetIds

_SCREENS: Final = "select s from Screen s where s.id in (:ids)"
_REAGENTS: Final = "select r from Reagent r where r.screen.id in (:ids)"
_LINKS: Final = "select l.parent.id, l.child.id from {type} l where l.child.id in (:ids) order by l.id"
_NOT_THERE: Final = "the folder or what is in it did not come to the target"


class ContainerRestorer:
    """Restores what containers hold besides their members.

    Parameters
    ----------
    ids
        Knows the screens; gets reagents and folders.
    """

    def __init__(self, connection: Connection, group: int, ids: TargetIds) -> None:
        self._target = Target(connection, group)
        self._ids = ids

    def restore(self, document: OME, extras: Extras) -> None:
        """Restore screens, reagents and folders."""
        screens = {made.id: one for one in document.screens if (made := self._ids.get(one.id)) is not None}
        wanted = {
            number: values
            for number, one in screens.items()
            if (values := values_of(one, SCREEN, extras.fields.get(one.id)))
        }
        self._target.change(_SCREENS, wanted, SCREEN, doing="Restoring screens")
        if any(one.reagents for one in screens.values()):
            self._restore_reagents(screens, extras)
        self._restore_folders(document.folders, extras)

    def _restore_reagents(self, screens: Mapping[int, model.Screen], extras: Extras) -> None:
        """Make reagents, but not those that a screen that was merged into has already."""
        there = self._reagents_there(screens)
        new: list[tuple[str, int, Values]] = []
        for number, screen in screens.items():
            for one in screen.reagents:
                values = values_of(one, REAGENT, extras.fields.get(one.id))
                same = there.get((number, frozen(values)))
                if same:
                    self._ids.add({one.id: ObjectRef("Reagent", same.pop(0))})
                else:
                    new.append((one.id, number, values))
        assigner = self._target.assigner()
        graphs = []
        for _, number, values in new:
            reagent = assigner.new(REAGENT, values)
            reagent.setScreen(reference(ObjectRef("Screen", number)))
            graphs.append(reagent)
        ids = [
            one for batch in self._target.insert(iter(graphs), doing="Restoring reagents") for one in batch
        ]
        self._ids.add({lsid: ObjectRef("Reagent", one) for (lsid, _, _), one in zip(new, ids, strict=True)})

    def _reagents_there(self, screens: Iterable[int]) -> dict[tuple[int, Any], list[int]]:
        found: dict[tuple[int, Any], list[int]] = {}
        for reagent in self._target.reader.objects(_REAGENTS, screens, doing="Reading reagents"):
            values = read(reagent, REAGENT, self._target.enumerations)
            found.setdefault((reagent.screen.id.val, frozen(values)), []).append(reagent.id.val)
        return found

    def _restore_folders(self, folders: Sequence[model.Folder], extras: Extras) -> None:
        """Make folders level by level, those at the top first."""
        by_id = {folder.id: folder for folder in folders}
        parent = {ref.id: folder.id for folder in folders for ref in folder.folder_refs}
        values = {lsid: values_of(one, FOLDER, extras.fields.get(lsid)) for lsid, one in by_id.items()}
        assigner = self._target.assigner()
        level = [lsid for lsid in by_id if lsid not in parent]
        while level:
            new = [assigner.new(FOLDER, values[lsid]) for lsid in level]
            for lsid, folder in zip(level, new, strict=True):
                if (above := self._ids.get(parent.get(lsid, ""))) is not None:
                    folder.setParentFolder(reference(above))
            ids = [
                one for batch in self._target.insert(iter(new), doing="Restoring folders") for one in batch
            ]
            self._ids.add({lsid: ObjectRef("Folder", one) for lsid, one in zip(level, ids, strict=True)})
            level = [ref.id for lsid in level for ref in by_id[lsid].folder_refs if ref.id in by_id]


def restore_members(target: Target, document: OME, extras: Extras, ids: TargetIds) -> None:
    """Put the images and ROIs of a unit into the folders that its document and extras name."""
    pairs: dict[str, list[tuple[int, int]]] = {"Image": [], "Roi": []}
    for folder in document.folders:
        made = ids.get(folder.id)
        images = [ref.id for ref in folder.image_refs]
        rois = [*(ref.id for ref in folder.roi_refs), *extras.folders.get(folder.id, ())]
        for kind, lsids in (("Image", images), ("Roi", rois)):
            children = [ids.get(lsid) for lsid in lsids]
            lost = len(children) if made is None else children.count(None)
            target.lose(f"Folder{kind}Link", _NOT_THERE, lost)
            if made is not None:
                pairs[kind] += [(made.id, child.id) for child in children if child is not None]
    for kind, wanted in pairs.items():
        _link(target, kind, wanted)


def _link(target: Target, kind: str, wanted: Sequence[tuple[int, int]]) -> None:
    name = f"Folder{kind}Link"
    children = [child for _, child in wanted]
    there = set(target.reader.rows(_LINKS.format(type=name), children, doing="Reading folders"))
    new = (_new_link(name, kind, *pair) for pair in dict.fromkeys(wanted) if pair not in there)
    for _ in target.insert(new, doing="Putting into folders"):
        pass


def _new_link(name: str, kind: str, parent: int, child: int) -> Any:
    link = getattr(omero.model, f"{name}I")()
    link.setParent(reference(ObjectRef("Folder", parent)))
    link.setChild(reference(ObjectRef(kind, child)))
    return link
