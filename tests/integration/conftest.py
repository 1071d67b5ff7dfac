"""Two servers and whole command lines against them.

``OMERO_TEST_SOURCE`` and ``OMERO_TEST_TARGET`` (``host:port``) name real servers, on which root has the
password ``OMERO_TEST_PASSWORD`` (``omero`` where it is not set); without them each test gets two sandboxes.
The policy ``omero.policy.binary_access`` of real servers must give out the files of plates too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import omero.clients
import pytest

from omero_sandbox.server import SandboxServer
from tests.command_line import CommandLine, move_into_home

#: Without pixels, plates only travel where the policy gives their files out.
POLICY = {"omero.policy.binary_access": "+read,+write,+image,+plate"}
PASSWORD = os.environ.get("OMERO_TEST_PASSWORD", "omero")


@dataclass
class Server:
    """A server and clients of it, which are closed after the test."""

    #: Name, or a URL like ``tcp://127.0.0.1``.
    host: str
    port: int
    #: The sandbox, where it is one.
    sandbox: SandboxServer | None = None
    _clients: list[Any] = field(default_factory=list)

    def client(self, user: str = "root", password: str = PASSWORD, group: str | None = None) -> Any:
        """Log in."""
        arguments = [f"--omero.group={group}"] if group else None
        client = omero.client(host=self.host, port=self.port, args=arguments)
        self._clients.append(client)
        client.createSession(user, password)
        return client

    def login(self, user: str = "root", password: str = PASSWORD) -> list[str]:
        """Return the arguments that log a command in."""
        return ["-s", self.host, "-p", str(self.port), "-u", user, "-w", password, "-C"]

    def close(self) -> None:
        for client in self._clients:
            client.closeSession()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of the test's own, logs and sessions too."""
    return move_into_home(tmp_path, monkeypatch)


@pytest.fixture
def source_server(sandbox_factory: Callable[..., SandboxServer]) -> Iterator[Server]:
    """Give the server that is packed from."""
    yield from _server("OMERO_TEST_SOURCE", sandbox_factory)


@pytest.fixture
def target_server(sandbox_factory: Callable[..., SandboxServer]) -> Iterator[Server]:
    """Give the server that is unpacked into."""
    yield from _server("OMERO_TEST_TARGET", sandbox_factory)


def _server(variable: str, factory: Callable[..., SandboxServer]) -> Iterator[Server]:
    if variable in os.environ:
        host, _, port = os.environ[variable].rpartition(":")
        server = Server(host, int(port))
    else:
        sandbox = factory(config=POLICY)
        server = Server(f"tcp://{sandbox.host}", sandbox.port, sandbox)
    yield server
    server.close()


@pytest.fixture
def run_line(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """Run a whole command line that brings its own login."""
    return CommandLine(capsys)


@pytest.fixture
def pack(capsys: pytest.CaptureFixture[str], source_server: Server) -> Callable[..., Any]:
    """Run ``omero transfer pack`` as root of the source."""
    return partial(CommandLine(capsys, source_server.login()), "pack")


@pytest.fixture
def unpack(capsys: pytest.CaptureFixture[str], target_server: Server) -> Callable[..., Any]:
    """Run ``omero transfer unpack`` as root of the target."""
    return partial(CommandLine(capsys, target_server.login()), "unpack")
