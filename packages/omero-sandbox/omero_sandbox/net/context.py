"""What the services of one client share, and the gate every call goes through."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import Ice
import omero
import omero.clients

from omero_sandbox.db.store import Store
from omero_sandbox.net.call import Call
from omero_sandbox.net.ice import servant
from omero_sandbox.net.sessions import Session

if TYPE_CHECKING:
    from omero_sandbox.server import SandboxServer

MAX_SERVANTS = 10_000


class ServiceContext:
    """One client within one session.

    Attributes
    ----------
    server : SandboxServer
    session : Session
    client_uuid : str
    reused : bool
        The session was joined by its uuid, so methods that need a password refuse.
    detached : bool
        The session survives the end of this client.
    connection : str
        The one that the client logged in on.
    """

    def __init__(
        self, server: SandboxServer, session: Session, client_uuid: str, *, reused: bool = False
    ) -> None:
        self.server = server
        self.session = session
        self.client_uuid = client_uuid
        self.reused = reused
        self.detached = False
        self.connection = ""
        self._servants: dict[Any, Any] = {}
        self._proxies: dict[str, Any] = {}
        self._stateless: dict[str, Any] = {}
        #: One client calls from several threads; each of its stateless services is made once.
        self._lock = RLock()

    @property
    def store(self) -> Store:
        """The server's database."""
        return self.server.store

    @property
    def data_dir(self) -> Path:
        """The server's folder of binary data."""
        return self.server.data_dir

    @property
    def config(self) -> dict[str, str]:
        """The server's configuration, ``omero.*`` keys."""
        return self.server.config

    @property
    def sessions(self) -> Any:
        """The server's sessions."""
        return self.server.sessions

    # -- calls --------------------

    @contextmanager
    def call(self, current: Any, operation: str) -> Iterator[Call]:
        """Open the context of one call.

        The call is counted, meets the faults set for it, keeps the session alive and, for OMERO services, has
        its ``omero.group`` and ``omero.user`` checked. Over a connection that nobody logged in on, Glacier2
        forwards nothing, and closes it (SessionRouterI.getRouterImpl).
        """
        if current.con.toString() != self.connection:
            current.con.close(True)
            raise Ice.ObjectNotExistException
        self.server.calls[operation] += 1
        self.server.faults.before(operation, current)
        session = self.server.sessions.require(self.session.uuid)
        session.active += 1
        try:
            made = Call(self, session, current)
            if _is_secured(operation):
                made.check()
            yield made
        finally:
            session.active -= 1
            session.last_access = time.monotonic()
        self.server.faults.after(operation, current)

    def internal_call(self) -> Call:
        """Make a call without Ice context, for work that a service starts by itself."""
        return Call(self, self.session, None)

    # -- servants --------------------

    def get_service(self, name: str) -> Any:
        """Give this client's one implementation of a stateless service such as ``IQuery``."""
        from omero_sandbox.services import create

        with self._lock:
            if name not in self._stateless:
                self._stateless[name] = create(name, self)
            return self._stateless[name]

    def register(self, interface: type, implementation: Any, name: str | None = None) -> Any:
        """Make an implementation callable by clients.

        Parameters
        ----------
        interface : type
            Slice interface, such as ``omero.cmd.Handle``.
        implementation : object
            Its ``context`` must be this one (see module ``ice``).
        name : str, optional
            Identity name for one servant per client; by default a random one (ServantHolder.getIdentity).

        Returns
        -------
        Ice.ObjectPrx
            Proxy of the interface's own proxy class.
        """
        prx_class = proxy_class(interface)
        with self._lock:
            if name is not None and name in self._proxies:
                return prx_class.uncheckedCast(self._proxies[name])
            if len(self._servants) >= MAX_SERVANTS:
                raise omero.OverUsageException(
                    None, None, f"More than {MAX_SERVANTS} open services in one session"
                )
            identity = Ice.Identity(name or f"{uuid.uuid4()}{interface.__name__}", self.session.uuid)
            proxy = self.server.adapter.add(servant(interface, implementation), identity)
            self._servants[identity] = implementation
            if name is not None:
                self._proxies[name] = proxy
        return prx_class.uncheckedCast(proxy)

    def unregister(self, implementation: Any) -> None:
        """Take an implementation off; later calls get Ice.ObjectNotExistException."""
        for identity, known in list(self._servants.items()):
            if known is implementation:
                self._servants.pop(identity, None)
                self._remove(identity)

    def stateful(self) -> list[str]:
        """Identity names of what is open besides the stateless services."""
        return [identity.name for identity in list(self._servants) if identity.name not in self._proxies]

    def active(self) -> list[str]:
        """Identity names of all servants of this client."""
        return [identity.name for identity in list(self._servants)]

    def implementations(self, kind: type) -> list[Any]:
        """List what is registered of one kind."""
        return [known for known in list(self._servants.values()) if isinstance(known, kind)]

    def close(self) -> None:
        """Take all servants of this client off, closing those that hold something open."""
        for identity, implementation in list(self._servants.items()):
            self._servants.pop(identity, None)
            self._remove(identity)
            released = getattr(implementation, "session_ended", None)
            if released is not None:
                released()

    def _remove(self, identity: Any) -> None:
        try:
            self.server.adapter.remove(identity)
        except (Ice.NotRegisteredException, Ice.ObjectAdapterDeactivatedException):
            return


def proxy_class(interface: type) -> Any:
    """Find the proxy class of a slice interface."""
    return getattr(sys.modules[interface.__module__], f"{interface.__name__}Prx")


def _is_secured(operation: str) -> bool:
    """OMERO services load the event context before the method; the session itself and handles do not."""
    interface = getattr(omero.api, operation.partition(".")[0], None)
    return (
        interface is not None
        and issubclass(interface, omero.api.ServiceInterface)
        and interface is not omero.api.ServiceFactory
    )
