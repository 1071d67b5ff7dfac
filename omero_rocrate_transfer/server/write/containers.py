"""Containers on the target: those of the source created again, or containers that are there."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from omero.rtypes import rlist, rstring
from omero.sys import ParametersI

from omero_rocrate_transfer.model.contents import Container, Contents
from omero_rocrate_transfer.model.errors import NotFoundError, RefusedError, UsageError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.people import Account
from omero_rocrate_transfer.server.session.queries import IDS_PER_QUERY, batches
from omero_rocrate_transfer.server.session.writer import Writer
from omero_rocrate_transfer.server.write.ownership import Belongings, Ends

log = logging.getLogger(__name__)

_TARGET: Final = re.compile(r"(?P<type>Dataset|Screen):(?:name:(?P<name>.+)|(?P<id>\d{1,19}))\Z", re.DOTALL)
_PLACE: Final = "select o.details.group.id, o.details.owner.id from {type} o where o.id = :id"
_MINE: Final = (
    "select o.id, o.name from {type} o where o.name in (:names) and o.details.owner.id = :owner order by o.id"
)
_MINE_ALONE: Final = (
    "select o.id, o.name from Dataset o left outer join o.projectLinks l where l.id is null"
    " and o.name in (:names) and o.details.owner.id = :owner order by o.id"
)
_MINE_IN_PROJECT: Final = (
    "select o.id, o.name from ProjectDatasetLink l join l.child o where l.parent.id = :project"
    " and o.name in (:names) and o.details.owner.id = :owner order by o.id"
)


@dataclass(frozen=True, slots=True)
class Target:
    """The container that everything goes into, as the user named it."""

    #: ``"Dataset"`` or ``"Screen"``.
    type: str
    #: Either this or `name`.
    id: int | None = None
    name: str | None = None


def parse_target(text: str) -> Target:
    """Parse ``Dataset:5``, ``Dataset:name:Run1`` or the same with Screen."""
    match = _TARGET.match(text)
    if match is None:
        raise UsageError(
            f"--target {text!r} is no container.", hint="Write it like Dataset:5 or Dataset:name:Run1."
        )
    number = match["id"]
    return Target(match["type"], None if number is None else int(number), match["name"])


def group_of_target(connection: Connection, target: Target) -> int:
    """Return the group that the transfer has to write into: that of the named container, else the user's."""
    return place_of_target(connection, target)[0]


def place_of_target(connection: Connection, target: Target) -> tuple[int, int]:
    """Return group and owner of the named container; those of the user where it is known by its name."""
    if target.id is None:
        return connection.group_id, connection.user_id
    hql = _PLACE.format(type=target.type)
    with server_errors(f"Looking for {target.type}:{target.id}"):
        rows = connection.query.projection(hql, ParametersI().addId(target.id), connection.context())
    if not rows:
        raise NotFoundError(
            f"{target.type}:{target.id}: not found, or not readable by user {connection.user}."
        )
    return rows[0][0].val, rows[0][1].val


def check_units(contents: Contents) -> None:
    """Raise where there is nothing to make the images of.

    Raises
    ------
    RefusedError
        Units have neither original files nor pixels.
    """
    without = [str(unit.ref) for unit in contents.units if not unit.files and not unit.pixels]
    if without:
        raise RefusedError(
            f"{', '.join(without[:5])}: without original files and pixels.",
            hint=f"{len(without)} item(s) of this kind; leave them out.",
        )


def fitting(contents: Contents, type_name: str) -> list[ObjectRef]:
    """Return what can go into a Dataset (images in no plate) or into a Screen (plates)."""
    if type_name == "Screen":
        return [plate for unit in contents.units for plate in unit.plates]
    return [image.ref for unit in contents.units if not unit.plates for image in unit.images]


class ContainerFinder:
    """Finds or creates containers in one group.

    Parameters
    ----------
    belongings
        Whose they are.
    merge
        Whether containers of their owners that have the right name and place are used again: Projects and
        Screens by name, Datasets by name within their Project, or by name where they are in no Project.
    """

    def __init__(self, belongings: Belongings, group: int, *, merge: bool) -> None:
        self._belongings = belongings
        self._host = belongings.host
        self._owners = belongings.owners
        self._group = group
        self._merge = merge
        self._taken: set[tuple[str, int]] = set()

    def restore(self, containers: Sequence[Container], types: Iterable[str]) -> dict[ObjectRef, int]:
        """Return the id on the target for each container of these types, parents' types first."""
        made: dict[ObjectRef, int] = {}
        for type_name in types:
            wanted: dict[Account | None, list[Container]] = {}
            for one in containers:
                if one.ref.type == type_name:
                    wanted.setdefault(self._belongings.of(one.ref), []).append(one)
            for owner, mine in wanted.items():
                hand = self._owners.hand(owner)
                if self._merge:
                    made |= self._found(hand, mine, containers, made)
                new = [one for one in mine if one.ref not in made]
                ids = Writer(hand, self._group).create(
                    type_name,
                    [(one.name, one.description) for one in new],
                    [one.ref.lsid(self._host) for one in new],
                )
                made |= {one.ref: number for one, number in zip(new, ids, strict=True)}
        ends = [
            Ends(one.ref, made[one.ref], member, made[member])
            for one in containers
            if one.ref.type == "Project" and one.ref in made
            for member in one.members
            if member in made
        ]
        self._belongings.link("Project", "Dataset", ends, self._group)
        return made

    def resolve(self, target: Target) -> int:
        """Return the id of a target; creates it where it has a name that none of the user's has."""
        if target.id is not None:
            return target.id
        name = target.name or ""
        hand = self._owners.hand(None)
        for found in self._query(hand, _MINE.format(type=target.type), [name]).get(name, ()):
            return found
        return Writer(hand, self._group).create(target.type, [(name, None)])[0]

    def _found(
        self,
        hand: Connection,
        wanted: Sequence[Container],
        containers: Sequence[Container],
        made: dict[ObjectRef, int],
    ) -> dict[ObjectRef, int]:
        found = {}
        for names, hql, extra in self._searches(wanted, containers, made):
            known = self._query(hand, hql, [one.name for one in names], **extra)
            for one in names:
                free = [
                    number for number in known.get(one.name, ()) if (one.ref.type, number) not in self._taken
                ]
                if free and one.ref not in found:
                    self._tell(one, free)
                    self._taken.add((one.ref.type, free[0]))
                    found[one.ref] = free[0]
        return found

    def _searches(
        self, wanted: Sequence[Container], containers: Sequence[Container], made: dict[ObjectRef, int]
    ) -> Iterable[tuple[list[Container], str, dict[str, int]]]:
        if not wanted:
            return
        if wanted[0].ref.type != "Dataset":
            yield list(wanted), _MINE.format(type=wanted[0].ref.type), {}
            return
        placed: set[ObjectRef] = set()
        for project in containers:
            if project.ref.type == "Project":
                members = set(project.members)
                placed |= members
                yield (
                    [one for one in wanted if one.ref in members],
                    _MINE_IN_PROJECT,
                    {"project": made[project.ref]},
                )
        yield [one for one in wanted if one.ref not in placed], _MINE_ALONE, {}

    def _query(self, hand: Connection, hql: str, names: Sequence[str], **extra: int) -> dict[str, list[int]]:
        """Return ids by name, oldest first."""
        found: dict[str, list[int]] = {}
        for batch in batches(names, IDS_PER_QUERY):
            parameters = ParametersI().add("names", rlist([rstring(name) for name in batch]))
            parameters.addLong("owner", hand.user_id)
            for name, value in extra.items():
                parameters.addLong(name, value)
            with server_errors("Looking for containers to merge into"):
                rows: list[Any] = hand.query.projection(hql, parameters, hand.context(self._group))
            for number, name in rows:
                found.setdefault(name.val, []).append(number.val)
        return found

    def _tell(self, one: Container, free: Sequence[int]) -> None:
        if len(free) > 1:
            log.warning(
                "%d %ss are called %r: merging into the oldest, %s:%d.",
                len(free), one.ref.type, one.name, one.ref.type, free[0],
            )  # fmt: skip
