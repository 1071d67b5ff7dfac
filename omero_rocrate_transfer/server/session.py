"""A session on an OMERO server: who is logged in, where, and the services used most."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from threading import RLock
from typing import Any, Final, Self

import Ice
import omero
from omero.sys import ParametersI

from omero_rocrate_transfer.model.contents import SourceInfo
from omero_rocrate_transfer.model.errors import LinkLostError, LoginError, UsageError
from omero_rocrate_transfer.server.enumerations import Enumerations
from omero_rocrate_transfer.server.errors import server_errors, translate
from omero_rocrate_transfer.server.marks import MarkingUpdate
from omero_rocrate_transfer.server.timeouts import CONNECT_S, TIMEOUT_S, ice_properties
from omero_rocrate_transfer.transfer.retry import Retry

#: Group id of a call context that reads in all groups the user may read (omero-server
#: AllGroupsSecurityFilter); the server saves nothing under it.
ALL_GROUPS: Final = -1
#: Sessions end after ten idle minutes by default (``omero.sessions.timeout``).
KEEP_ALIVE_S: Final = 60
DEFAULT_PORT: Final = 4064


class Connection:
    """One user's session on one server; safe to use from several threads.

    Parameters
    ----------
    client
        A connected ``omero.client``.
    owned
        Whether `close` ends the session: not so for the one that the ``omero`` command lends.
    group
        Name of the group that new objects go into; the user's current group where None.
    reopen
        Logs in again and returns the new client; None where that cannot be done.
    """

    def __init__(
        self,
        client: Any,
        *,
        owned: bool,
        group: str | None = None,
        reopen: Callable[[], Any] | None = None,
    ) -> None:
        self._owned = owned
        self._reopen = reopen
        self._lock = RLock()
        self._address = _host_of(client), int(client.getProperty("omero.port") or DEFAULT_PORT)
        #: When reading a file goes on after its connection was lost.
        self.retry = Retry()
        #: Run that what is created is marked with; see `mark_with`.
        self.run_id = ""
        with server_errors("Opening the session"):
            self._adopt(client)
            context = self.session.getAdminService().getEventContext()
            config = self.session.getConfigService()
            #: The server, as the source of what is read from it.
            self.info = SourceInfo(
                host=lsid_host(_host_of(client)),
                database_uuid=config.getDatabaseUuid(),
                version=config.getVersion(),
            )
        #: ``Experimenter.omeName`` and id of the user.
        self.user: str = context.userName
        self.user_id: int = context.userId
        self.enumerations = Enumerations(self)
        #: Id of the group that new objects go into.
        self.group_id: int = context.groupId if group is None else self._group_named(group)

    def _adopt(self, client: Any) -> None:
        """Use a connected client from now on."""
        self._client = client
        self._context = dict(client.getImplicitContext().getContext())
        self.session = client.getSession()
        self.query = self.session.getQueryService()
        self.update = self.session.getUpdateService()
        if self.run_id:
            self.mark_with(self.run_id)
        self.__dict__.pop("managed_repository", None)
        if int(client.getProperty("omero.keep_alive") or 0) <= 0:
            client.enableKeepAlive(KEEP_ALIVE_S)

    @property
    def client(self) -> Any:
        """The connected ``omero.client``; waits while somebody brings it back."""
        with self._lock:
            return self._client

    def revive(self) -> None:
        """Log in again if the session or the connection has ended; else do nothing.

        Raises
        ------
        LinkLostError
            Nobody answers there (yet).
        LoginError
            The server does not let this user in any more.
        """
        with self._lock:
            try:
                probe = self.query.ice_invocationTimeout(CONNECT_S * 1000)
                probe.projection("select 1 from Experimenter e where e.id = 0", None, self.context())
            except (Ice.Exception, omero.ClientError) as error:
                if self._reopen is None:
                    raise translate(error, "Coming back to the server") from error
                _refuse_silence(*self._address)
                with server_errors("Coming back to the server"):
                    self._adopt(self._reopen())

    @classmethod
    def login(
        cls,
        host: str,
        port: int | None = None,
        *,
        user: str = "",
        password: str = "",
        key: str = "",
        group: str | None = None,
        timeout_s: int = TIMEOUT_S,
    ) -> Self:
        """Log in with a password, or join the session with the given key.

        Parameters
        ----------
        host
            Name or address, or a URL like ``tcp://127.0.0.1:4063`` or ``wss://host``.
        port
            By default 4064, or what is usual for the protocol of the URL.
        timeout_s
            Seconds without an answer after which the connection counts as lost.

        Raises
        ------
        LoginError
            Nobody answers there, or the server does not let this user in.
        """
        where = host if port is None else f"{host}:{port}"
        properties = ice_properties(timeout_s)
        client = omero.client(host=host, port=port, pmap=properties)
        try:
            _open_session(client, where, user, password, key)

            def reopen() -> Any:
                again = omero.client(host=host, port=port, pmap=properties)
                _open_session(again, where, user, password, key)
                return again

            return cls(client, owned=True, group=group, reopen=reopen)
        except BaseException:
            close_quietly(client)
            raise

    @cached_property
    def managed_repository(self) -> Any:
        """The repository that imports go into."""
        with server_errors("Looking for the managed repository"):
            repository = self.client.getManagedRepository()
        if repository is None:
            raise LoginError("The server has no managed repository.", hint="Tell its administrator.")
        return repository

    def mark_with(self, run_id: str) -> None:
        """Mark everything that is created from now on with a run."""
        self.run_id = run_id
        with server_errors("Marking what is created"):
            self.update = MarkingUpdate(self.session.getUpdateService(), run_id)

    def context(self, group: int = ALL_GROUPS) -> dict[str, str]:
        """Return the context for a call in a group.

        An explicit context replaces the implicit one of the client, in which repositories and file stores
        look for the session (omero-blitz PublicRepositoryI, RawFileStoreI): so it holds all of that too.
        """
        return self._context | {"omero.group": str(group)}

    def close(self) -> None:
        """End the session if it is ours; safe to call twice."""
        if self._owned:
            self._owned = False
            self.client.closeSession()

    def _group_named(self, name: str) -> int:
        parameters = ParametersI().addString("name", name)
        with server_errors(f"Looking for the group {name}"):
            rows = self.query.projection(
                "select g.id from ExperimenterGroup g where g.name = :name", parameters, self.context()
            )
        if not rows:
            raise UsageError(f"The server has no group {name!r}.")
        return int(rows[0][0].val)


def close_quietly(client: Any) -> None:
    """Destroy a client whose connection is gone: OMERO's own way would say goodbye to the server first."""
    with suppress(Ice.Exception, omero.ClientError):
        client.getCommunicator().destroy()
        client.closeSession()


def rejoin(properties: dict[str, str], key: str) -> Any:
    """Return a new client in a session whose client is lost.

    OMERO's command line would take any failure for the end of a stored session, and forget it.

    Parameters
    ----------
    properties
        Of the lost client.
    key
        Of the session.

    Raises
    ------
    LoginError
        The session is gone, or nobody answers there (yet).
    """
    client = omero.client(pmap=dict(properties))
    try:
        _open_session(client, properties.get("omero.host", ""), "", "", key)
    except BaseException:
        close_quietly(client)
        raise
    return client


def lsid_host(host: str) -> str:
    """Return a host name as an LSID takes it: only ``[A-Za-z0-9._-]``, and at least one dot.

    OME-XML 2016-06 asks for the dot in every LSID, so that a bare ``omero`` would not be valid.
    """
    clean = re.sub(r"[^A-Za-z0-9._-]", "-", host)
    return clean if re.search(r"[^.]\.[^.]", clean) else f"{clean.strip('.')}.localdomain"


def _host_of(client: Any) -> str:
    # A URL is kept apart from a host name (omero-py BaseClient.__init__).
    return client.getProperty("omero.url.host") or client.getProperty("omero.host") or "localhost"


def _refuse_silence(host: str, port: int) -> None:
    """Raise where nobody listens: OMERO's own login would tell that from a wrong password by words only."""
    try:
        socket.create_connection((host, port), timeout=CONNECT_S).close()
    except OSError as error:
        raise LinkLostError(
            f"No OMERO server answers at {host}:{port}.", hint="Run the same command again later."
        ) from error


def _open_session(client: Any, where: str, user: str, password: str, key: str) -> None:
    doing = f"Logging in to {where} as {user}" if not key else f"Joining the session on {where}"
    if not key and not (user and password):
        raise LoginError(f"{doing}: user name or password are empty.", hint="Give both, or a session key.")
    try:
        with server_errors(doing):
            if key:
                # The session belongs to whoever made the key: it must outlive this client.
                client.joinSession(key).detachOnDestroy()
            else:
                client.createSession(user, password)
    except LoginError as error:
        if isinstance(error.__cause__, (Ice.LocalException, omero.ClientError)):
            raise LoginError(
                f"No OMERO server answers at {where} ({type(error.__cause__).__name__}).",
                hint="Check host and port.",
            ) from error.__cause__
        raise
