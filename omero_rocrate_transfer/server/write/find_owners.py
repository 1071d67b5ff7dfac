"""Finds the people of a source on the target, before anything is written, and refuses what cannot be."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from omero_rocrate_transfer.model.contents import Group
from omero_rocrate_transfer.model.errors import NotFoundError, RefusedError
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.owners import PRIVATE, RestoredOwners
from omero_rocrate_transfer.server.session.people import Account, find_accounts, find_members, read_groups
from omero_rocrate_transfer.server.session.queries import Reader
from omero_rocrate_transfer.transfer.survey import Survey

#: What an administrator needs who creates, repairs and takes back things of others: by sudo what is imported
#: (omero-blitz ManagedImportRequestI ignores ``omero.user``), by ``omero.user`` all the rest.
PRIVILEGES: Final = (
    *("Sudo", "WriteOwned", "WriteFile", "WriteManagedRepo"),
    *("DeleteOwned", "DeleteFile", "DeleteManagedRepo"),
)
_MAP: Final = "name others in a file for --user-map"

#: From logins on the source to logins on the target, None for whoever unpacks.
UserMap = Mapping[str, str | None]


def find_owners(
    connection: Connection, group: int, people: Survey, user_map: UserMap, container: int | None = None
) -> RestoredOwners:
    """Find everybody of a source on the target, before anything is written.

    Parameters
    ----------
    container
        Who owns the container that everything goes into, where there is one.

    Raises
    ------
    RefusedError
        The user of the connection may not do that, somebody is not active or no member of the group, or the
        group is private and holds together what belongs to several.
    NotFoundError
        Somebody who owns something is not on the target; names all of them.
    """
    _require_privileges(connection)
    [into] = read_groups(Reader(connection), [group])
    finder = _Finder(connection, into, people, user_map)
    accounts, absent = finder.find()
    if into.permissions == PRIVATE:
        _refuse_mixing(into, people, accounts, connection.user_id, container)
    return RestoredOwners(connection, into, accounts, absent)


def _require_privileges(connection: Connection) -> None:
    with server_errors("Asking for the rights of the user"):
        context = connection.session.getAdminService().getEventContext(connection.context())
    held = set(context.adminPrivileges) if context.isAdmin else set()
    missing = [name for name in PRIVILEGES if name not in held]
    if missing:
        who = "lacks the privileges" if context.isAdmin else "is no administrator, who has the privileges"
        raise RefusedError(
            f"--as-owner: user {connection.user} {who} {', '.join(missing)}.",
            hint="Log in as an administrator who has them, or leave --as-owner out.",
        )


class _Finder:
    """Finds people of a source on the target."""

    def __init__(self, connection: Connection, group: Group, people: Survey, user_map: UserMap) -> None:
        self._connection = connection
        self._group = group
        self._people = people
        #: Logins on the target that are wanted, by logins on the source.
        self._wanted = {login: user_map.get(login, login) for login in people.owners | people.viewers}
        self._known = find_accounts(connection, (login for login in self._wanted.values() if login))
        with server_errors("Asking for the rights of the user"):
            self._roles = connection.session.getAdminService().getSecurityRoles(connection.context())

    def find(self) -> tuple[dict[str, Account | None], dict[str, str]]:
        """Return accounts, and why others are absent."""
        absent = {
            login: f"{_named(login, wanted)} is not on the target"
            for login, wanted in self._wanted.items()
            if wanted is not None and wanted not in self._known
        }
        _refuse(NotFoundError, absent, self._people.owners, f"Create them there, or {_MAP}.")
        absent |= self._outside()
        hint = f"Make them active members of the group, choose another with -g, or {_MAP}."
        _refuse(RefusedError, absent, self._people.owners, hint)
        return {login: self._account(login) for login in self._wanted if login not in absent}, absent

    def _account(self, login: str) -> Account | None:
        wanted = self._wanted[login]
        account = None if wanted is None else self._known[wanted]
        return None if account is None or account.id == self._connection.user_id else account

    def _outside(self) -> dict[str, str]:
        """Return who cannot work in the group, and why; root can in any."""
        accounts = list(self._known.values())
        members = find_members(self._connection, self._group.id, accounts)
        active = find_members(self._connection, self._roles.userGroupId, accounts)
        found = {}
        for login, wanted in self._wanted.items():
            account = self._known.get(wanted or "")
            if account is None or account.id in (self._connection.user_id, self._roles.rootId):
                continue
            if account.id not in active:
                found[login] = f"{_named(login, wanted)} is not active on the target"
            elif account.id not in members:
                found[login] = f"{_named(login, wanted)} is no member of group {self._group.name}"
        return found


def _named(login: str, wanted: str | None) -> str:
    return login if wanted in (login, None) else f"{wanted} (for {login})"


def _refuse(
    kind: type[NotFoundError | RefusedError], absent: Mapping[str, str], owners: Collection[str], hint: str
) -> None:
    reasons = [reason for login, reason in sorted(absent.items()) if login in owners]
    if reasons:
        raise kind(f"--as-owner: {'; '.join(reasons)}.", hint=hint)


def _refuse_mixing(
    group: Group,
    people: Survey,
    accounts: Mapping[str, Account | None],
    who_unpacks: int,
    container: int | None,
) -> None:
    """Raise where things of several people hang together, which a private group does not allow."""
    mixed = [
        (what, logins)
        for logins, what in people.together.items()
        if len(_ids(logins, accounts, who_unpacks) | ({container} if container is not None else set())) > 1
    ]
    if mixed:
        names = sorted({login or "who unpacks" for _, logins in mixed for login in logins})
        raise RefusedError(
            f"--as-owner: in the private group {group.name} ({PRIVATE}) nobody can link to data of others,"
            f" but things of {', '.join(names)} hang together, first at {mixed[0][0]}.",
            hint=f"Choose a group that members can read with -g, or {_MAP}.",
        )


def _ids(
    logins: Collection[str | None], accounts: Mapping[str, Account | None], who_unpacks: int
) -> set[int]:
    found = (None if login is None else accounts[login] for login in logins)
    return {who_unpacks if account is None else account.id for account in found}
