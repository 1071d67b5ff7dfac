"""Ctrl-C, SIGTERM and SIGHUP end a run cleanly, wherever it is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from omero_sandbox.testing import real_input, seed
from tests.command_line import idmap_of
from tests.integration.conftest import Server

Line = Callable[..., Any]
pytestmark = pytest.mark.sandbox
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.fixture
def image(source_server: Server, tmp_path: Path) -> int:
    """Give an image on the source."""
    made = real_input.same_names(tmp_path / "in")
    return seed.import_fileset(source_server.client(), made.folder, made.files).images[0]


@contextmanager
def held_at(server: Server, operation: str, command: list[str]) -> Iterator[tuple[Any, Event]]:
    """Run a command in a process of its own, until the server is in an operation that waits for the event."""
    assert server.sandbox is not None, "only a sandbox can be held in the middle of a call"
    entered, go_on = Event(), Event()

    def hold(_current: Any) -> None:
        entered.set()
        assert go_on.wait(60)

    server.sandbox.faults.add(operation, hold)
    arguments = [sys.executable, "-m", "omero_rocrate_transfer", *command, *server.login()]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert entered.wait(60), f"{operation} was not called"
            yield process, go_on
        finally:
            go_on.set()


def stop_at(
    server: Server, operation: str, command: list[str], signum: signal.Signals
) -> tuple[int, dict[str, Any], str]:
    """Send a signal in the middle of an operation; return exit code, summary and standard error."""
    with held_at(server, operation, command) as (process, go_on):
        process.send_signal(signum)
        go_on.set()
        stdout, stderr = process.communicate(timeout=60)
    return process.returncode, json.loads(stdout.splitlines()[-1]), stderr


@pytest.mark.parametrize("signum", CODES)
@pytest.mark.parametrize("form", ["crate", "crate.zip", "crate.tar"])
def test_pack_leaves_no_crate(
    form: str, signum: signal.Signals, source_server: Server, image: int, home: Path
) -> None:
    command = ["pack", f"Image:{image}", form, "--json"]

    code, summary, stderr = stop_at(source_server, "RawFileStore.read", command, signum)

    assert (code, summary["exit_code"]) == (CODES[signum], CODES[signum])
    assert "Traceback" not in stderr
    assert not (home / form).exists()
    assert {path.name for path in home.iterdir()} <= {"omero", f"{form}.part"}


@pytest.mark.parametrize("signum", CODES)
def test_unpack_leaves_whole_filesets_only_and_says_which(
    signum: signal.Signals,
    pack: Line,
    source_server: Server,
    target_server: Server,
    tmp_path: Path,
    home: Path,
) -> None:
    client = source_server.client()
    dataset = seed.create(client, "Dataset", "D")
    for place in range(6):
        made = real_input.same_names(tmp_path / str(place))
        seed.import_fileset(client, made.folder, made.files, dataset)
    pack(f"Dataset:{dataset.id.val}", "crate")

    command = ["unpack", "crate", "--json", "--parallel", "2"]
    code, summary, stderr = stop_at(target_server, "RawFileStore.write", command, signum)

    assert (code, summary["exit_code"]) == (CODES[signum], CODES[signum])
    assert "Traceback" not in stderr
    query = target_server.client().sf.getQueryService()
    there = {
        f"{kind}:{one.id.val}"
        for kind in ("Image", "Fileset", "Dataset")
        for one in query.findAll(kind, None)
    }
    idmap = json.loads(idmap_of(home).read_text("utf-8"))
    assert {line["target"] for line in idmap["objects"]} == there
    assert not idmap["complete"]
    assert summary["done"] == len([name for name in there if name.startswith("Fileset")]) < 6


def test_planning_is_left_at_once(source_server: Server, image: int, home: Path) -> None:
    command = ["pack", f"Image:{image}", "crate", "--json"]

    code, summary, _ = stop_at(source_server, "IQuery.projection", command, signal.SIGINT)

    assert code == 130
    assert summary["planned"] == 0
    assert not (home / "crate").exists()


def test_second_signal_does_not_wait(source_server: Server, image: int, home: Path) -> None:
    command = ["pack", f"Image:{image}", "crate.zip", "--json"]
    with held_at(source_server, "RawFileStore.read", command) as (process, _):
        # the first only sets a mark, which the run finds when the server answers: here it never does
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.2)
        assert process.returncode == -signal.SIGINT

    assert not (home / "crate.zip").exists()
