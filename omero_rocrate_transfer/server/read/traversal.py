"""From the objects asked for down to their images, by the links between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.session.queries import Reader

_LINKED: Final = (
    "select l.parent.id, l.child.id, l.details.owner.id, c.details.owner.id from {link} l join l.child c"
    " where l.parent.id in (:ids) order by l.parent.id, l.child.id, l.id"
)
_IN_WELLS: Final = (
    "select w.plate.id, ws.image.id, 0, 0 from WellSample ws join ws.well w where w.plate.id in (:ids)"
    " order by w.plate.id, w.row, w.column, ws.id"
)
#: Parent, child and the query of their ids, from the top down. A link never leaves the group of its ends, so
#: what is linked is readable (omero-server GroupSecurityViolation).
_LINKS: Final = (
    ("Project", "Dataset", _LINKED.format(link="ProjectDatasetLink")),
    ("Dataset", "Image", _LINKED.format(link="DatasetImageLink")),
    ("Screen", "Plate", _LINKED.format(link="ScreenPlateLink")),
    ("Plate", "Image", _IN_WELLS),
)
CONTAINER_TYPES: Final = ("Project", "Dataset", "Screen", "Plate")
ALL_TYPES: Final = (*CONTAINER_TYPES, "Image")


@dataclass(slots=True)
class Walk:
    """Everything the roots lead to, in the order in which it was met."""

    #: Ids by type; dictionaries for their order.
    ids: dict[str, dict[int, None]] = field(default_factory=lambda: {name: {} for name in ALL_TYPES})
    members: dict[ObjectRef, list[ObjectRef]] = field(default_factory=dict)
    #: Ids of all who linked two objects, of which any does not own the second.
    linkers: dict[tuple[ObjectRef, ObjectRef], list[int]] = field(default_factory=dict)

    def add(self, ref: ObjectRef) -> None:
        """Take an object in, once."""
        self.ids[ref.type][ref.id] = None


def walk_down(reader: Reader, roots: Sequence[ObjectRef]) -> Walk:
    """Follow the links from the roots; without roots, take all there is."""
    walk = Walk()
    for ref in roots or _everything(reader):
        walk.add(ref)
    for parent_type, child_type, hql in _LINKS:
        parents = walk.ids[parent_type]
        _follow(walk, reader, hql, parent_type, child_type, list(parents))
    return walk


def add_plates(walk: Walk, reader: Reader, plates: Sequence[int]) -> None:
    """Take in plates that were met from below, through the filesets of their images."""
    new = [plate for plate in plates if plate not in walk.ids["Plate"]]
    for plate in new:
        walk.add(ObjectRef("Plate", plate))
    parent_type, child_type, hql = _LINKS[-1]
    _follow(walk, reader, hql, parent_type, child_type, new)


def _follow(
    walk: Walk, reader: Reader, hql: str, parent_type: str, child_type: str, parents: Sequence[int]
) -> None:
    linked: dict[ObjectRef, dict[ObjectRef, None]] = {}
    for ends, links in groupby(
        reader.rows(hql, parents, doing=f"Reading what is in {parent_type}s"), key=lambda row: row[:2]
    ):
        above, below = ObjectRef(parent_type, ends[0]), ObjectRef(child_type, ends[1])
        linked.setdefault(above, {})[below] = None
        people = [(linker, owner) for *_, linker, owner in links]
        if any(linker != owner for linker, owner in people):
            walk.linkers[above, below] = [linker for linker, _ in people]
    for parent in parents:
        children = list(linked.get(ObjectRef(parent_type, parent), ()))
        walk.members[ObjectRef(parent_type, parent)] = children
        for child in children:
            walk.add(child)


def _everything(reader: Reader) -> list[ObjectRef]:
    return [ObjectRef(name, one) for name in ALL_TYPES for one in reader.all_ids(name)]
