"""Sessions: log in, join, time out, close (ome.services.sessions.SessionManagerImpl)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

import omero
import omero.clients

from omero_sandbox.db.store import Row, Store
from omero_sandbox.security import rights as security
from omero_sandbox.security import roles

IDLE_KEY = "omero.sessions.timeout"
TOTAL_KEY = "omero.sessions.maximum"
DEFAULT_IDLE = 600_000


@dataclass(eq=False)
class Session:
    """A live session; times in seconds of the monotonic clock, timeouts in milliseconds, 0 = unlimited.

    Attributes
    ----------
    references : int
        Clients that logged in or joined and have not left.
    led_groups : frozenset of int or None
        The only groups a session made by a group owner's sudo may enter.
    active : int
        Calls under way.
    """

    uuid: str
    row_id: int
    user_id: int
    group_id: int
    time_to_idle: int
    time_to_live: int
    event_type: str = "User"
    sudoer_id: int | None = None
    led_groups: frozenset[int] | None = None
    agent: str = ""
    references: int = 0
    active: int = 0
    started: float = field(default_factory=time.monotonic)
    last_access: float = field(default_factory=time.monotonic)

    def expired(self, now: float) -> bool:
        """Tell whether a timeout has passed."""
        idle = (
            bool(self.time_to_idle) and not self.active and now - self.last_access > self.time_to_idle / 1000
        )
        return idle or (bool(self.time_to_live) and now - self.started > self.time_to_live / 1000)


class SessionRegistry:
    """All live sessions of a server.

    Parameters
    ----------
    on_removed : callable
        Called with the session once it is closed or expired, to clean its servants.
    """

    def __init__(self, store: Store, config: dict[str, str], on_removed: Callable[[Session], None]) -> None:
        self.lock = RLock()
        self._store = store
        self._config = config
        self._on_removed = on_removed
        self._live: dict[str, Session] = {}
        self.node = store.insert(
            "Node", {"uuid": str(uuid.uuid4()), "conn": "sandbox", "up": time.time_ns() // 1_000_000}
        )

    def create(
        self,
        user: Row,
        group: int,
        *,
        idle: int | None = None,
        live: int | None = None,
        event_type: str = "User",
        sudoer: int | None = None,
        led_groups: frozenset[int] | None = None,
        agent: str = "",
    ) -> Session:
        """Start a session for a user in a group; timeouts default to the server's configuration."""
        idle = int(self._config.get(IDLE_KEY, DEFAULT_IDLE)) if idle is None else idle
        live = int(self._config.get(TOTAL_KEY, 0)) if live is None else live
        name = str(uuid.uuid4())
        values = {
            "node": self.node.id,
            "uuid": name,
            "owner": user.id,
            "sudoer": sudoer,
            "timeToIdle": idle,
            "timeToLive": live,
            "started": time.time_ns() // 1_000_000,
            "defaultEventType": event_type,
            "userAgent": agent or None,
        }
        # Always the store's lock first: commands that hold it ask for sessions.
        with self._store.transaction(), self.lock:
            row = self._store.insert("Session", values)
            session = Session(name, row.id, user.id, group, idle, live, event_type, sudoer, led_groups, agent)
            event = self._store.new_event(user=user.id, group=group, session=row.id, kind="Sessions")
            row.created = row.updated = event
            self._live[name] = session
        return session

    def find(self, name: str) -> Session | None:
        """Live session with this uuid; one that has expired is removed and not found."""
        with self.lock:
            session = self._live.get(name)
            if session is None or not session.expired(time.monotonic()):
                return session
        self.remove(session)
        return None

    def require(self, name: str) -> Session:
        """Live session with this uuid, its idle time restarted.

        Raises
        ------
        omero.RemovedSessionException
            It was closed.
        omero.SessionTimeoutException
            It has expired just now.
        """
        with self.lock:
            session = self._live.get(name)
            if session is None:
                raise omero.RemovedSessionException(None, None, f"No context for {name}")
            now = time.monotonic()
            if not session.expired(now):
                session.last_access = now
                return session
        self.remove(session)
        raise omero.SessionTimeoutException(None, None, f"Session {name} has expired")

    def live(self) -> list[Session]:
        """All sessions that have not expired."""
        with self.lock:
            names = list(self._live)
        return [session for session in map(self.find, names) if session is not None]

    def release(self, session: Session) -> int:
        """Drop one reference; at none left the session is removed.

        Returns
        -------
        int
            References left, or -2 if this call removed the session (SessionManagerImpl.close).
        """
        with self.lock:
            session.references -= 1
            if session.references > 0:
                return session.references
        self.remove(session)
        return -2

    def remove(self, session: Session) -> None:
        """End a session for all its clients."""
        with self._store.lock, self.lock:
            if self._live.pop(session.uuid, None) is None:
                return
            row = self._store.get("Session", session.row_id)
            if row is not None:
                self._store.update(row, {"closed": time.time_ns() // 1_000_000})
        self._on_removed(session)

    def reap(self) -> None:
        """Remove every session that has expired."""
        self.live()


def find_group(store: Store, user: Row, name: str | None) -> int:
    """Group to log in to: the named one, or the user's default group for none (and for ``user``).

    Raises
    ------
    omero.ApiUsageException
        There is no such group.
    omero.SecurityViolation
        The user is not a member, or an inactive user.
    """
    groups = [row.values["parent"] for row in security.memberships(store, user.id)]
    if roles.USER_GROUP not in groups and user.id != roles.GUEST:
        raise omero.SecurityViolation(
            None, None, f"User {user.values['omeName']} is not active and cannot login"
        )
    if not name or name == roles.USER_GROUP_NAME:
        return int(next((g for g in groups if g != roles.USER_GROUP), groups[0]))
    group = store.lookup("ExperimenterGroup", "name", name)
    if group is None:
        raise omero.ApiUsageException(None, None, f"No such group: {name}")
    if group.id not in groups and roles.SYSTEM_GROUP not in groups:
        message = f"User {user.id} is not a member of group {group.id} and cannot login"
        raise omero.SecurityViolation(None, None, message)
    return group.id


def as_object(store: Store, session: Session) -> Any:
    """Build the ``omero.model.Session`` that ISession answers."""
    from omero_sandbox.db.marshal import Marshaller

    rows = [row for row in [store.get("Session", session.row_id)] if row is not None]
    [made] = Marshaller(store, None).entities(rows)
    details = made.getDetails()
    details.setOwner(omero.model.ExperimenterI(session.user_id, False))
    details.setGroup(omero.model.ExperimenterGroupI(session.group_id, False))
    return made
