"""Reads the identifiers that other systems gave to objects (``ExternalInfo``).

What a run creates itself carries its mark there (`marks`), which is not one of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from ome_types import OME

from omero_rocrate_transfer.model.contents import Contents, Omission
from omero_rocrate_transfer.model.extras import Identifier
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.annotation_elements import (
    iter_annotatable,
    iter_annotation_elements,
)
from omero_rocrate_transfer.server.mapping.annotation_kinds import ANNOTATABLE, Annotatable
from omero_rocrate_transfer.server.mapping.conversions import parse_ref
from omero_rocrate_transfer.server.session.marks import ENTITY
from omero_rocrate_transfer.server.session.queries import Reader

_KINDS: Final = (*ANNOTATABLE, Annotatable("Annotation", "Annotation", "Annotation"))
_FOREIGN: Final = f"x.details.externalInfo.entityType <> '{ENTITY}'"
_READ: Final = (
    "select x.id, e.entityType, e.entityId, e.lsid, e.uuid from {type} x join x.details.externalInfo e"
    " where {where} and e.entityType <> '{mark}' order by x.id"
)
_COUNT: Final = "select count(x.id) from {type} x where {where} and {foreign}"
#: Documents have no ids for these, or do not know all of them.
_NOT_READ: Final = frozenset(("PlaneInfo", "LightPath", "OriginalFile"))
_NO_PLACE: Final = "identifiers of files, planes and light paths are not carried"


class IdentifierReader:
    """Reads identifiers; asks once which classes of a server have any."""

    def __init__(self, reader: Reader, host: str) -> None:
        self._reader = reader
        self._host = host
        self._there: frozenset[str] | None = None

    def read(self, documents: Iterable[OME], anchors: Mapping[str, Collection[int]]) -> dict[str, Identifier]:
        """Return the identifiers of everything that belongs to the anchors, by LSID.

        Parameters
        ----------
        documents
            Their annotations have some, too.
        """
        found: dict[str, Identifier] = {}
        if not self._classes():
            return found
        annotations = (parse_ref(one.id) for each in documents for one in iter_annotation_elements(each))
        anchors = {**anchors, "Annotation": {ref.id for ref in annotations if ref is not None}}
        for kind in self._kinds(anchors):
            if kind.type in _NOT_READ:
                continue
            hql = _READ.format(type=kind.type, where=_where(kind), mark=ENTITY)
            rows = self._reader.rows(hql, anchors[kind.anchor], doing="Reading external identifiers")
            for number, *identifier in rows:
                found[ObjectRef(kind.word, number).lsid(self._host)] = Identifier(*identifier)
        return found

    def iter_omissions(self, anchors: Mapping[str, Collection[int]]) -> Iterator[Omission]:
        """Count those that `read` leaves out."""
        count = 0
        for kind in self._kinds(anchors):
            if kind.type in _NOT_READ:
                hql = _COUNT.format(type=kind.type, where=_where(kind), foreign=_FOREIGN)
                count += self._reader.count(hql, anchors[kind.anchor], doing="Counting external identifiers")
        if count:
            yield Omission(type="ExternalInfo", count=count, reason=_NO_PLACE)

    def _kinds(self, anchors: Mapping[str, Collection[int]]) -> Iterator[Annotatable]:
        for kind in _KINDS:
            if anchors.get(kind.anchor) and kind.type in self._classes():
                yield kind

    def _classes(self) -> frozenset[str]:
        """Return the classes of which some object has one."""
        if self._there is None:
            names = list(dict.fromkeys(kind.type for kind in _KINDS))
            asked = [f"{name} {{x}} where {_FOREIGN.replace('x.', '{x}.', 1)}" for name in names]
            counts = self._reader.counts(asked)
            self._there = frozenset(name for name, count in zip(names, counts, strict=True) if count)
        return self._there


def _where(kind: Annotatable) -> str:
    """Return the condition on the object itself, instead of on a link from it."""
    return kind.where.replace("l.parent.", "x.")


def attached_annotations(contents: Contents) -> frozenset[str]:
    """Return the LSIDs of the annotations that are units of their own."""
    units = (unit.ref for unit in contents.units if unit.ref.type == "Annotation")
    return frozenset(ref.lsid(contents.source.host) for ref in units)


def identifiers_in(
    found: Mapping[str, Identifier], document: OME, attached: Collection[str], more: Iterable[str] = ()
) -> dict[str, Identifier]:
    """Return the identifiers of what is in a document, or else belongs to it.

    Parameters
    ----------
    attached
        Annotations that have a document of their own.
    """
    if not found:
        return {}
    annotations = (one.id for one in iter_annotation_elements(document) if one.id not in attached)
    every = dict.fromkeys((*more, *(lsid for lsid, _ in iter_annotatable(document, {})), *annotations))
    return {lsid: found[lsid] for lsid in every if lsid in found}
