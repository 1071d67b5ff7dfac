"""The handle of a command as a client sees it."""

from __future__ import annotations

from typing import Any

import Ice
import omero.clients
import pytest
from omero.callbacks import CmdCallbackI


class Listener(CmdCallbackI):  # type: ignore[misc]  # omero-py is untyped
    """Notes the steps it is told of; never polls."""

    def __init__(self, client: Any, handle: Any) -> None:
        self.steps: list[tuple[int, int]] = []
        super().__init__(client, handle)

    def poll(self) -> None:
        """Ask nothing, so that only the server's call can end the wait."""

    def step(self, complete: int, total: int, current: Any = None) -> None:
        self.steps.append((complete, total))


def test_server_calls_back_at_steps_and_at_the_end(root: Any) -> None:
    handle = root.sf.submit(omero.cmd.Timing(4, 200))
    listener = Listener(root, handle)
    assert isinstance(listener.loop(50, 200), omero.cmd.OK)
    assert listener.steps
    assert {total for _, total in listener.steps} == {4}
    listener.close(True)


def test_running_command_has_no_response_yet(root: Any) -> None:
    handle = root.sf.submit(omero.cmd.Timing(3, 300))
    assert handle.getResponse() is None
    assert isinstance(handle.getRequest(), omero.cmd.Timing)
    handle.close()


def test_running_command_can_be_cancelled(root: Any) -> None:
    handle = root.sf.submit(omero.cmd.Timing(100, 50))
    listener = Listener(root, handle)
    assert handle.cancel()
    assert isinstance(listener.loop(50, 100), omero.cmd.ERR)
    assert listener.isCancelled()
    listener.close(True)


def test_closed_handle_is_gone(root: Any) -> None:
    handle = root.sf.submit(omero.cmd.Timing(1, 0))
    handle.close()
    with pytest.raises(Ice.ObjectNotExistException):
        handle.getStatus()


def test_handle_belongs_to_the_session(root: Any) -> None:
    handle = root.sf.submit(omero.cmd.Timing(1, 0))
    assert handle.ice_getIdentity().category == root.getSessionId()
    handle.close()
