"""A session on an OMERO server: who is logged in, where, and the services used most."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from threading import BoundedSemaphore, RLock
from typing import Any, Final, Self

import Ice
import omero
from omero.sys import ParametersI

from omero_rocrate_transfer.model.contents import SourceInfo
from omero_rocrate_transfer.model.errors import (
    LinkLostError,
    LoginError,
    OtherDatabaseError,
    UsageError,
)
from omero_rocrate_transfer.model.secrets import keep_secret
from omero_rocrate_transfer.server.session.clients import (
    close_quietly,
    host_of,
    is_silence,
    no_answer,
    opened,
    refuse_silence,
)
from omero_rocrate_transfer.server.session.collisions import FirstTimes
from omero_rocrate_transfer.server.session.enumerations import Enumerations
from omero_rocrate_transfer.server.session.errors import server_errors, translate
from omero_rocrate_transfer.server.session.marks import MarkingUpdate
from omero_rocrate_transfer.server.session.streams import SPARE_STORES
from omero_rocrate_transfer.server.session.timeouts import CONNECT_S, TIMEOUT_S, ice_properties, limit_of
from omero_rocrate_transfer.transfer.retry import Retry

#: Group id of a call context that reads in all groups the user may read (omero-server
#: AllGroupsSecurityFilter); the server saves nothing under it.
ALL_GROUPS: Final = -1
#: Sessions end after ten idle minutes by default (``omero.sessions.timeout``).
KEEP_ALIVE_S: Final = 60
DEFAULT_PORT: Final = 4064
_PINGS: Final = 3


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
        #: When nobody answered the last time somebody tried to come back; monotonic.
        self._silent = -1.0
        self._address = host_of(client), int(client.getProperty("omero.port") or DEFAULT_PORT)
        #: When reading a file goes on after its connection was lost.
        self.retry = Retry()
        #: Stores that files may have beyond their first one.
        self.spare_stores = BoundedSemaphore(SPARE_STORES)
        #: What the run did already, so that it need not be done alone; sessions of one run share it.
        self.first_times = FirstTimes()
        #: Run that what is created is marked with; see `mark_with`.
        self.run_id = ""
        #: Uuid of the database that what is created comes from, empty if it is not known.
        self.source_database = ""
        #: The server, as the source of what is read from it.
        self.info = SourceInfo(host=lsid_host(host_of(client)), database_uuid="", version="")
        with server_errors("Opening the session"):
            self._adopt(client)
            context = self.session.getAdminService().getEventContext()
        #: ``Experimenter.omeName`` and id of the user.
        self.user: str = context.userName
        self.user_id: int = context.userId
        #: Id of the session that began; one that takes its place later has another.
        self.session_id: int = context.sessionId
        self.enumerations = Enumerations(self)
        #: Id of the group that new objects go into.
        self.group_id: int = context.groupId if group is None else self._group_named(group)

    def _adopt(self, client: Any) -> None:
        """Use a connected client from now on.

        Raises
        ------
        OtherDatabaseError
            It is connected to another database than the one before.
        """
        self._identify(client)
        self._client = client
        #: How long an answer is waited for, in ms; 0 where nothing limits it.
        self.limit_ms = limit_of(client)
        self._context = dict(client.getImplicitContext().getContext())
        self.session = client.getSession()
        keep_secret(client.getSessionId())
        self.query = self.session.getQueryService()
        self.update = self.session.getUpdateService()
        if self.run_id:
            self.mark_with(self.run_id, self.source_database)
        self.__dict__.pop("managed_repository", None)
        if int(client.getProperty("omero.keep_alive") or 0) <= 0:
            client.enableKeepAlive(KEEP_ALIVE_S)

    def _identify(self, client: Any) -> None:
        """Note which database a client is connected to, or raise if it is not the one before."""
        config = client.getSession().getConfigService()
        database = config.getDatabaseUuid()
        known = self.info.database_uuid
        if known and database != known:
            close_quietly(client)
            raise OtherDatabaseError(
                f"The server at {self._address[0]}:{self._address[1]} is another database now "
                f"({database[:8]}, not {known[:8]}): it was replaced while the command ran.",
                hint="Nothing was written into the new one.",
            )
        self.info = replace(self.info, database_uuid=database, version=config.getVersion())

    @property
    def client(self) -> Any:
        """The connected ``omero.client``; waits while somebody brings it back."""
        with self._lock:
            return self._client

    def revive(self) -> None:
        """Log in again if the session or the connection has ended; else do nothing.

        Of several threads that want it at the same time one tries; where nobody answers, that holds for all.

        Raises
        ------
        LinkLostError
            Nobody answers there (yet).
        LoginError
            The server does not let this user in any more.
        OtherDatabaseError
            Another database is in its place.
        """
        asked = time.monotonic()
        with self._lock:
            if self._silent > asked:
                raise no_answer(*self._address)
            try:
                probe = self.query.ice_invocationTimeout(CONNECT_S * 1000)
                probe.projection("select 1 from Experimenter e where e.id = 0", None, self.context())
            except (Ice.Exception, omero.ClientError) as error:
                if self._reopen is None:
                    raise translate(error, "Coming back to the server") from error
                try:
                    self._come_back(self._reopen)
                except LinkLostError:
                    self._silent = time.monotonic()
                    raise

    def _come_back(self, reopen: Callable[[], Any]) -> None:
        """Let go of the dead client, and use a new one.

        Other threads may be in calls with the dead one, which end at once: all that they may still ask its
        proxies for are calls, which say that the client is gone.
        """
        refuse_silence(*self._address)
        close_quietly(self._client)
        try:
            with server_errors("Coming back to the server"):
                self._adopt(reopen())
        except LoginError as error:
            if is_silence(error):
                raise no_answer(*self._address) from error
            raise

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

        def open_one() -> Any:
            client = omero.client(host=host, port=port, pmap=properties)
            return opened(client, where, user, password, key)

        client = open_one()
        try:
            return cls(client, owned=True, group=group, reopen=open_one)
        except BaseException:
            with suppress(Ice.Exception, omero.ClientError):
                client.closeSession()
            raise

    @cached_property
    def managed_repository(self) -> Any:
        """The repository that imports go into."""
        with server_errors("Looking for the managed repository"):
            repository = self.client.getManagedRepository()
        if repository is None:
            raise LoginError("The server has no managed repository.", hint="Tell its administrator.")
        return repository

    @cached_property
    def round_trip_s(self) -> float:
        """Seconds that a call takes which does nothing: the least of three."""
        times = []
        with server_errors("Measuring the round trip"):
            for _ in range(_PINGS):
                started = time.perf_counter()
                self.session.ice_ping()
                times.append(time.perf_counter() - started)
        return min(times)

    def mark_with(self, run_id: str, source: str = "") -> None:
        """Mark everything that is created from now on with a run, and with the database it comes from."""
        self.run_id, self.source_database = run_id, source
        with server_errors("Marking what is created"):
            service = self.session.getUpdateService()
        self.update = MarkingUpdate(service, run_id, source, self.first_times, lambda: self.retry)

    def context(self, group: int = ALL_GROUPS) -> dict[str, str]:
        """Return the context for a call in a group.

        An explicit context replaces the implicit one of the client, in which repositories and file stores
        look for the session (omero-blitz PublicRepositoryI, RawFileStoreI): so it holds all of that too.
        """
        return self._context | {"omero.group": str(group)}

    def close(self) -> None:
        """End the session if it is ours; safe to call twice. One that cannot be told so ends by itself."""
        if self._owned:
            self._owned = False
            with suppress(Ice.Exception, omero.ClientError):
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


def lsid_host(host: str) -> str:
    """Return a host name as an LSID takes it: only ``[A-Za-z0-9._-]``, and at least one dot.

    OME-XML 2016-06 asks for the dot in every LSID, so that a bare ``omero`` would not be valid.
    """
    clean = re.sub(r"[^A-Za-z0-9._-]", "-", host)
    return clean if re.search(r"[^.]\.[^.]", clean) else f"{clean.strip('.')}.localdomain"
