"""Killed before any call that changes a file, a pack goes on with the same command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from omero_sandbox.server import SandboxServer
from tests.faults import worlds
from tests.faults.conftest import FORMS
from tests.promises import Promise

SHIM = str(Path(__file__).with_name("system_calls.py"))
#: Calls that are tried of each form where time is short.
SAMPLES = 4


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxServer, str]]:
    """Give a server with a small world, and the object to pack."""
    with SandboxServer(tmp_path_factory.mktemp("source")) as server:
        yield server, worlds.fill(server, tmp_path_factory.mktemp("in"))


def pack(home: Path, server: tuple[SandboxServer, str], form: str, number: int) -> int:
    """Pack in a process that is killed before a call; return how it ended."""
    home.mkdir(exist_ok=True)
    program = (SHIM, str(home), str(number))
    with worlds.start(home, server[0], "pack", server[1], form, program=program) as process:
        worlds.finish(process)
    return process.returncode


def goes_on(home: Path, server: tuple[SandboxServer, str], form: str, number: int) -> bool:
    """Tell whether a pack that was killed came to its end at the second attempt, and left nothing else."""
    if pack(home, server, form, number) != -9:
        return False
    code, summary, _ = worlds.run(home, server[0], "pack", server[1], form)
    return (code, summary.get("done", 0) + summary.get("skipped", 0)) == (0, worlds.UNITS) and {
        path.name for path in home.iterdir()
    } == {"omero", form}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_pack_goes_on_from_every_call(
    every: bool, form: str, server: tuple[SandboxServer, str], tmp_path: Path, promise: Promise
) -> None:
    assert pack(tmp_path / "whole", server, form, 0) == 0
    calls = int((tmp_path / "whole.calls").read_text())
    assert calls > 20
    undisturbed = worlds.read_crate(tmp_path / "whole" / form)
    # the last ones give the crate its name
    numbers = range(1, calls + 1) if every else [calls * part // SAMPLES - part for part in range(1, SAMPLES)]

    lost = []
    for number in numbers:
        home = tmp_path / str(number)
        if not goes_on(home, server, form, number) or worlds.read_crate(home / form) != undisturbed:
            lost.append(number)

    promise("packs that went on from a system call", len(numbers) - len(lost), len(numbers))
    assert lost == []
