"""One seeded server for all tests of third-party clients, which only read it or what they make themselves."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from omero.cli import CLI, NonZeroReturnCode
from omero.gateway import BlitzGateway

from omero_sandbox.testing import world as demo_world
from omero_sandbox.testing import seed
from omero_sandbox.testing.world import DemoWorld, People
from omero_sandbox.server import SandboxServer


@dataclass(frozen=True)
class Seeded:
    """A server with TLS, its people, and Alice's world in it."""

    server: SandboxServer
    people: People
    world: DemoWorld
    inputs: Path


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeded]:
    """Give the seeded server."""
    folder = tmp_path_factory.mktemp("seeded")
    config = {"omero.security.login_failure_throttle_time": "0"}
    with SandboxServer(folder / "server", ssl_port=0, config=config) as server:
        root = seed.connection(server.host, server.port, "root", "omero")
        people = demo_world.add_people(root)
        root.closeSession()
        alice = seed.connection(server.host, server.port, "alice", "alice")
        world = demo_world.build_demo_world(alice, folder / "inputs")
        alice.closeSession()
        yield Seeded(server, people, world, folder / "inputs")


@pytest.fixture
def login(seeded: Seeded) -> Iterator[Callable[..., Any]]:
    """Log in: ``login("alice")`` gives an ``omero.client``."""
    clients: list[Any] = []

    def connect(name: str, password: str | None = None) -> Any:
        client = seed.connection(seeded.server.host, seeded.server.port, name, password or name)
        clients.append(client)
        return client

    yield connect
    for client in clients:
        client.closeSession()


@pytest.fixture
def alice(login: Callable[..., Any]) -> Any:
    """Give a client of Alice."""
    return login("alice")


@pytest.fixture
def gateway(seeded: Seeded) -> Iterator[BlitzGateway]:
    """Give Alice's BlitzGateway, connected over TLS as by default."""
    made = BlitzGateway("alice", "alice", host=seeded.server.host, port=seeded.server.ssl_port, secure=True)
    assert made.connect(), made.getLastError()
    yield made
    made.close(hard=False)


class Omero:
    """The ``omero`` command, within this process."""

    def __init__(self, seeded: Seeded, capture: pytest.CaptureFixture[str]) -> None:
        self._server = ["-s", f"tcp://{seeded.server.host}", "-p", str(seeded.server.port)]
        self._capture = capture

    def __call__(self, *words: str, user: str | None = "alice", code: int = 0) -> str:
        """Run it as a user and return its standard output."""
        self._capture.readouterr()
        cli = CLI()
        with warnings.catch_warnings():
            # Of plugins that warn that they are going to leave omero-py.
            warnings.simplefilter("ignore", DeprecationWarning)
            cli.loadplugins()
        password = "omero" if user == "root" else str(user)
        account = [*self._server, "-u", user, "-w", password] if user else []
        try:
            cli.invoke([*account, *words], strict=True)
            found = cli.rv or 0
        except NonZeroReturnCode as error:
            found = error.rv
        finally:
            cli.close()
        output = self._capture.readouterr()
        assert found == code, output.err
        return output.out


@pytest.fixture
def omero_command(
    seeded: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Omero:
    """Give the command with a user folder of its own, so that nothing of the real one is touched."""
    monkeypatch.setenv("OMERO_USERDIR", str(tmp_path / "omero-user"))
    monkeypatch.setenv("OMERO_TMPDIR", str(tmp_path / "omero-tmp"))
    monkeypatch.delenv("ICE_CONFIG", raising=False)
    return Omero(seeded, capsys)
