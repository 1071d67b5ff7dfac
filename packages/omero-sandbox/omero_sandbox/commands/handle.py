"""The handle of a running command: steps in a worker thread, callbacks to the client.

Facts: omero-blitz ``HandleI``, ``Helper.fail`` and ``SessionI.submit``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

import Ice
import omero
import omero.clients

from omero_sandbox.commands.command import Command, CommandFailedError, from_exception

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext

_LOG = logging.getLogger(__name__)
_MOST_NOTIFICATIONS = 10
_CANCEL_TIMEOUT = 5.0


class CommandHandle:
    """Implementation of ``omero.cmd.Handle`` for one command; `submit` registers and starts it.

    Parameters
    ----------
    context : ServiceContext
    request : omero.cmd.Request
        What `getRequest` returns.
    command : Command
    scope : callable, optional
        Makes the context manager in which all steps run, such as ``store.transaction``. Import has none: its
        steps commit one by one.
    """

    def __init__(
        self,
        context: ServiceContext,
        request: omero.cmd.Request,
        command: Command,
        scope: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.context = context
        self._request = request
        self._command = command
        self._scope = scope
        self._callbacks: dict[str, Any] = {}
        self._lock = Lock()
        self._cancelled = Event()
        self._done = Event()
        self._response: omero.cmd.Response | None = None
        self._status = omero.cmd.Status(flags=[], parameters={}, stepStartTimes=[], stepStopTimes=[])
        self._thread = Thread(target=self._run, name=f"command {request.ice_id()}", daemon=True)

    def submit(self) -> Any:
        """Register with the client's session, begin the work and return the ``HandlePrx``."""
        proxy = self.context.register(omero.cmd.Handle, self)
        self.start()
        return proxy

    def start(self) -> None:
        """Begin the work."""
        self._thread.start()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end of the work; False if it goes on."""
        return self._done.wait(timeout)

    # -- operations of the interface

    def addCallback(self, call: Call, cb: Any) -> None:
        """Tell this callback of steps and of the end, over the connection it came by: clients accept none."""
        proxy = call.current.con.createProxy(cb.ice_getIdentity()).ice_oneway()
        with self._lock:
            self._callbacks[_key(cb)] = omero.cmd.CmdCallbackPrx.uncheckedCast(proxy)

    def removeCallback(self, call: Call, cb: Any) -> None:
        """Forget a callback."""
        with self._lock:
            self._callbacks.pop(_key(cb), None)

    def getRequest(self, call: Call) -> omero.cmd.Request:
        """Return the request as it was sent."""
        return self._request

    def getResponse(self, call: Call) -> omero.cmd.Response | None:
        """Return the response, or None while the command runs."""
        return self._response

    def getStatus(self, call: Call) -> omero.cmd.Status:
        """Return the status; flags stay empty on success, as OMERO never sets ``SUCCESS``."""
        return self._status

    def cancel(self, call: Call) -> bool:
        """Stop before the next step; False if the command had ended already.

        Raises
        ------
        omero.LockTimeout
            The step under way takes too long.
        """
        if self._done.is_set():
            return False
        self._cancelled.set()
        if not self._done.wait(_CANCEL_TIMEOUT):
            raise omero.LockTimeout(
                None, None, "timed out while waiting on CANCELLED state", 5000, int(_CANCEL_TIMEOUT)
            )
        return omero.cmd.State.CANCELLED in self._status.flags

    def close(self, call: Call) -> None:
        """Remove the handle; a running command is cancelled first."""
        self.context.unregister(self)
        self._cancelled.set()

    def session_ended(self) -> None:
        """Stop before the next step: nobody can ask for the response any more."""
        self._cancelled.set()

    # -- work

    def _run(self) -> None:
        self._status.startTime = _now()
        try:
            with self._scope():
                self._steps()
            response = self._command.response()
        except CommandFailedError as failure:
            response = self._fail(failure)
        except Exception as error:  # noqa: BLE001 -- a thread's end is a process boundary: the client must hear
            _LOG.debug("%s failed", self._request.ice_id(), exc_info=True)
            response = self._fail(from_exception(error, "run-fail"))
        self._status.stopTime = _now()
        self._response = response
        self._done.set()
        self._notify(lambda callback: callback.finished(response, self._status))

    def _steps(self) -> None:
        total = self._status.steps = self._command.steps
        every = max(1, total // _MOST_NOTIFICATIONS)
        for number in range(total):
            if self._cancelled.is_set():
                raise CommandFailedError("The command was cancelled.", name="cancel-called")
            self._status.currentStep = number
            self._status.stepStartTimes.append(_now())
            self._command.step(number)
            self._status.stepStopTimes.append(_now())
            if (number + 1) % every == 0:
                self._notify(lambda callback, done=number + 1: callback.step(done, total))  # type: ignore[misc]

    def _fail(self, failure: CommandFailedError) -> omero.cmd.ERR:
        self._status.flags += [omero.cmd.State.FAILURE, omero.cmd.State.CANCELLED]
        return failure.response(self._request)

    def _notify(self, tell: Callable[[Any], None]) -> None:
        with self._lock:
            callbacks = list(self._callbacks.items())
        for key, callback in callbacks:
            try:
                tell(callback)
            except Ice.Exception:
                with self._lock:
                    self._callbacks.pop(key, None)


def _key(callback: Any) -> str:
    identity = callback.ice_getIdentity()
    return f"{identity.category}/{identity.name}"


def _now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
