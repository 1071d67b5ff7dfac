"""What is in folders, put there by whoever put it there on the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import omero.model

from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.fields import reference
from omero_rocrate_transfer.server.session.people import Account
from omero_rocrate_transfer.server.write.ownership import MemberAccounts
from omero_rocrate_transfer.server.write.restore.target import Target
from omero_rocrate_transfer.server.write.target_ids import TargetIds

_LINKS: Final = (
    "select l.parent.id, l.child.id from {type} l where l.child.id in (:ids) and l.details.owner.id = {owner}"
    " order by l.id"
)
_NOT_THERE: Final = "the folder or what is in it did not come to the target"

#: Ids of folder and child, by the class of the child.
Members = Mapping[str, Sequence[tuple[int, int]]]


def find_members(
    target: Target,
    document: Document,
    ids: TargetIds,
    links: MemberAccounts,
    owner: Account | None,
) -> dict[Account | None, dict[str, list[tuple[int, int]]]]:
    """Return who puts which images and ROIs of a unit into the folders that its document names.

    Parameters
    ----------
    owner
        Who puts those of which nothing is said.
    """
    found: dict[Account | None, dict[str, list[tuple[int, int]]]] = {}
    for folder in document.ome.folders:
        made = ids.get(folder.id)
        images = [ref.id for ref in folder.image_refs]
        rois = [*(ref.id for ref in folder.roi_refs), *document.extras.folders.get(folder.id, ())]
        for kind, lsids in (("Image", images), ("Roi", rois)):
            for lsid in lsids:
                child = ids.get(lsid)
                if made is None or child is None:
                    target.lose(f"Folder{kind}Link", _NOT_THERE)
                    continue
                for account in links.of(folder.id, lsid, owner):
                    pairs = found.setdefault(account, {}).setdefault(kind, [])
                    pairs.append((made.id, child.id))
    return found


def link_members(target: Target, members: Members) -> None:
    """Put images and ROIs into folders, unless the same user did so before."""
    for kind, wanted in members.items():
        name = f"Folder{kind}Link"
        hql = _LINKS.format(type=name, owner=target.connection.user_id)
        there = set(target.reader.rows(hql, [child for _, child in wanted], doing="Reading folders"))
        new = (_new_link(name, kind, *pair) for pair in dict.fromkeys(wanted) if pair not in there)
        for _ in target.insert(new, doing="Putting into folders"):
            pass


def _new_link(name: str, kind: str, parent: int, child: int) -> Any:
    link = getattr(omero.model, f"{name}I")()
    link.setParent(reference(ObjectRef("Folder", parent)))
    link.setChild(reference(ObjectRef(kind, child)))
    return link
