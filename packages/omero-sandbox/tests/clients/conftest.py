"""One seeded server for all tests of third-party clients, which only read it or what they make themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from omero.gateway import BlitzGateway

from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import seed
from omero_sandbox.testing import world as demo_world
from support.clients import Omero, Seeded


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


@pytest.fixture
def omero_command(
    seeded: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Omero:
    """Give the command with a user folder of its own, so that nothing of the real one is touched."""
    monkeypatch.setenv("OMERO_USERDIR", str(tmp_path / "omero-user"))
    monkeypatch.setenv("OMERO_TMPDIR", str(tmp_path / "omero-tmp"))
    monkeypatch.delenv("ICE_CONFIG", raising=False)
    return Omero(seeded, capsys)
