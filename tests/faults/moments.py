"""Moments of a command, and commands that get a signal at one of them.

A moment is a number of calls on the server, before or after the server did what it was asked, or a number of
fault points: so it is the same on a fast and on a slow machine.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from omero_rocrate_transfer.transfer import faultpoints
from omero_sandbox.net.faults import ANY as EVERY_CALL
from omero_sandbox.server import SandboxServer
from tests.faults import worlds

#: Runs a command and says how many fault points it passed.
_COUNTING = """
import sys
from omero_rocrate_transfer.__main__ import main
from omero_rocrate_transfer.transfer import faultpoints
code = main(sys.argv[1:])
print(faultpoints._hits[faultpoints.ANY])
sys.exit(code)
"""


def seeds(few: int, *, soak: int) -> list[object]:
    """Return numbers for cases: a few for every day, others for the long runs."""
    return [*range(few), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(few, few + soak))]


@dataclass(frozen=True)
class Length:
    """How long an undisturbed command is."""

    calls: int
    points: int


@dataclass(frozen=True)
class Moment:
    """When a command gets its signal."""

    #: ``before call``, ``after call`` or ``point``.
    kind: str
    #: How many pass before.
    skip: int


def draw(dice: random.Random, length: Length) -> Moment:
    """Choose a moment of a command, but for its last calls: how many these are depends on its threads."""
    kind = dice.choice(("before call", "after call", "point"))
    return Moment(kind, dice.randrange((length.points if kind == "point" else length.calls) * 9 // 10))


def measure(home: Path, server: SandboxServer, *words: str) -> Length:
    """Run a command to its end, and tell its length."""
    before = server.calls.total()
    fault = f"{faultpoints.ANY}=kill@{sys.maxsize}"
    with worlds.start(home, server, *words, fault=fault, program=("-c", _COUNTING)) as process:
        stdout, stderr = worlds.finish(process)
    assert process.returncode == 0, stderr
    return Length(server.calls.total() - before, int(stdout.splitlines()[-1]))


def run_until(
    home: Path, server: SandboxServer, words: tuple[str, ...], moment: Moment, how: str
) -> tuple[int, str]:
    """Run a command that gets a signal at a moment; return its exit code and standard error."""
    if moment.kind == "point":
        code, _, stderr = worlds.run(home, server, *words, fault=f"{faultpoints.ANY}={how}@{moment.skip + 1}")
        return code, stderr
    with (
        _signal_at(server, moment, faultpoints.SIGNALS[how]) as receiver,
        worlds.start(home, server, *words) as process,
    ):
        receiver.set_result(process)
        _, stderr = worlds.finish(process)
    return process.returncode, stderr


@contextmanager
def _signal_at(server: SandboxServer, moment: Moment, signum: int) -> Iterator[Future[Any]]:
    """Send a signal at a call; to which process may be told a little later."""
    receiver: Future[Any] = Future()
    server.faults.add(
        EVERY_CALL,
        lambda _: receiver.result().send_signal(signum),
        late=moment.kind == "after call",
        skip=moment.skip,
    )
    try:
        yield receiver
    finally:
        server.faults.clear()
