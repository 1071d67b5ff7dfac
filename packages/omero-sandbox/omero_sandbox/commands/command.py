"""What a request does when it runs, and how it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import omero
import omero.clients


class Command(Protocol):
    """The work behind a request: a fixed number of steps, then a response."""

    @property
    def steps(self) -> int:
        """Number of steps, known before the first one."""

    def step(self, number: int) -> None:
        """Do step ``number``; raise `CommandFailedError` or an OMERO exception to end the command."""

    def response(self) -> omero.cmd.Response:
        """Answer of a command whose steps have all been done."""


class CommandFailedError(Exception):
    """Ends a command with an error response.

    Parameters
    ----------
    message : str
    name : str
        Machine-readable name of the failure, such as ``graph-fail`` or ``import-unknown-format``.
    parameters : mapping of str to str, optional
        Further ``ERR.parameters``.
    error : omero.cmd.ERR, optional
        A subclass to answer with.
    """

    def __init__(
        self,
        message: str,
        *,
        name: str = "graph-fail",
        parameters: Mapping[str, str] | None = None,
        error: omero.cmd.ERR | None = None,
    ) -> None:
        super().__init__(message)
        self.name = name
        self.parameters = dict(parameters or {})
        self.error = error if error is not None else omero.cmd.ERR()

    def response(self, request: omero.cmd.Request) -> omero.cmd.ERR:
        """Error response to a request: its category is the Ice id of the request (blitz Helper.fail)."""
        self.error.category = request.ice_id()
        self.error.name = self.name
        self.error.parameters = {**self.parameters, "message": str(self), "stacktrace": ""}
        return self.error


def graph_error(message: str) -> CommandFailedError:
    """Failure of a command that changes the object graph (``omero.cmd.GraphException``)."""
    return CommandFailedError(message, error=omero.cmd.GraphException(message=message))


def from_exception(error: BaseException, name: str) -> CommandFailedError:
    """Failure made of an exception of another layer; OMERO's own carry their text in ``message``."""
    text: Any = getattr(error, "message", None) or str(error) or type(error).__name__
    return CommandFailedError(str(text), name=name)
