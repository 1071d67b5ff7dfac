"""To whom annotations and links to them belong on the target."""

from __future__ import annotations

from collections.abc import Iterable

from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.server.session.owners import Owners
from omero_rocrate_transfer.server.session.people import Account
from omero_rocrate_transfer.transfer.survey import annotators

#: LSIDs of an object and of an annotation on it.
Pair = tuple[str, str]
#: The same with whoever links them; None for whoever unpacks.
OwnedPair = tuple[str, str, Account | None]


class AnnotationOwners:
    """The owners of what one document tells; everything else belongs to the owner of the unit.

    Parameters
    ----------
    owner
        Of the unit.
    """

    def __init__(self, owners: Owners, document: Document, owner: Account | None) -> None:
        self.owner = owner
        self._annotators = {lsid: owners.account(login) for lsid, login in annotators(document.ome).items()}
        self._linkers: dict[Pair, dict[Account | None, None]] = {}
        for link in document.extras.annotations.links:
            if link.owner is not None:
                linkers = self._linkers.setdefault((link.parent, link.child), {})
                linkers[owners.account(link.owner)] = None

    def of(self, annotation: str) -> Account | None:
        """Return whose an annotation is, by its LSID."""
        return self._annotators.get(annotation, self.owner)

    def owned(self, pairs: Iterable[Pair]) -> list[OwnedPair]:
        """Return links with everybody who made them."""
        return [
            (*pair, account)
            for pair in dict.fromkeys(pairs)
            for account in self._linkers.get(pair, {self.owner: None})
        ]


def count_other_linkers(document: Document, user: str) -> int:
    """Count links of people who own neither what they are on nor what is on the target."""
    logins = {person.id: person.user_name for person in document.ome.experimenters}
    owned = (*document.ome.projects, *document.ome.datasets, *document.ome.images)
    owners = {logins.get(one.experimenter_ref.id) for one in owned if one.experimenter_ref is not None}
    return sum(
        link.owner is not None and link.owner != user and bool(owners) and link.owner not in owners
        for link in document.extras.annotations.links
    )


def by_account(pairs: Iterable[OwnedPair]) -> dict[Account | None, list[Pair]]:
    """Sort links by whoever makes them."""
    found: dict[Account | None, list[Pair]] = {}
    for parent, child, account in pairs:
        found.setdefault(account, []).append((parent, child))
    return found
