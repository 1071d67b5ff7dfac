"""Screens, reagents and folders on the target, before any unit; what is in folders comes with its unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ome_types import OME, model

from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.extras import Extras
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.elements import values_of
from omero_rocrate_transfer.server.mapping.fields import Values, read, reference
from omero_rocrate_transfer.server.read.documents.containers import FOLDER, REAGENT, SCREEN
from omero_rocrate_transfer.server.session.marks import remember_source
from omero_rocrate_transfer.server.session.owners import Owners
from omero_rocrate_transfer.server.session.people import Account
from omero_rocrate_transfer.server.write.restore.target import Target, frozen
from omero_rocrate_transfer.server.write.target_ids import TargetIds

_SCREENS: Final = "select s from Screen s where s.id in (:ids)"
_REAGENTS: Final = "select r from Reagent r where r.screen.id in (:ids)"


class ContainerRestorer:
    """Restores what containers hold besides their members.

    Parameters
    ----------
    ids
        Knows the screens; gets reagents and folders.
    """

    def __init__(self, owners: Owners, group: int, ids: TargetIds) -> None:
        self._owners = owners
        self._group = group
        self._ids = ids

    def restore(self, document: Document, owner_of: Mapping[str, Account | None]) -> None:
        """Restore screens, reagents and folders.

        Parameters
        ----------
        owner_of
            Who owns the screens, by their LSIDs.
        """
        for owner, mine in self._screens(document.ome, owner_of).items():
            self._restore_screens(self._target(owner), mine, document.extras)
        self._restore_folders(document.ome.folders, document.extras)

    def find_again(self, document: Document, owner_of: Mapping[str, Account | None]) -> None:
        """Find what an earlier process of the run restored; folders are found by their marks."""
        for owner, mine in self._screens(document.ome, owner_of).items():
            if any(one.reagents for one in mine.values()):
                self._restore_reagents(self._target(owner), mine, document.extras)

    def _screens(
        self, document: OME, owner_of: Mapping[str, Account | None]
    ) -> dict[Account | None, dict[int, model.Screen]]:
        """Return the screens by their owners and ids."""
        screens: dict[Account | None, dict[int, model.Screen]] = {}
        for one in document.screens:
            if (made := self._ids.get(one.id)) is not None:
                screens.setdefault(owner_of.get(one.id), {})[made.id] = one
        return screens

    def _target(self, owner: Account | None) -> Target:
        return Target(self._owners.hand(owner), self._group)

    def _restore_screens(self, target: Target, screens: Mapping[int, model.Screen], extras: Extras) -> None:
        wanted = {
            number: values
            for number, one in screens.items()
            if (values := values_of(one, SCREEN, extras.fields.get(one.id)))
        }
        target.change(_SCREENS, wanted, SCREEN, doing="Restoring screens")
        if any(one.reagents for one in screens.values()):
            self._restore_reagents(target, screens, extras)

    def _restore_reagents(self, target: Target, screens: Mapping[int, model.Screen], extras: Extras) -> None:
        """Make reagents, but not those that a screen that was merged into has already."""
        there = _reagents_there(target, screens)
        new: list[tuple[str, int, Values]] = []
        for number, screen in screens.items():
            for one in screen.reagents:
                values = values_of(one, REAGENT, extras.fields.get(one.id))
                same = there.get((number, frozen(values)))
                if same:
                    self._ids.add({one.id: ObjectRef("Reagent", same.pop(0))})
                else:
                    new.append((one.id, number, values))
        assigner = target.assigner()
        graphs = []
        for _, number, values in new:
            reagent = assigner.new(REAGENT, values)
            reagent.setScreen(reference(ObjectRef("Screen", number)))
            graphs.append(reagent)
        ids = [one for batch in target.insert(iter(graphs), doing="Restoring reagents") for one in batch]
        self._ids.add({lsid: ObjectRef("Reagent", one) for (lsid, _, _), one in zip(new, ids, strict=True)})

    def _restore_folders(self, folders: Sequence[model.Folder], extras: Extras) -> None:
        """Make folders level by level, those at the top first."""
        by_id = {folder.id: folder for folder in folders}
        parent = {ref.id: folder.id for folder in folders for ref in folder.folder_refs}
        values = {lsid: values_of(one, FOLDER, extras.fields.get(lsid)) for lsid, one in by_id.items()}
        level = [lsid for lsid in by_id if lsid not in parent]
        while level:
            mine: dict[Account | None, list[str]] = {}
            for lsid in level:
                mine.setdefault(self._owners.account(extras.owners.get(lsid)), []).append(lsid)
            for owner, lsids in mine.items():
                self._make_folders(self._target(owner), lsids, values, parent)
            level = [ref.id for lsid in level for ref in by_id[lsid].folder_refs if ref.id in by_id]

    def _make_folders(
        self, target: Target, lsids: Sequence[str], values: Mapping[str, Values], parent: Mapping[str, str]
    ) -> None:
        assigner = target.assigner()
        new = [assigner.new(FOLDER, values[lsid]) for lsid in lsids]
        for lsid, folder in zip(lsids, new, strict=True):
            remember_source(folder, lsid)
            if (above := self._ids.get(parent.get(lsid, ""))) is not None:
                folder.setParentFolder(reference(above))
        ids = [one for batch in target.insert(iter(new), doing="Restoring folders") for one in batch]
        self._ids.add({lsid: ObjectRef("Folder", one) for lsid, one in zip(lsids, ids, strict=True)})


def _reagents_there(target: Target, screens: Iterable[int]) -> dict[tuple[int, Any], list[int]]:
    found: dict[tuple[int, Any], list[int]] = {}
    for reagent in target.reader.objects(_REAGENTS, screens, doing="Reading reagents"):
        values = read(reagent, REAGENT, target.enumerations)
        found.setdefault((reagent.screen.id.val, frozen(values)), []).append(reagent.id.val)
    return found
