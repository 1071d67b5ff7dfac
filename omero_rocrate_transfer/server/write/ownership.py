"""Whose on the target images, containers and the links between them are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from omero_rocrate_transfer.model.contents import Contents, Omission, TransferUnit
from omero_rocrate_transfer.model.extras import MemberLink
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.session.owners import Owners
from omero_rocrate_transfer.server.session.people import Account
from omero_rocrate_transfer.server.session.writer import Writer
from omero_rocrate_transfer.transfer.survey import owners_of


@dataclass(frozen=True, slots=True)
class Ends:
    """Two objects to be linked: on the source, and their ids on the target."""

    #: None for a container that only the target has.
    parent: ObjectRef | None
    parent_id: int
    child: ObjectRef
    child_id: int


class MemberAccounts:
    """Who made links, of those that a document names somebody for."""

    def __init__(self, owners: Owners, links: Iterable[MemberLink]) -> None:
        self._accounts: dict[tuple[str, str], dict[Account | None, None]] = {}
        for link in links:
            accounts = self._accounts.setdefault((link.parent, link.child), {})
            accounts[owners.account(link.owner)] = None

    def of(self, parent: str, child: str, otherwise: Account | None) -> Iterable[Account | None]:
        """Return everybody who linked two objects, by their LSIDs."""
        return self._accounts.get((parent, child)) or (otherwise,)


class Belongings:
    """Whose the objects of some contents are.

    Parameters
    ----------
    links
        What the document of the containers tells of links.
    """

    def __init__(self, owners: Owners, contents: Contents, links: Iterable[MemberLink]) -> None:
        self.owners = owners
        #: Of the source, as in its LSIDs.
        self.host = contents.source.host
        self._logins = owners_of(contents)
        self._linkers = MemberAccounts(owners, links)

    def of(self, ref: ObjectRef) -> Account | None:
        """Return whose an image or container of the source is on the target; None for whoever unpacks."""
        return self.owners.account(self._logins.get(ref))

    def of_unit(self, unit: TransferUnit) -> Account | None:
        """Return whose a unit is: a fileset has one owner, that of its first image."""
        return self.of(unit.images[0].ref) if unit.images else None

    def link(self, parent_type: str, child_type: str, ends: Sequence[Ends], group: int) -> None:
        """Link objects for everybody who did so on the source, else for the owner of the second."""
        pairs: dict[Account | None, list[tuple[int, int]]] = {}
        for one in ends:
            owner = self.of(one.child)
            parent = "" if one.parent is None else one.parent.lsid(self.host)
            for account in self._linkers.of(parent, one.child.lsid(self.host), owner):
                pairs.setdefault(account, []).append((one.parent_id, one.child_id))
        for account, mine in pairs.items():
            writer = Writer(self.owners.hand(account), group, for_each_owner=self.owners.restores)
            writer.link(parent_type, child_type, mine)

    def lost(self, unit: TransferUnit) -> list[Omission]:
        """Return those images of a unit, and plates of an import, that cannot go back to their owners."""
        owner = self.of_unit(unit)
        refs = [*(unit.plates if unit.files else ()), *(image.ref for image in unit.images)]
        count = sum(self.of(ref) != owner for ref in refs)
        if not count:
            return []
        reason = "what is imported together has one owner, that of the first image"
        return [Omission(type="Image.owner", count=count, reason=reason, on=unit.ref)]
