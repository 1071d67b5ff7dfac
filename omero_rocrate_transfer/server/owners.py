"""To whom belongs what is unpacked: to whoever unpacks it, or to whoever owned it on the source."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from omero_rocrate_transfer.model.contents import Group
from omero_rocrate_transfer.model.errors import NotFoundError, RefusedError
from omero_rocrate_transfer.server.errors import server_errors
from omero_rocrate_transfer.server.on_behalf import OnBehalf
from omero_rocrate_transfer.server.people import Account, find_accounts, find_members, read_groups
from omero_rocrate_transfer.server.queries import Reader
from omero_rocrate_transfer.server.session import Connection
from omero_rocrate_transfer.server.sudo import SudoSessions
from omero_rocrate_transfer.transfer.survey import Survey

#: What an administrator needs who creates, repairs and takes back things of others: by sudo what is imported
#: (omero-blitz ManagedImportRequestI ignores ``omero.user``), by ``omero.user`` all the rest.
PRIVILEGES: Final = (
    *("Sudo", "WriteOwned", "WriteFile", "WriteManagedRepo"),
    *("DeleteOwned", "DeleteFile", "DeleteManagedRepo"),
)
PRIVATE: Final = "rw----"
_MAP: Final = "name others in a file for --user-map"

#: From logins on the source to logins on the target, None for whoever unpacks.
UserMap = Mapping[str, str | None]


class Owners:
    """Everything belongs to whoever unpacks it."""

    #: Whether the owners of the source are restored.
    restores = False

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def account(self, login: str | None) -> Account | None:
        """Return who takes the place of somebody of the source; None for whoever unpacks."""
        del login
        return None

    def hand(self, account: Account | None) -> Connection:
        """Return the connection that creates things for somebody; imports excepted."""
        del account
        return self._connection

    def session(self, account: Account | None) -> AbstractContextManager[Connection]:
        """Give a session of somebody, for imports."""
        return nullcontext(self.hand(account))

    def why_no_settings(self, login: str, owner: Account | None) -> str:
        """Return why somebody can have no settings for an image of an owner, empty where they can."""
        del login, owner
        return "rendering settings of other users are only restored with --as-owner"

    def revive(self) -> None:
        """Bring back all sessions that have ended."""
        self._connection.revive()

    def close(self) -> None:
        """End the sessions of others."""


class RestoredOwners(Owners):
    """Everything belongs to those who owned it on the source.

    Parameters
    ----------
    connection
        Of an administrator with the `PRIVILEGES`.
    group
        That everything goes into.
    accounts
        By logins on the source; None for whoever unpacks.
    absent
        Why others have no place on the target, by logins on the source.
    """

    restores = True

    def __init__(
        self,
        connection: Connection,
        group: Group,
        accounts: Mapping[str, Account | None],
        absent: Mapping[str, str],
    ) -> None:
        super().__init__(connection)
        self._accounts = accounts
        self._absent = absent
        self._private = group.permissions == PRIVATE
        self._sessions = SudoSessions(connection, group.name)

    def account(self, login: str | None) -> Account | None:
        """Return who takes the place of somebody of the source; None for whoever unpacks."""
        return None if login is None else self._accounts.get(login)

    def hand(self, account: Account | None) -> Connection:
        """Return the connection that creates things for somebody; imports excepted."""
        if account is None:
            return self._connection
        return OnBehalf(self._connection, account.login, account.id)

    def session(self, account: Account | None) -> AbstractContextManager[Connection]:
        """Give a session of somebody, for imports."""
        return nullcontext(self._connection) if account is None else self._sessions.of(account)

    def why_no_settings(self, login: str, owner: Account | None) -> str:
        """Return why somebody can have no settings for an image of an owner, empty where they can."""
        if self._private and self.account(login) != owner:
            return "in a private group nobody has rendering settings for images of others"
        reason = self._absent.get(login)
        return f"whose rendering settings they are: {reason}" if reason else ""

    def revive(self) -> None:
        """Bring back all sessions that have ended."""
        super().revive()
        self._sessions.revive()

    def close(self) -> None:
        """End the sessions of others."""
        self._sessions.close()


def find_owners(connection: Connection, group: int, people: Survey, user_map: UserMap) -> RestoredOwners:
    """Find everybody of a source on the target, before anything is written.

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
        _refuse_mixing(into, people, accounts)
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


def _refuse_mixing(group: Group, people: Survey, accounts: Mapping[str, Account | None]) -> None:
    """Raise where things of several people hang together, which a private group does not allow."""
    mixed = list(_iter_mixed(people, accounts))
    if mixed:
        logins = sorted({login or "who unpacks" for _, logins in mixed for login in logins})
        raise RefusedError(
            f"--as-owner: in the private group {group.name} ({PRIVATE}) nobody can link to data of others,"
            f" but things of {', '.join(logins)} hang together, first at {mixed[0][0]}.",
            hint=f"Choose a group that members can read with -g, or {_MAP}.",
        )


def _iter_mixed(
    people: Survey, accounts: Mapping[str, Account | None]
) -> Iterator[tuple[str, frozenset[str | None]]]:
    for logins, what in people.together.items():
        if len({None if login is None else accounts[login] for login in logins}) > 1:
            yield what, logins
