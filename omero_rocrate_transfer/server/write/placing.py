"""New images and plates on their places: in their containers, with their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from omero_rocrate_transfer.model.contents import Contents
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.session.people import Account
from omero_rocrate_transfer.server.session.writer import Writer
from omero_rocrate_transfer.server.write.ownership import Belongings, Ends
from omero_rocrate_transfer.server.write.pairing import NewObject, Pair
from omero_rocrate_transfer.server.write.renaming import different_names

Plates = Mapping[ObjectRef, NewObject]


class Places:
    """Where the images and plates of some contents belong, in one group.

    Parameters
    ----------
    made
        What containers became, by id.
    """

    def __init__(
        self, belongings: Belongings, group: int, contents: Contents, made: Mapping[ObjectRef, int]
    ) -> None:
        self._belongings = belongings
        self._group = group
        #: Containers that an Image or Plate of the source goes into, with their ids on the target.
        self._parents: dict[ObjectRef, list[tuple[ObjectRef | None, int]]] = {}
        #: Images of each Plate of the source.
        self.plates = {one.ref: one.members for one in contents.containers if one.ref.type == "Plate"}
        #: Name and description of each container of the source.
        self.names = {one.ref: (one.name, one.description) for one in contents.containers}
        for one in contents.containers:
            if one.ref in made and one.ref.type in ("Dataset", "Screen"):
                for member in one.members:
                    self._parents.setdefault(member, []).append((one.ref, made[one.ref]))

    def send(self, refs: Sequence[ObjectRef], container: int) -> None:
        """Put images or plates into one container of the target, and nowhere else."""
        for ref in refs:
            self._parents[ref] = [(None, container)]

    def link(self, pairs: Sequence[Pair], plates: Plates) -> None:
        """Put what a unit became into its containers."""
        images = [ends for pair in pairs for ends in self._ends(pair.source.ref, pair.target.id)]
        self._belongings.link("Dataset", "Image", images, self._group)
        screened = [ends for plate, new in plates.items() for ends in self._ends(plate, new.id)]
        self._belongings.link("Screen", "Plate", screened, self._group)

    def name(self, pairs: Sequence[Pair], plates: Plates, owner: Account | None) -> None:
        """Give what a unit became the names of the source."""
        writer = Writer(self._belongings.owners.hand(owner), self._group)
        wanted = {pair.target: (pair.source.name, pair.source.description) for pair in pairs}
        writer.rename("Image", different_names(wanted))
        named = {new: self.names[plate] for plate, new in plates.items() if plate in self.names}
        writer.rename("Plate", different_names(named))

    def _ends(self, child: ObjectRef, number: int) -> list[Ends]:
        return [Ends(parent, above, child, number) for parent, above in self._parents.get(child, ())]
