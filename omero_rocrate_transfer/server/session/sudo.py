"""Sessions of other users, opened by an administrator: imports belong to the user of their session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import RLock
from typing import Any, Final

import Glacier2
import Ice
import omero

from omero_rocrate_transfer.model.errors import LinkLostError, LoginError, RefusedError
from omero_rocrate_transfer.model.secrets import keep_secret
from omero_rocrate_transfer.server.session.clients import close_quietly
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.people import Account

#: Sessions that stay open for the next unit of the same owner; more only where more are at work.
_KEPT: Final = 8
#: Without a sign of life a session ends after this time, so that none outlives a process that was killed.
_IDLE_MS: Final = 600_000
#: What would log the new client in as somebody else, or into another group.
_OF_THE_LOGIN: Final = ("omero.user", "omero.pass", "omero.group", "omero.sess")


@dataclass(slots=True)
class _Open:
    connection: Connection
    #: Units at work with it.
    leases: int = 0


class SudoSessions:
    """Sessions of the owners of what is unpacked, one for each; safe in several threads.

    Parameters
    ----------
    connection
        Of an administrator with privilege ``Sudo``.
    group
        Name of the group that the sessions are in.
    """

    def __init__(self, connection: Connection, group: str) -> None:
        self._connection = connection
        self._group = group
        #: Those used last come last.
        self._open: dict[Account, _Open] = {}
        self._lock = RLock()

    @contextmanager
    def of(self, account: Account) -> Iterator[Connection]:
        """Give the session of a user; it stays open at least as long as the block."""
        with self._lock:
            entry = self._open.pop(account, None) or _Open(self._begin(account))
            self._open[account] = entry
            entry.leases += 1
        try:
            yield entry.connection
        finally:
            with self._lock:
                entry.leases -= 1
                self._end_oldest()

    def revive(self) -> None:
        """Open again those sessions that have ended."""
        with self._lock:
            entries = list(self._open.values())
        for entry in entries:
            entry.connection.revive()

    def close(self) -> None:
        """End all sessions; safe to call twice."""
        with self._lock:
            while self._open:
                _end(self._open.popitem()[1].connection)

    def _begin(self, account: Account) -> Connection:

        def reopen() -> Any:
            self._connection.revive()
            return self._log_in(account)

        client = self._log_in(account)
        try:
            connection = Connection(client, owned=True, reopen=reopen)
        except LoginError as error:
            # a server opens sessions in groups that are not the user's, and refuses their first call
            client.closeSession()
            if isinstance(error.__cause__, omero.SecurityViolation):
                doing = f"Using a session for {account.login} in the group {self._group}"
                raise RefusedError(f"{doing}: {error.message}", hint=error.hint) from error
            raise
        connection.first_times, connection.retry = self._connection.first_times, self._connection.retry
        if self._connection.run_id:
            connection.mark_with(self._connection.run_id, self._connection.source_database)
        return connection

    def _log_in(self, account: Account) -> Any:
        """Return a client of a new session, as ``omero login --sudo`` opens it (omero-py SessionsControl)."""
        principal = omero.sys.Principal()
        principal.name, principal.group, principal.eventType = account.login, self._group, "User"
        doing = f"Opening a session for {account.login}"
        with server_errors(doing):
            service = self._connection.session.getSessionService()
            made = service.createSessionWithTimeouts(principal, 0, _IDLE_MS)
            properties = self._connection.client.getPropertyMap()
            client = omero.client({key: properties[key] for key in properties.keys() - set(_OF_THE_LOGIN)})
            try:
                keep_secret(made.uuid.val)
                client.joinSession(made.uuid.val)
            except Glacier2.PermissionDeniedException as error:
                # the key is right: the server has just made it
                client.closeSession()
                raise LinkLostError(
                    f"{doing}: it ended at once.", hint="Run the same command again."
                ) from error
            except BaseException:
                close_quietly(client)
                raise
        return client

    def _end_oldest(self) -> None:
        idle = [account for account, entry in self._open.items() if not entry.leases]
        for account in idle[: max(0, len(self._open) - _KEPT)]:
            _end(self._open.pop(account).connection)


def _end(connection: Connection) -> None:
    """End a session for good; one that cannot be told so ends by itself."""
    with suppress(Ice.Exception, omero.ClientError):
        connection.client.killSession()
