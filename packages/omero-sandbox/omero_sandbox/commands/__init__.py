"""Commands: requests that run behind a handle (delete, chown, chgrp …)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omero_sandbox.commands.command import Command, CommandFailedError, from_exception
from omero_sandbox.commands.handle import CommandHandle
from omero_sandbox.commands.registry import command_for

if TYPE_CHECKING:
    import omero.clients

    from omero_sandbox.net.call import Call

__all__ = ["Command", "CommandFailedError", "CommandHandle", "start"]


def start(call: Call, request: Any) -> Any:
    """Run a request in a transaction of its own and return its ``HandlePrx``.

    A request that cannot be started fails in its response, not here; one that is no request at all has no
    handle (omero-blitz ``SessionI.submit``).
    """
    if request is None or request.ice_id() == "::omero::cmd::Request":
        return None
    command = _Deferred(call, request)
    return CommandHandle(call.context, request, command, call.store.transaction).submit()


class _Deferred:
    """Makes the command in the worker thread, so that its arguments are checked there too."""

    def __init__(self, call: Call, request: Any) -> None:
        self._call = call
        self._request = request
        self._command: Command | None = None

    @property
    def steps(self) -> int:
        return self._made().steps

    def step(self, number: int) -> None:
        self._made().step(number)

    def response(self) -> omero.cmd.Response:
        return self._made().response()

    def _made(self) -> Command:
        if self._command is None:
            try:
                self._command = command_for(self._call, self._request)
            except CommandFailedError:
                raise
            except Exception as error:
                raise from_exception(error, "steps-cancel") from error
        return self._command
