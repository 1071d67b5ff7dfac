"""The handle of a command, without a network."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import SimpleNamespace
from typing import Any

import omero.clients
import pytest

from omero_sandbox.commands.command import CommandFailedError, graph_error
from omero_sandbox.commands.handle import CommandHandle

CALL: Any = None
CONTEXT: Any = SimpleNamespace(unregister=lambda implementation: None)


class Work:
    """A command that notes its steps and can be told to fail or to wait."""

    def __init__(self, steps: int = 3, error: Exception | None = None, gate: Event | None = None) -> None:
        self.steps = steps
        self.error = error
        self.gate = gate
        self.done: list[int] = []
        self.started = Event()

    def step(self, number: int) -> None:
        self.started.set()
        if self.gate is not None:
            assert self.gate.wait(10)
        if self.error is not None:
            raise self.error
        self.done.append(number)

    def response(self) -> omero.cmd.Response:
        return omero.cmd.OK()


def finished(work: Work) -> CommandHandle:
    handle = CommandHandle(CONTEXT, omero.cmd.Delete2(), work)
    handle.start()
    assert handle.join(10)
    return handle


def test_steps_run_in_order_and_the_response_follows() -> None:
    work = Work(steps=4)
    handle = finished(work)
    assert work.done == [0, 1, 2, 3]
    assert isinstance(handle.getResponse(CALL), omero.cmd.OK)
    status = handle.getStatus(CALL)
    assert (status.steps, status.currentStep, status.flags) == (4, 3, [])
    assert status.startTime <= status.stopTime


def test_no_response_before_the_last_step() -> None:
    gate = Event()
    work = Work(gate=gate)
    handle = CommandHandle(CONTEXT, omero.cmd.Delete2(), work)
    handle.start()
    assert work.started.wait(10)
    assert handle.getResponse(CALL) is None
    gate.set()
    assert handle.join(10)
    assert handle.getResponse(CALL) is not None


def test_failure_becomes_the_error_response_of_the_request() -> None:
    handle = finished(Work(error=graph_error("may not delete Image[1]")))
    response = handle.getResponse(CALL)
    assert isinstance(response, omero.cmd.GraphException)
    assert response.message == response.parameters["message"] == "may not delete Image[1]"
    assert (response.category, response.name) == ("::omero::cmd::Delete2", "graph-fail")
    assert omero.cmd.State.FAILURE in handle.getStatus(CALL).flags


def test_unexpected_exception_is_answered_not_lost() -> None:
    response = finished(Work(error=ZeroDivisionError("by zero"))).getResponse(CALL)
    assert isinstance(response, omero.cmd.ERR)
    assert (response.name, response.parameters["message"]) == ("run-fail", "by zero")


def test_scope_sees_the_failure_so_that_it_can_roll_back() -> None:
    seen: list[str] = []

    @contextmanager
    def scope() -> Iterator[None]:
        try:
            yield
        except CommandFailedError as error:
            seen.append(str(error))
            raise

    handle = CommandHandle(CONTEXT, omero.cmd.Delete2(), Work(error=graph_error("no")), scope=scope)
    handle.start()
    assert handle.join(10)
    assert seen == ["no"]


def test_cancel_stops_before_the_next_step() -> None:
    gate = Event()
    work = Work(steps=5, gate=gate)
    handle = CommandHandle(CONTEXT, omero.cmd.Delete2(), work)
    handle.start()
    assert work.started.wait(10)
    handle.close(CALL)
    gate.set()
    assert handle.join(10)
    assert len(work.done) < 5
    assert omero.cmd.State.CANCELLED in handle.getStatus(CALL).flags


def test_cancel_after_the_end_is_refused() -> None:
    assert finished(Work()).cancel(CALL) is False


@pytest.mark.parametrize("steps", [1, 10, 95])
def test_callbacks_hear_about_ten_steps_and_the_end(steps: int) -> None:
    told: list[tuple[int, int]] = []
    ends: list[omero.cmd.Response] = []

    class Callback:
        def step(self, complete: int, total: int) -> None:
            told.append((complete, total))

        def finished(self, response: omero.cmd.Response, status: omero.cmd.Status) -> None:
            ends.append(response)

    handle = CommandHandle(CONTEXT, omero.cmd.Delete2(), Work(steps=steps))
    handle._callbacks["x"] = Callback()
    handle.start()
    assert handle.join(10)
    assert 1 <= len(told) <= 11
    assert len(ends) == 1
