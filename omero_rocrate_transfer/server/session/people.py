"""Owners and groups of what travels, and who of them is on a server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from omero.rtypes import rlist, rstring
from omero.sys import ParametersI

from omero_rocrate_transfer.model.contents import Group, Person
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.queries import IDS_PER_QUERY, Reader

# E-mail addresses are private: unless somebody wants them, they are not even asked for.
_PEOPLE: Final = (
    "select e.id, e.omeName, e.firstName, e.lastName, e.institution{email} from Experimenter e"
    " where e.id in (:ids) order by e.id"
)
_GROUPS: Final = "select g from ExperimenterGroup g where g.id in (:ids)"
_ACCOUNTS: Final = "select e.omeName, e.id from Experimenter e where e.omeName in (:names) order by e.id"
_MEMBERS: Final = (
    "select m.child.id from GroupExperimenterMap m where m.parent.id = :group and m.child.id in (:ids)"
    " order by m.id"
)


@dataclass(frozen=True, slots=True)
class Account:
    """A user of a server."""

    login: str
    id: int


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


def find_accounts(connection: Connection, logins: Iterable[str]) -> dict[str, Account]:
    """Return those users of some login names that the server has."""
    names = sorted(set(logins))
    found: dict[str, Account] = {}
    for start in range(0, len(names), IDS_PER_QUERY):
        batch = rlist([rstring(name) for name in names[start : start + IDS_PER_QUERY]])
        with server_errors("Looking for the owners"):
            rows = connection.query.projection(
                _ACCOUNTS, ParametersI().add("names", batch), connection.context()
            )
        found |= {login.val: Account(login.val, number.val) for login, number in rows}
    return found


def find_members(connection: Connection, group: int, accounts: Iterable[Account]) -> set[int]:
    """Return the ids of those users who are members of a group."""
    ids = sorted({account.id for account in accounts})
    found: set[int] = set()
    for start in range(0, len(ids), IDS_PER_QUERY):
        parameters = ParametersI().addIds(ids[start : start + IDS_PER_QUERY]).addLong("group", group)
        with server_errors("Looking for the members of the group"):
            rows = connection.query.projection(_MEMBERS, parameters, connection.context())
        found |= {row[0].val for row in rows}
    return found


def _known(ids: Iterable[int | None]) -> list[int]:
    return sorted({one for one in ids if one is not None})
