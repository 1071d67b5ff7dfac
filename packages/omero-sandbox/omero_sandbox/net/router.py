"""The Glacier2 router that clients log in to; services are called directly, without routing.

Clients ask for ``getClientProxy`` and ``addProxies`` because a router is configured; answering None and
nothing makes Ice use the proxies as they are.
"""

from __future__ import annotations

import logging
from threading import Lock, Timer
from typing import TYPE_CHECKING, Any

import Glacier2
import Ice
import omero
import omero.clients

from omero_sandbox.db.store import Row
from omero_sandbox.net.sessions import find_group
from omero_sandbox.security.passwords import check_password
from omero_sandbox.services.service_factory import ServiceFactoryService

if TYPE_CHECKING:
    from omero_sandbox.server import SandboxServer

log = logging.getLogger(__name__)

IDENTITY = Ice.Identity("router", "OMERO.Glacier2")
SESSION_TIMEOUT_SECONDS = 600
THROTTLE_KEY = "omero.security.login_failure_throttle_time"
DEFAULT_THROTTLE = 3000


class SandboxRouter(Glacier2.Router):
    """Login and logout, one login per connection."""

    def __init__(self, server: SandboxServer) -> None:
        self._server = server
        self._lock = Lock()
        self._logins: dict[str, ServiceFactoryService] = {}

    # -- Glacier2.Router --------------------

    def createSession_async(self, callback: Any, user: str, password: str, current: Any = None) -> None:
        """Log in with a password, or join a session with its uuid as user and password."""
        self._server.calls["Router.createSession"] += 1
        try:
            self._server.faults.before("Router.createSession", current)
            factory = self._login(user, password, dict(current.ctx))
            self._remember(factory, current.con)
            proxy = factory.register_session()
        except Glacier2.PermissionDeniedException as denied:
            self._deny_later(callback, denied)
        except (omero.ServerError, Glacier2.CannotCreateSessionException) as error:
            callback.ice_exception(_wrapped(error))
        else:
            callback.ice_response(proxy)

    def createSessionFromSecureConnection_async(self, callback: Any, current: Any = None) -> None:
        """Refuse: OMERO knows no logins by client certificate."""
        callback.ice_exception(Glacier2.PermissionDeniedException("Not supported"))

    def destroySession(self, current: Any = None) -> None:
        """Log out."""
        if not self._leave(current.con.toString()):
            raise Glacier2.SessionNotExistException

    def refreshSession_async(self, callback: Any, current: Any = None) -> None:
        """Keep the login of this connection alive."""
        if current.con.toString() in self._logins:
            callback.ice_response(None)
        else:
            callback.ice_exception(Glacier2.SessionNotExistException())

    def getSessionTimeout(self, current: Any = None) -> int:
        """Return the router's own timeout in seconds."""
        return SESSION_TIMEOUT_SECONDS

    def getACMTimeout(self, current: Any = None) -> int:
        """Return the connection timeout in seconds."""
        return SESSION_TIMEOUT_SECONDS

    def getCategoryForClient(self, current: Any = None) -> str:
        """Return the category of callback identities."""
        return ""

    def getClientProxy(self, current: Any = None) -> None:
        """Answer that there is no forwarding proxy."""

    def getServerProxy(self, current: Any = None) -> Any:
        """Return a proxy that client callbacks can be told apart by."""
        return self._server.adapter.createProxy(IDENTITY)

    def addProxies(self, proxies: list[Any], current: Any = None) -> list[Any]:
        """Accept proxies without routing them."""
        return []

    # -- logins --------------------

    def _login(self, user: str, password: str, ctx: dict[str, str]) -> ServiceFactoryService:
        sessions = self._server.sessions
        joined = sessions.find(user) or sessions.find(password)
        if joined is not None:
            if user != password:
                raise Glacier2.PermissionDeniedException(
                    "username and password must be equal; use joinSession"
                )
            return self._server.open_client(joined, _client_uuid(ctx), reused=True)
        account = self._authenticate(user, password)
        client = _client_uuid(ctx)
        group = find_group(self._server.store, account, ctx.get("omero.group"))
        session = sessions.create(account, group, agent=ctx.get("omero.agent", ""))
        return self._server.open_client(session, client)

    def _authenticate(self, user: str, password: str) -> Row:
        row = self._server.store.lookup("Experimenter", "omeName", user)
        if row is None or not check_password(row, password):
            ids = [] if row is None else [row.id]
            raise Glacier2.PermissionDeniedException(f"Password check failed for '{user}': {ids}")
        return row

    def _remember(self, factory: ServiceFactoryService, connection: Any) -> None:
        key = factory.context.connection = connection.toString()
        with self._lock:
            previous = self._logins.get(key)
            self._logins[key] = factory
        if previous is not None:
            previous.leave()
        connection.setCallback(_OnClose(self, key))

    def _leave(self, key: str) -> bool:
        with self._lock:
            factory = self._logins.pop(key, None)
        if factory is not None:
            factory.leave()
        return factory is not None

    def connection_closed(self, key: str) -> None:
        """Log a client out that went away without a word, as Glacier2 does."""
        self._leave(key)

    def _deny_later(self, callback: Any, denied: Exception) -> None:
        delay = int(self._server.config.get(THROTTLE_KEY, DEFAULT_THROTTLE)) / 1000
        if delay <= 0:
            callback.ice_exception(denied)
            return
        timer = Timer(delay, callback.ice_exception, [denied])
        timer.daemon = True
        timer.start()


class _OnClose(Ice.ConnectionCallback):
    def __init__(self, router: SandboxRouter, key: str) -> None:
        self._router = router
        self._key = key

    def closed(self, connection: Any) -> None:
        self._router.connection_closed(self._key)

    def heartbeat(self, connection: Any) -> None:
        """Need nothing: Ice itself notes that the client lives."""


def _client_uuid(ctx: dict[str, str]) -> str:
    client = ctx.get("omero.client.uuid")
    if not client:
        raise omero.ApiUsageException(None, None, "No omero.client.uuid key provided in context.")
    return client


def _wrapped(error: Any) -> Any:
    """Put a failure of login into the exception that createSession may throw (SessionManagerI.create)."""
    if isinstance(error, Glacier2.CannotCreateSessionException):
        return error
    java = f"ome.conditions.{type(error).__name__}"
    return omero.WrappedCreateSessionException(reason=error.message, concurrency=False, backOff=0, type=java)
