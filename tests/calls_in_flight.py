"""The most calls of ours that one stateful service had in flight, told at the end of a run; more is an error.

Calls are counted where they are sent, in the process of the tests, whatever the server is. What was counted
travels with the reports of the tests, so it is the same whether they run in one process or in several.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from weakref import WeakKeyDictionary

import pytest

from omero_rocrate_transfer.server.session.stateful import PendingCall, Service

#: Name of the property of a test.
_HIGHEST: Final = "calls in flight"


def pytest_configure(config: pytest.Config) -> None:
    """Register the plugin that tells."""
    config.pluginmanager.register(_Teller())


@pytest.fixture(autouse=True)
def _calls_in_flight(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Count the calls of a test."""
    sent: WeakKeyDictionary[Service, list[Any]] = WeakKeyDictionary()
    highest = 0
    send = Service._send

    def counted(service: Service, *arguments: Any) -> PendingCall:
        nonlocal highest
        call = send(service, *arguments)
        # what is taken away once the answer was fetched
        running = [each for each in sent.get(service, []) if not each.isCompleted()]
        sent[service] = [*running, call._sent]
        highest = max(highest, len(sent[service]))
        return call

    monkeypatch.setattr(Service, "_send", counted)
    yield
    if highest:
        request.node.user_properties.append((_HIGHEST, highest))
    assert highest <= 1, f"{highest} calls were in flight at once in one stateful service"


class _Teller:
    """Keeps the highest number."""

    def __init__(self) -> None:
        self._highest = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Look at a test when its last phase is over."""
        if report.when == "teardown":
            numbers = (value for name, value in report.user_properties if name == _HIGHEST)
            self._highest = max(self._highest, *(int(str(number)) for number in numbers), 0)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the number, if any test called a stateful service."""
        if self._highest:
            line = f"highest number of calls in flight per stateful service: {self._highest}"
            terminalreporter.line(line, green=self._highest == 1, red=self._highest > 1)
