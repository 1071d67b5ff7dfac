"""How many tests passed on which servers: one line at the end, ``98 of 98 on SOURCE → TARGET`` with versions.

What a test ran on travels with its report, so it is the same whether tests run in one process or in several.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

#: Name of the property of a test: which of the servers, and its description.
SERVERS = "servers"
#: Names of the ends of a transfer.
SOURCE, TARGET = "source", "target"


def pytest_configure(config: pytest.Config) -> None:
    """Register whoever counts."""
    config.pluginmanager.register(_Counter())


class _Counter:
    """Adds up what the tests report."""

    def __init__(self) -> None:
        self._passed = 0
        self._run = 0
        #: By end, the servers there.
        self._ends: dict[str, Counter[str]] = {SOURCE: Counter(), TARGET: Counter()}
        #: Tests that failed or were skipped in an earlier phase.
        self._outcomes: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test when its last phase is over."""
        if not report.passed:
            self._outcomes[report.nodeid] = report.outcome
        if report.when != "teardown":
            return
        outcome = self._outcomes.pop(report.nodeid, "passed")
        ends: list[Any] = [value for name, value in report.user_properties if name == SERVERS]
        if not ends or outcome == "skipped":
            return
        for end, description in ends:
            self._ends[end][description] += 1
        self._run += 1
        self._passed += outcome == "passed"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the line."""
        if not self._run:
            return
        terminalreporter.section("servers")
        source, target = (" / ".join(sorted(found)) or "none" for found in self._ends.values())
        line = f"{self._passed} of {self._run} on {source} → {target}"
        terminalreporter.line(line, green=self._passed == self._run, red=self._passed < self._run)
