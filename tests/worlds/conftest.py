"""A source with a random world in it, a target, and the commands between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import seed
from tests.command_line import CommandLine, Result, move_into_home
from tests.worlds.digests import Digests
from tests.worlds.graph import Graph, read_graph

#: The files of plates travel, too.
POLICY = {"omero.policy.binary_access": "+read,+write,+image,+plate"}


class Place:
    """A sandbox, logged in as root."""

    def __init__(self, server: SandboxServer, capsys: pytest.CaptureFixture[str]) -> None:
        self.server = server
        self.client = seed.connection(server.host, server.port, "root", "omero")
        self._clients = [self.client]
        login = ["-s", f"tcp://{server.host}", "-p", str(server.port), "-u", "root", "-w", "omero", "-C"]
        self._run = CommandLine(capsys, login)

    def run(self, command: str, *arguments: str) -> Result:
        """Run a command to its end; it must have no errors but may leave something out."""
        result = self._run(command, *arguments, "--json", exit_code=None)
        items = [line for line in result.lines if line["type"] == "item" and line["error"]]
        errors = [line["error"] for line in (*items, result.summary) if line["error"]]
        assert errors == [], errors
        assert result.exit_code in {0, 3}, result.stderr
        return result

    def graph(self, *, owners: bool = False) -> Graph:
        """Read all that is there, with the owners or without."""
        return read_graph(self.server.store, Digests(self.client), owners=owners)

    def people(self) -> tuple[Any, list[int]]:
        """Make a group of two; return a client of one, and the other."""
        group = seed.group(self.client, "lab", "rwra--")
        users = [seed.user(self.client, name, name, [group]) for name in ("alice", "bob")]
        self._clients.append(seed.connection(self.server.host, self.server.port, "alice", "alice"))
        return self._clients[-1], users[1:]

    def close(self) -> None:
        for client in self._clients:
            client.closeSession()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of the test's own, logs and sessions too."""
    return move_into_home(tmp_path, monkeypatch)


@pytest.fixture
def places(
    sandbox_factory: Callable[..., SandboxServer], capsys: pytest.CaptureFixture[str]
) -> Iterator[tuple[Place, Place]]:
    """Give source and target."""
    start = partial(sandbox_factory, config=POLICY)
    with closing(Place(start(), capsys)) as source, closing(Place(start(), capsys)) as target:
        yield source, target
