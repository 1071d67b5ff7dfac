"""Which of the links of a document are on the target already: by an import, or from an earlier run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid
from omero_rocrate_transfer.server.mapping.annotation_elements import iter_annotatable
from omero_rocrate_transfer.server.mapping.annotation_objects import SourceAnnotation
from omero_rocrate_transfer.server.session.owners import Owners
from omero_rocrate_transfer.server.session.people import Account
from omero_rocrate_transfer.server.write.annotations.existing import read_existing
from omero_rocrate_transfer.server.write.annotations.found import Found, ImportedAnnotations
from omero_rocrate_transfer.server.write.annotations.owners import (
    AnnotationOwners,
    OwnedPair,
    Pair,
    by_account,
)
from omero_rocrate_transfer.server.write.target_ids import TargetIds

#: What an import annotates: there it is known what it made.
_IMPORTED: Final = frozenset(
    ("Image", "Plate", "Well", "PlateAcquisition", "Channel", "ROI", "Shape", "Plane", "LightPath")
)

#: Annotations of a document, by LSID.
Known = Mapping[str, SourceAnnotation]


class PresentLinks:
    """Finds links to annotations of who made the links.

    Parameters
    ----------
    ids
        What became of everything; gets the annotations that are found.
    """

    def __init__(self, owners: Owners, group: int, ids: TargetIds) -> None:
        self._owners = owners
        self._group = group
        self._ids = ids

    def of_import(
        self,
        document: Document,
        known: Known,
        belongs: AnnotationOwners,
        links: Collection[OwnedPair],
        new: Collection[str],
        imported: ImportedAnnotations,
    ) -> set[OwnedPair]:
        """Return the links that an import made, which makes everything for the owner of the unit.

        Parameters
        ----------
        new
            LSIDs of what is not looked at.
        imported
            Gets what was found.
        """
        elements = {
            lsid for lsid, _ in iter_annotatable(document.ome, document.extras.annotations.places)
        }.difference(new)
        own = _to_own(links, belongs).get(belongs.owner, ())
        found = self._find(known, [pair for pair in own if pair[0] not in new], belongs.owner, elements)
        if document.extras.annotations.complete:
            imported.add(found.imported)
        return {(*pair, belongs.owner) for pair in found.pairs}

    def of_anybody(
        self, known: Known, belongs: AnnotationOwners, links: Collection[OwnedPair]
    ) -> set[OwnedPair]:
        """Return the links that exist, whoever made them."""
        there: set[OwnedPair] = set()
        for account, wanted in _to_own(links, belongs).items():
            there |= {(*pair, account) for pair in self._find(known, wanted, account).pairs}
        return there

    def _find(
        self, known: Known, pairs: Collection[Pair], account: Account | None, imported: Iterable[str] = ()
    ) -> Found:
        """Return those links of somebody that exist, and annotations that only an import can have made."""
        found = Found(self._ids, known, pairs)
        fresh = set(imported)
        for word, objects in self._by_type({parent for parent, _ in pairs} | fresh).items():
            for one in read_existing(self._owners.hand(account), word, objects):
                found.take(objects[one.parent.id], one, imported=bool(fresh) and word in _IMPORTED)
        return found

    def _by_type(self, parents: Iterable[str]) -> dict[str, dict[int, str]]:
        """Return LSIDs by type and by id on the target, of what is there."""
        found: dict[str, dict[int, str]] = {}
        for parent in sorted(parents):
            ref, source = self._ids.get(parent), ref_of(parent)
            if ref is not None and source is not None:
                found.setdefault(source.type, {})[ref.id] = parent
        return found


def ref_of(lsid: str) -> ObjectRef | None:
    """Return what an LSID names on its source, None where it is none."""
    found = parse_lsid(lsid)
    return None if found is None else found[1]


def _to_own(links: Iterable[OwnedPair], belongs: AnnotationOwners) -> dict[Account | None, list[Pair]]:
    """Return the links to annotations of whoever made the links, by account."""
    return by_account(link for link in links if belongs.of(link[1]) == link[2])
