"""Saves on a server: containers, links, names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import omero.model
from omero.rtypes import rstring
from omero.sys import ParametersI

from omero_rocrate_transfer.server.session.collisions import repeat
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.marks import remember_source
from omero_rocrate_transfer.server.session.queries import OBJECTS_PER_SAVE, batches, by_ids, find_objects
from omero_rocrate_transfer.transfer.faultpoints import faultpoint

_LINK_TYPES: Final = {
    ("Project", "Dataset"): "ProjectDatasetLink",
    ("Dataset", "Image"): "DatasetImageLink",
    ("Screen", "Plate"): "ScreenPlateLink",
}


class Writer:
    """Saves in one group, as the user of the connection; safe in several threads.

    Parameters
    ----------
    for_each_owner
        Whether links count as there only where they belong to that user; OMERO allows one for each owner.
    """

    def __init__(self, connection: Connection, group: int, *, for_each_owner: bool = False) -> None:
        self._connection = connection
        self._of_owner = f" and l.details.owner.id = {connection.user_id}" if for_each_owner else ""
        self._context = connection.context(group)

    def create(
        self, type_name: str, named: Sequence[tuple[str, str | None]], lsids: Sequence[str] = ()
    ) -> list[int]:
        """Create containers from names and descriptions; return their ids in that order.

        Parameters
        ----------
        lsids
            Of their sources, to be remembered; none for containers that no source has.
        """
        new = [_container(type_name, name, description) for name, description in named]
        for one, lsid in zip(new, lsids, strict=False):
            remember_source(one, lsid)
        ids = self._insert(new, f"Creating {type_name}s")
        faultpoint("server:container-created")
        return ids

    def link(self, parent_type: str, child_type: str, pairs: Sequence[tuple[int, int]]) -> None:
        """Link children into parents, both by id; pairs that are linked already are passed over."""
        link_type = _LINK_TYPES[parent_type, child_type]
        doing = f"Linking {child_type}s into {parent_type}s"

        def link_missing() -> None:
            wanted = dict.fromkeys(pairs)
            for existing in self._existing(link_type, wanted, doing):
                wanted.pop(existing, None)
            self._insert([_link(link_type, *pair) for pair in wanted], doing)

        repeat(link_missing, self._connection.retry, constraints=None)

    def rename(self, type_name: str, wanted: Mapping[int, tuple[str, str | None]]) -> None:
        """Set names and descriptions of Images or Plates, by id."""
        doing = f"Naming {type_name}s"
        hql = by_ids(type_name)
        for ids in batches(wanted, OBJECTS_PER_SAVE):
            # Fresh, for the optimistic lock; with no collection loaded, so that none is touched.
            parameters = ParametersI().addIds(ids)
            objects = find_objects(self._connection, hql, parameters, self._context, doing=doing)
            for one in objects:
                name, description = wanted[one.id.val]
                one.setName(rstring(name))
                one.setDescription(None if description is None else rstring(description))
            with server_errors(doing):
                self._connection.update.saveArray(objects, self._context)

    def _existing(
        self, link_type: str, pairs: Iterable[tuple[int, int]], doing: str
    ) -> list[tuple[int, int]]:
        hql = (
            f"select l.parent.id, l.child.id from {link_type} l"  # noqa: S608 -- a class of OMERO
            f" where l.parent.id in (:parents) and l.child.id in (:children){self._of_owner} order by l.id"
        )
        found = []
        for batch in batches(pairs, OBJECTS_PER_SAVE):
            parameters = ParametersI().addLongs("parents", sorted({parent for parent, _ in batch}))
            parameters.addLongs("children", sorted({child for _, child in batch}))
            with server_errors(doing):
                rows = self._connection.query.projection(hql, parameters, self._context)
            found += [(parent.val, child.val) for parent, child in rows]
        return found

    def _insert(self, objects: Sequence[Any], doing: str) -> list[int]:
        ids: list[int] = []
        for batch in batches(objects, OBJECTS_PER_SAVE):
            with server_errors(doing):
                ids += self._connection.update.saveAndReturnIds(batch, self._context)
        return ids


def _container(type_name: str, name: str, description: str | None) -> Any:
    new = getattr(omero.model, f"{type_name}I")()
    new.setName(rstring(name))
    new.setDescription(None if description is None else rstring(description))
    return new


def _link(link_type: str, parent: int, child: int) -> Any:
    parent_type, child_type = next(ends for ends, name in _LINK_TYPES.items() if name == link_type)
    new = getattr(omero.model, f"{link_type}I")()
    new.setParent(getattr(omero.model, f"{parent_type}I")(parent, False))  # noqa: FBT003 -- a reference
    new.setChild(getattr(omero.model, f"{child_type}I")(child, False))  # noqa: FBT003 -- a reference
    return new
