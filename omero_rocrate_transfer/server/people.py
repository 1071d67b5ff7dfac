"""Owners and groups of what travels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from omero_rocrate_transfer.model.contents import Group, Person
from omero_rocrate_transfer.server.queries import Reader

# E-mail addresses are private: unless somebody wants them, they are not even asked for.
_PEOPLE: Final = (
    "select e.id, e.omeName, e.firstName, e.lastName, e.institution{email} from Experimenter e"
    " where e.id in (:ids) order by e.id"
)
_GROUPS: Final = "select g from ExperimenterGroup g where g.id in (:ids)"


def read_people(reader: Reader, ids: Iterable[int | None], *, emails: bool = False) -> tuple[Person, ...]:
    """Read Experimenters, in order of their ids."""
    hql = _PEOPLE.format(email=", e.email" if emails else "")
    rows = reader.rows(hql, _known(ids), doing="Reading the owners")
    return tuple(
        Person(
            id=one,
            login=login,
            first_name=first,
            last_name=last,
            institution=institution,
            email=email[0] if email else None,
        )
        for one, login, first, last, institution, *email in rows
    )


def read_groups(reader: Reader, ids: Iterable[int | None]) -> tuple[Group, ...]:
    """Read ExperimenterGroups, in order of their ids."""
    found = reader.objects(_GROUPS, _known(ids), doing="Reading the groups")
    groups = (
        Group(id=group.id.val, name=group.name.val, permissions=str(group.details.permissions))
        for group in found
    )
    return tuple(sorted(groups, key=lambda group: group.id))


def _known(ids: Iterable[int | None]) -> list[int]:
    return sorted({one for one in ids if one is not None})
