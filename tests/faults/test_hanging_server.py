"""A server that hangs, like a machine without memory: connections are taken, and nothing is answered.

The machine of a test takes them for a process that is stopped. When it stops, its own calls tell.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import seed
from tests.faults import worlds

pytestmark = pytest.mark.promise("servers that hung, and commands that went on when they were back")

LIMITS = ("--parallel", "2", "--timeout", "2", "--retries", "1")
#: Where it hangs, and after how many such calls: more units are left than are at work.
MOMENTS = (
    ("RawFileStore.write", 0),
    pytest.param("RawFileStore.write", 1, marks=pytest.mark.soak),
    pytest.param("ManagedRepository.importFileset", 0, marks=pytest.mark.soak),
    pytest.param("ManagedRepository.importFileset", 2, marks=pytest.mark.soak),
    pytest.param("IUpdate.saveAndReturnIds", 3, marks=pytest.mark.soak),
)
_COUNTED = ("Project", "Dataset", "Fileset", "Image", "Roi", "TagAnnotation", "MapAnnotation")
#: Stops all of itself once it is in an operation, after some others of it; ends with its standard input.
_SERVER = """
import os, signal, sys
from pathlib import Path
from omero_sandbox.server import SandboxServer

folder, operation, skip = sys.argv[1:]
with SandboxServer(Path(folder)) as server:
    server.faults.add(operation, lambda _: os.kill(os.getpid(), signal.SIGSTOP), skip=int(skip))
    print(server.port, flush=True)
    sys.stdin.read()
"""


@dataclass
class Hanging:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    port: int

    def go_on(self) -> None:
        """Let it answer again."""
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def hanging_server(folder: Path, operation: str, skip: int) -> Iterator[Hanging]:
    """Run a server that stops in a call of an operation, after some others of it."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(folder), operation, str(skip)],
        cwd=worlds.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            yield Hanging(process, int(process.stdout.readline()))
        finally:
            process.send_signal(signal.SIGCONT)
            process.communicate()


@dataclass(frozen=True)
class World:
    """A server, the object to take from it, its crate, and what a transfer leaves when nothing happens."""

    server: SandboxServer
    root: str
    crate: Path
    undisturbed: dict[str, int]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("home")
    with SandboxServer(home / "source") as server, SandboxServer(home / "target") as target:
        root = worlds.fill(server, tmp_path_factory.mktemp("in"), file_bytes=200_000)
        for end, words in ((server, ("pack", root, "crate")), (target, ("unpack", "crate"))):
            code, _, stderr = worlds.run(home, end, *words)
            assert code == 0, stderr
        yield World(server, root, home / "crate", counts(target.port))


def counts(port: int) -> dict[str, int]:
    """Return how many objects of each type are on a server."""
    client = seed.connection("127.0.0.1", port, "root", "omero")
    try:
        query = client.getSession().getQueryService()
        found = (
            query.projection(f"select count(o) from {name} o", None, {"omero.group": "-1"})
            for name in _COUNTED
        )
        return {name: rows[0][0].val for name, rows in zip(_COUNTED, found, strict=True)}
    finally:
        client.closeSession()


@pytest.mark.parametrize(("operation", "skip"), MOMENTS)
def test_unpack_ends_in_one_sentence_and_goes_on_later(
    operation: str, skip: int, world: World, tmp_path: Path
) -> None:
    words = ("unpack", str(world.crate), *LIMITS)
    with hanging_server(tmp_path / "target", operation, skip) as target:
        through = ("tcp://127.0.0.1", target.port)

        code, summary, stderr = worlds.run(tmp_path, world.server, *words, through=through)

        assert (code, summary["failed"], summary["error"]["id"]) == (6, 0, "link-lost"), stderr
        target.go_on()
        code, summary, stderr = worlds.run(tmp_path, world.server, *words, through=through)
        assert (code, summary["done"] + summary["skipped"]) == (0, worlds.UNITS), stderr
        assert counts(target.port) == world.undisturbed
        verify = ("verify", str(world.crate), "--server")
        code, _, stderr = worlds.run(tmp_path, world.server, *verify, through=through)
        assert code == 0, stderr


@pytest.mark.soak
def test_copy_ends_in_one_sentence_and_goes_on_later(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMERO_TRANSFER_TO_PASSWORD", "omero")
    with hanging_server(tmp_path / "target", "RawFileStore.write", 0) as target:
        to = ("--to-server", "tcp://127.0.0.1", "--to-port", str(target.port), "--idmap", "ids.json")
        words = ("copy", world.root, *to, *LIMITS)

        code, summary, stderr = worlds.run(tmp_path, world.server, *words)

        assert (code, summary["failed"], summary["error"]["id"]) == (6, 0, "link-lost"), stderr
        target.go_on()
        code, summary, stderr = worlds.run(tmp_path, world.server, *words)
        assert (code, summary["done"] + summary["skipped"]) == (0, worlds.UNITS), stderr
        assert counts(target.port) == world.undisturbed
