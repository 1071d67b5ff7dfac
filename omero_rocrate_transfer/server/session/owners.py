"""To whom belongs what is unpacked: to whoever unpacks it, or to whoever owned it on the source."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from omero_rocrate_transfer.model.contents import Group
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.on_behalf import OnBehalf
from omero_rocrate_transfer.server.session.people import Account
from omero_rocrate_transfer.server.session.sudo import SudoSessions

#: Permissions of a group whose members see nothing of each other.
PRIVATE: Final = "rw----"


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
        Of an administrator with the privileges that `find_owners` asks for.
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
