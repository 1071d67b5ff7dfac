"""Two servers and whole command lines against them.

``OMERO_TEST_SOURCE`` and ``OMERO_TEST_TARGET`` (``host:port``) name servers that may hold data of others;
root has the password ``OMERO_TEST_PASSWORD`` there (``omero`` if it is not set). Without them two sandboxes
are started, which all tests of this process share, and filled with data of others. A test of what only a
sandbox can do (break, be looked into, have settings of the test's own) is marked ``sandbox`` and has two
new ones for itself; the settings stand in the marker, ``sandbox(target={"omero.…": "…"})``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import world as demo_world
from tests.command_line import CommandLine, move_into_home
from tests.on_servers import SERVERS
from tests.support.servers import PASSWORD, TESTER, Server

__all__ = ["PASSWORD", "Server"]

#: Without pixels, plates only travel if the policy gives their files out.
POLICY = {"omero.policy.binary_access": "+read,+write,+image,+plate"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of the test's own, logs and sessions too."""
    return move_into_home(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def token() -> str:
    """Give what marks the names of this run."""
    return uuid4().hex[:8]


@pytest.fixture(scope="session")
def shared_source(token: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give the source of all tests that do not need one for themselves."""
    yield from _shared("OMERO_TEST_SOURCE", token, tmp_path_factory)


@pytest.fixture(scope="session")
def shared_target(token: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give the target of all tests that do not need one for themselves."""
    yield from _shared("OMERO_TEST_TARGET", token, tmp_path_factory)


def _shared(variable: str, token: str, folders: pytest.TempPathFactory) -> Iterator[Server]:
    if variable in os.environ:
        host, _, port = os.environ[variable].rpartition(":")
        server = Server(host, int(port), token=token)
        yield from _with_tester(server)
        return
    with SandboxServer(folders.mktemp("server"), config=POLICY, root_password=PASSWORD) as sandbox:
        server = Server(f"tcp://{sandbox.host}", sandbox.port, token=token)
        _use(server, folders.mktemp("other data"))
        yield from _with_tester(server)


def _use(server: Server, folder: Path) -> None:
    """Fill a sandbox with data of others, so that nothing is alone there, and no id is small."""
    demo_world.add_people(server.root())
    demo_world.build_demo_world(server.root(), folder)


def _with_tester(server: Server) -> Iterator[Server]:
    [server.user] = server.settle(TESTER)
    yield server
    server.retire()


@pytest.fixture
def source_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Give the server that is packed from."""
    yield from _server(request, "source")


@pytest.fixture
def target_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Give the server that is unpacked into."""
    yield from _server(request, "target")


def _server(request: pytest.FixtureRequest, end: str) -> Iterator[Server]:
    marker = request.node.get_closest_marker("sandbox")
    if marker is None:
        server = request.getfixturevalue(f"shared_{end}")
        request.node.user_properties.append((SERVERS, (end, server.description)))
        yield server
        server.close()
        server.clear()
        return
    factory: Callable[..., SandboxServer] = request.getfixturevalue("sandbox_factory")
    sandbox = factory(config=POLICY | marker.kwargs.get(end, {}), root_password=PASSWORD)
    server = Server(f"tcp://{sandbox.host}", sandbox.port, sandbox)
    yield server
    server.close()
    server.close_root()


@pytest.fixture
def run_line(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """Run a whole command line that brings its own login."""
    return CommandLine(capsys)


@pytest.fixture
def pack(capsys: pytest.CaptureFixture[str], source_server: Server) -> Callable[..., Any]:
    """Run ``omero transfer pack`` on the source."""
    return partial(CommandLine(capsys, source_server.login()), "pack")


@pytest.fixture
def unpack(capsys: pytest.CaptureFixture[str], target_server: Server) -> Callable[..., Any]:
    """Run ``omero transfer unpack`` on the target."""
    return partial(CommandLine(capsys, target_server.login()), "unpack")
