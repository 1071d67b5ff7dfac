"""How often each promise was kept: one line a promise at the end of a run, ``bit flips found: 1000 of 1000``.

A test case counts as one where it is marked ``@pytest.mark.promise("killed at fault points")``. A test that
tries many things reports them through the fixture `promise`. What was counted travels with the reports of the
tests, so it is the same whether they run in one process or in several.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

#: Names of the properties of a test: a promise that its outcome speaks for, and one that it counted itself.
_MARKED, _COUNTED = "promise", "promise kept"

Promise = Callable[[str, int, int], None]


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and whoever counts."""
    config.addinivalue_line("markers", "promise(name): the outcome counts for this promise")
    config.pluginmanager.register(_Counter())


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note which promises the outcome of a test speaks for."""
    item.user_properties += [(_MARKED, mark.args[0]) for mark in item.iter_markers("promise")]


@pytest.fixture
def promise(request: pytest.FixtureRequest) -> Promise:
    """Report a promise, ``promise("bit flips found", found, tried)``; fails where it was not always kept."""

    def report(name: str, kept: int, tried: int) -> None:
        request.node.user_properties.append((_COUNTED, (name, kept, tried)))
        assert kept == tried, f"{name}: {kept} of {tried}"

    return report


class _Counter:
    """Adds up what the tests report."""

    def __init__(self) -> None:
        self._kept: Counter[str] = Counter()
        self._tried: Counter[str] = Counter()
        #: Tests that failed or were skipped in an earlier phase.
        self._outcomes: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test when its last phase is over."""
        if not report.passed:
            self._outcomes[report.nodeid] = report.outcome
        if report.when != "teardown":
            return
        outcome = self._outcomes.pop(report.nodeid, "passed")
        for name, value in report.user_properties:
            if name == _COUNTED:
                self._add(*value)  # type: ignore[misc]  # a tuple, as `promise` made it
            elif name == _MARKED and outcome != "skipped":
                self._add(str(value), int(outcome == "passed"), 1)

    def _add(self, name: str, kept: int, tried: int) -> None:
        self._kept[name] += kept
        self._tried[name] += tried

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print a line for every promise."""
        if self._tried:
            terminalreporter.section("promises")
        for name, tried in sorted(self._tried.items()):
            kept = self._kept[name]
            terminalreporter.line(f"{name}: {kept} of {tried}", green=kept == tried, red=kept < tried)
