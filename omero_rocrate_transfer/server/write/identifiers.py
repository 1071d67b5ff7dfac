"""Restores the identifiers that other systems gave to objects (``ExternalInfo``), if their place is free.

What a run creates itself carries its mark there (`marks`), and an object has one such place only. So they
come back on what has no mark, such as imported images and ROIs; those of containers stay in the crate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import omero.model
from omero.rtypes import rlong, rstring

from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.model.extras import Identifier
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.queries import by_ids
from omero_rocrate_transfer.server.write.restore.target import Target
from omero_rocrate_transfer.server.write.target_ids import TargetIds

_TAKEN: Final = (
    "select x.id, e.entityType, e.entityId, e.lsid, e.uuid from {type} x join x.details.externalInfo e"
    " where x.id in (:ids) order by x.id"
)
#: Where a server reads the pixels of an image or mask (omero-zarr-pixel-buffer ZarrPixelsService): another
#: server would look for them there, too.
_STORAGE: Final = "com.glencoesoftware.ngff:"
_WHERE_STORED: Final = "it says where the source reads pixels, and stays in the crate"
_MARKED: Final = "its place on the target holds the mark of the run; it stays in the crate"
_NOT_THERE: Final = "what it identifies is not on the target; it stays in the crate"
_DOING: Final = "Restoring external identifiers"


def restore_identifiers(
    connection: Connection, group: int, identifiers: Mapping[str, Identifier], ids: TargetIds
) -> list[Omission]:
    """Give objects their identifiers, where they have none; return what cannot be given.

    Parameters
    ----------
    identifiers
        By LSID. Those of one object may be in several documents: the first one gives them.
    ids
        What became of the objects.
    """
    target = Target(connection, group)
    keys = {f"{lsid}#identifier": lsid for lsid in identifiers}

    def create(mine: Sequence[str]) -> dict[str, ObjectRef]:
        wanted: dict[str, dict[int, Identifier]] = defaultdict(dict)
        done: dict[str, ObjectRef] = {}
        for key in mine:
            made, identifier = ids.get(keys[key]), identifiers[keys[key]]
            if made is None or identifier.entity_type.startswith(_STORAGE):
                target.lose("ExternalInfo", _NOT_THERE if made is None else _WHERE_STORED)
            else:
                wanted[made.type][made.id] = identifier
                done[key] = made
        for type_name, by_id in wanted.items():
            _give(target, type_name, by_id)
        return done

    ids.create_once(list(keys), create)
    return target.omissions(None)


def _give(target: Target, type_name: str, wanted: Mapping[int, Identifier]) -> None:
    taken = target.reader.rows(_TAKEN.format(type=type_name), wanted, doing=_DOING)
    there = {number: Identifier(*found) for number, *found in taken}
    target.lose("ExternalInfo", _MARKED, sum(one != wanted[number] for number, one in there.items()))
    free = {number: one for number, one in wanted.items() if number not in there}

    def set_fields(one: Any) -> None:
        one.getDetails().setExternalInfo(_info(free[one.id.val]))

    target.edit(by_ids(type_name), free, set_fields, doing=_DOING)


def _info(identifier: Identifier) -> Any:
    made = omero.model.ExternalInfoI()
    made.setEntityType(rstring(identifier.entity_type))
    made.setEntityId(rlong(identifier.entity_id))
    made.setLsid(None if identifier.lsid is None else rstring(identifier.lsid))
    made.setUuid(None if identifier.uuid is None else rstring(identifier.uuid))
    return made
