"""ISession: other sessions of users (ome.services.sessions.SessionBean)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import omero
import omero.clients

from omero_sandbox.net.sessions import Session, as_object, find_group
from omero_sandbox.security import rights as security
from omero_sandbox.security import roles
from omero_sandbox.security.passwords import check_password

if TYPE_CHECKING:
    from omero_sandbox.db.store import Row
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext


class SessionService:
    """Timeouts are in milliseconds, 0 = unlimited."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    # -- making --------------------

    def createSession(self, call: Call, p: Any, credentials: str) -> Any:
        """Start a session with a password.

        Raises
        ------
        omero.SecurityViolation
            Wrong password or unknown user.
        """
        user = call.store.lookup("Experimenter", "omeName", p.name)
        if user is None or not check_password(user, credentials):
            raise omero.SecurityViolation(None, None, f"Authentication failure for {p.name}")
        return self._create(call, user, p, live=None, idle=None)

    def createUserSession(
        self, call: Call, timeToLiveMilliseconds: int, timeToIdleMilliseconds: int, defaultGroup: str
    ) -> Any:
        """Start another session for oneself; needs a login with password (as OMERO's @HasPassword)."""
        require_password_login(self.context)
        user = security.experimenter(call.store, call.caller_id)
        group = find_group(call.store, user, defaultGroup)
        session = self.context.sessions.create(
            user, group, live=timeToLiveMilliseconds, idle=timeToIdleMilliseconds
        )
        return as_object(call.store, session)

    def createSessionWithTimeout(self, call: Call, principal: Any, timeToLiveMilliseconds: int) -> Any:
        """Start a session as another user that does not end by idling."""
        return self.createSessionWithTimeouts(call, principal, timeToLiveMilliseconds, 0)

    def createSessionWithTimeouts(
        self, call: Call, principal: Any, timeToLiveMilliseconds: int, timeToIdleMilliseconds: int
    ) -> Any:
        """Start a session as another user ("sudo").

        Raises
        ------
        omero.SecurityViolation
            The caller is neither an administrator with privilege Sudo nor an owner of the group.
        omero.ApiUsageException
            No such user, group or event type.
        """
        user = call.store.lookup("Experimenter", "omeName", principal.name)
        if user is None:
            raise omero.ApiUsageException(None, None, f"No such experimenter: {principal.name}")
        live, idle = timeToLiveMilliseconds, timeToIdleMilliseconds
        if "Sudo" in call.privileges:
            return self._create(call, user, principal, live=live, idle=idle, sudoer=call.caller_id)
        led = _led_groups(call, user, principal)
        return self._create(call, user, principal, live=live, idle=idle, sudoer=call.caller_id, led=led)

    def _create(
        self,
        call: Call,
        user: Row,
        principal: Any,
        *,
        live: int | None,
        idle: int | None,
        sudoer: int | None = None,
        led: frozenset[int] | None = None,
    ) -> Any:
        kind = principal.eventType or "User"
        if call.store.enum("EventType", kind) is None:
            raise omero.ApiUsageException(None, None, f"No such event type: {kind}")
        group = find_group(call.store, user, principal.group)
        session = self.context.sessions.create(
            user, group, live=live, idle=idle, event_type=kind, sudoer=sudoer, led_groups=led
        )
        return as_object(call.store, session)

    # -- reading --------------------

    def getSession(self, call: Call, sessionUuid: str) -> Any:
        """Return any live session by its uuid."""
        return as_object(call.store, self._find(sessionUuid))

    def getReferenceCount(self, call: Call, sessionUuid: str) -> int:
        """Return how many clients hold a session."""
        return self._find(sessionUuid).references

    def getMyOpenSessions(self, call: Call) -> list[Any]:
        """Return the caller's live sessions."""
        return [as_object(call.store, session) for session in self._mine(call)]

    def getMyOpenAgentSessions(self, call: Call, agent: str) -> list[Any]:
        """Return the caller's live sessions of one kind of client."""
        return [as_object(call.store, session) for session in self._mine(call) if session.agent == agent]

    def getMyOpenClientSessions(self, call: Call) -> list[Any]:
        """Return the caller's live sessions that clients hold."""
        return [as_object(call.store, session) for session in self._mine(call) if session.references > 0]

    def _mine(self, call: Call) -> list[Session]:
        return [session for session in self.context.sessions.live() if session.user_id == call.caller_id]

    def _find(self, uuid: str) -> Session:
        session: Session | None = self.context.sessions.find(uuid)
        if session is None:
            raise omero.RemovedSessionException(None, None, f"No context for {uuid}")
        return session

    # -- ending --------------------

    def closeSession(self, call: Call, sess: Any) -> int:
        """Drop one reference to a session.

        Returns
        -------
        int
            References left, -2 if this ended the session, -1 if there was none.
        """
        uuid = sess.getUuid()
        session = None if uuid is None else self.context.sessions.find(uuid.getValue())
        return -1 if session is None else self.context.sessions.release(session)


def require_password_login(context: ServiceContext) -> None:
    """Refuse methods that OMERO marks @HasPassword in a session that was joined by uuid.

    Raises
    ------
    omero.SecurityViolation
    """
    if context.reused:
        raise omero.SecurityViolation(None, None, "Bad authentication credentials for this action")


def _led_groups(call: Call, user: Row, principal: Any) -> frozenset[int]:
    """Find the groups through which a group owner may act as one of its members."""
    groups = {row.values["parent"] for row in security.memberships(call.store, user.id)}
    led = frozenset(call.leader_of) & groups
    if not led or roles.SYSTEM_GROUP in groups:
        message = f"User {call.caller_id} may not create a session for {principal.name}: needs privilege Sudo"
        raise omero.SecurityViolation(None, None, message)
    group = find_group(call.store, user, principal.group)
    if group not in led:
        raise omero.SecurityViolation(None, None, f"Group sudo is not permitted for group {group}")
    return led
