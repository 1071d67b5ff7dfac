"""Small commands without a graph."""

from __future__ import annotations

from threading import Event
from typing import Any

import omero.clients

from omero_sandbox.commands import rules
from omero_sandbox.commands.command import CommandFailedError
from omero_sandbox.db.schema import schema
from omero_sandbox.net.call import Call


class LegalGraphTargets:
    """List the types that a request can name (omero-blitz ``LegalGraphTargetsI``)."""

    steps = 1

    def __init__(self, call: Call, request: Any) -> None:
        kind = type(request.request)
        delete = issubclass(kind, omero.cmd.Delete2)
        if issubclass(kind, omero.cmd.Chmod2):
            self._names = frozenset({"ExperimenterGroup"})
        elif issubclass(kind, omero.cmd.GraphQuery):
            self._names = rules.targets(delete=delete)
        else:
            raise CommandFailedError("no graph request given", name="bad-request")

    def step(self, number: int) -> None:
        """Need nothing."""

    def response(self) -> omero.cmd.Response:
        """Name the types by their Java classes."""
        names = sorted(schema().types[name].java_name for name in self._names)
        return omero.cmd.LegalGraphTargetsResponse(names)


class Timing:
    """Take time: some steps of some milliseconds (omero-blitz ``TimingI``)."""

    def __init__(self, call: Call, request: Any) -> None:
        self.steps: int = request.steps
        self._seconds = request.millisPerStep / 1000
        if request.steps <= 0 or not 0 <= self._seconds * request.steps <= _LONGEST:
            raise CommandFailedError("bad number of steps or milliseconds", name="bad-timing")

    def step(self, number: int) -> None:
        """Wait."""
        Event().wait(self._seconds)

    def response(self) -> omero.cmd.Response:
        """Say that the time is over."""
        return omero.cmd.OK()


class UpdateSessionTimeout:
    """Change a session's timeouts (omero-blitz ``UpdateSessionTimeoutRequestI``)."""

    steps = 1

    def __init__(self, call: Call, request: Any) -> None:
        self._call = call
        self._request = request

    def step(self, number: int) -> None:
        """Set what the request sets; only administrators may ask for more than they have.

        Raises
        ------
        CommandFailedError
            No such session, another user's, or a longer timeout for a normal user.
        """
        session = self._call.context.sessions.find(self._request.session)
        if session is None:
            raise CommandFailedError(f"No such session: {self._request.session}", name="no-session")
        if session.user_id != self._call.caller_id and not self._call.is_admin:
            raise CommandFailedError("Only an administrator may change others' sessions", name="non-admin")
        live, idle = self._request.timeToLive, self._request.timeToIdle
        if live is not None:
            self._require(live.val, session.time_to_live)
            session.time_to_live = live.val
        if idle is not None:
            self._require(idle.val, _MAX_IDLE)
            session.time_to_idle = idle.val
        changes = {"timeToLive": session.time_to_live, "timeToIdle": session.time_to_idle}
        row = self._call.store.get("Session", session.row_id)
        if row is not None:
            self._call.store.update(row, changes)

    def response(self) -> omero.cmd.Response:
        """Say that it was done."""
        return omero.cmd.OK()

    def _require(self, wanted: int, most: int) -> None:
        too_long = most != 0 and (wanted <= 0 or wanted > most)
        if too_long and not self._call.is_admin:
            message = f"cannot extend timeout to {wanted} ms, at most {most}"
            raise CommandFailedError(message, name="non-admin-increase")


# Seconds that a Timing request may take in all.
_LONGEST = 300
# Default of omero.sessions.max_user_time_to_idle.
_MAX_IDLE = 6_000_000
