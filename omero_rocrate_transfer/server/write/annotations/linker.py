"""Links annotations to what they are on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.annotation_objects import new_link
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.owners import Owners
from omero_rocrate_transfer.server.write.annotations.attached import Losses
from omero_rocrate_transfer.server.write.annotations.existing import batches, link_type, links_there
from omero_rocrate_transfer.server.write.annotations.owners import OwnedPair, by_account
from omero_rocrate_transfer.server.write.annotations.present import ref_of
from omero_rocrate_transfer.server.write.target_ids import TargetIds

#: Types of which one object may be in several documents: a link from it is made by whoever comes first.
_SHARED: Final = frozenset(
    ("Annotation", "Instrument", "Detector", "Objective", "LightSource", "Filter", "Dichroic", "OriginalFile")
)
_NO_PARENT: Final = "what it is on is not on the target"
_DOING: Final = "Linking annotations"


class AnnotationLinker:
    """Links annotations for those who linked them on the source; safe in several threads.

    Parameters
    ----------
    ids
        What became of annotations and of everything else.
    again
        Whether shared things may be linked already, by an earlier process or before the run.
    """

    def __init__(self, owners: Owners, group: int, ids: TargetIds, *, again: bool) -> None:
        self._owners = owners
        self._group = group
        self._ids = ids
        self._again = again

    def link(self, links: Iterable[OwnedPair], there: Iterable[OwnedPair], losses: Losses) -> None:
        """Make links.

        Parameters
        ----------
        there
            Links that were found on the target.
        losses
            Counts those that cannot be made.
        """
        made = by_account(there)
        for account, pairs in by_account(links).items():
            hand = self._owners.hand(account)
            own: dict[tuple[ObjectRef, ObjectRef], Any] = {}
            shared: dict[str, tuple[str, ObjectRef, ObjectRef]] = {}
            # Channels that share a light path on the target need not share it on the source.
            linked = {
                (self._ids.get(parent), self._ids.get(child)) for parent, child in made.get(account, ())
            }
            for parent, child in pairs:
                source, target, annotation = ref_of(parent), self._ids.get(parent), self._ids.get(child)
                word = "Object" if source is None else source.type
                if target is None or annotation is None:
                    losses[link_type(word), _NO_PARENT] += 1
                elif word in _SHARED:
                    shared[f"{parent} {child} {hand.user}"] = word, target, annotation
                elif (target, annotation) not in linked:
                    own[target, annotation] = new_link(link_type(word), target, annotation)
            insert(hand, self._group, list(own.values()), doing=_DOING)
            self._link_shared(hand, shared)

    def _link_shared(self, hand: Connection, shared: Mapping[str, tuple[str, ObjectRef, ObjectRef]]) -> None:
        """Link what is in several documents, in the first of these."""

        def create(keys: Sequence[str]) -> dict[str, ObjectRef]:
            wanted = {key: shared[key] for key in keys}
            there = links_there(hand, self._group, wanted.values()) if self._again else set()
            new = [link for link in wanted.values() if (link[0], link[1].id, link[2].id) not in there]
            insert(hand, self._group, [new_link(link_type(word), *ends) for word, *ends in new], doing=_DOING)
            # Only that they are there matters, not which ids they have.
            return {key: annotation for key, (_, _, annotation) in wanted.items()}

        self._ids.create_once(list(shared), create)


def insert(hand: Connection, group: int, objects: Sequence[Any], *, doing: str) -> list[int]:
    """Insert new objects in batches; return their ids."""
    ids: list[int] = []
    for batch in batches(objects):
        with server_errors(doing):
            ids += hand.update.saveAndReturnIds(batch, hand.context(group))
    return ids
