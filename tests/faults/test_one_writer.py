"""One process at a time works on a run and on a target; what a dead one held is free."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from omero_rocrate_transfer.model.errors import RefusedError
from omero_rocrate_transfer.transfer.journal.file import Journal
from omero_sandbox.server import SandboxServer
from tests.faults import rich, worlds
from tests.faults.conftest import FORMS, Packed, Source
from tests.promises import Promise

LOCKS = 100
HEAD = {"fingerprint": "f", "command": "pack"}
#: Opens journals, says so, and waits to be killed.
_HOLDER = f"""
import pathlib, signal, sys
from omero_rocrate_transfer.transfer.journal.file import Journal
held = [Journal(pathlib.Path(name), {HEAD!r}) for name in sys.argv[1:]]
print("held", flush=True)
signal.pause()
"""


@contextmanager
def at_work(home: Path, server: SandboxServer, operation: str, *words: str) -> Iterator[Any]:
    """Hold a command in the middle of a call while the block runs, then let it go on to its end."""
    entered, go_on = Event(), Event()

    def hold(_current: Any) -> None:
        entered.set()
        assert go_on.wait(120)

    server.faults.add(operation, hold)
    with worlds.start(home, server, *words) as process:
        try:
            assert entered.wait(120), f"{operation} was not called"
            yield process
        finally:
            go_on.set()
        _, stderr = worlds.finish(process)
    assert process.returncode == 0, stderr


def check_refused(result: tuple[int, dict[str, Any], str]) -> None:
    code, summary, stderr = result
    assert (code, summary["error"]["id"]) == (7, "refused"), stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    "form", [form if form == "crate.zip" else pytest.param(form, marks=pytest.mark.soak) for form in FORMS]
)
def test_second_pack_is_refused(form: str, source: Source, packed: Packed, tmp_path: Path) -> None:
    """The same command, and another one with the same target."""
    words = ("pack", *source.roots, form, *rich.PACK)
    with at_work(tmp_path, source.server, "RawPixelsStore.getTile", *words) as process:
        again = worlds.run(tmp_path, source.server, *words)
        other = worlds.run(tmp_path, source.server, *words, "--run", "other")

    check_refused(again)
    assert f"process {process.pid} on" in again[1]["error"]["text"]
    check_refused(other)
    assert worlds.read_crate(tmp_path / form) == packed.crates[form]


def test_second_unpack_is_refused(packed: Packed, tmp_path: Path) -> None:
    words = ("unpack", str(packed.home / "crate"), *rich.UNPACK)
    (tmp_path / "home").mkdir()
    with SandboxServer(tmp_path / "target") as server:
        with at_work(tmp_path / "home", server, "RawPixelsStore.setTile", *words):
            check_refused(worlds.run(tmp_path / "home", server, *words))

        assert sum(1 for _ in server.store.rows("Fileset")) == 2


def test_locks_of_a_killed_process_are_taken_over(tmp_path: Path, promise: Promise) -> None:
    paths = [tmp_path / f"{number}.jsonl" for number in range(LOCKS)]
    command = [sys.executable, "-c", _HOLDER, *map(str, paths)]
    environment = os.environ | {"PYTHONPATH": str(worlds.ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        refused = sum(is_refused(path) for path in paths)
        process.send_signal(signal.SIGKILL)

    taken = sum(not is_refused(path) for path in paths)

    promise("second processes refused", refused, LOCKS)
    promise("locks of dead processes taken over", taken, LOCKS)


def is_refused(path: Path) -> bool:
    try:
        with Journal(path, HEAD) as journal:
            assert journal.is_resumed
    except RefusedError:
        return True
    return False
