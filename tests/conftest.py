"""Fixtures for all tests: sandbox servers on ports that the system chooses, and clients of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import omero.clients
import pytest

from omero_sandbox.server import SandboxServer

pytest_plugins = ["tests.promises"]

# No wait after a wrong password: the wait has a test of its own.
FAST = {"omero.security.login_failure_throttle_time": "0"}


@pytest.fixture
def sandbox_factory(tmp_path: Path) -> Iterator[Callable[..., SandboxServer]]:
    """Start servers: ``factory(config={...}, ssl_port=0)``; all are stopped after the test."""
    started: list[SandboxServer] = []

    def start(config: dict[str, str] | None = None, **options: Any) -> SandboxServer:
        folder = options.pop("data_dir", tmp_path / f"server-{len(started)}")
        server = SandboxServer(folder, config=FAST | (config or {}), **options)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def sandbox(sandbox_factory: Callable[..., SandboxServer]) -> SandboxServer:
    """One running server with nothing but root in it."""
    return sandbox_factory()


@pytest.fixture
def connect(sandbox: SandboxServer) -> Iterator[Callable[..., Any]]:
    """Log in: ``connect(user, password)`` gives an ``omero.client``, closed after the test."""
    clients: list[Any] = []

    def login(user: str = "root", password: str | None = None, server: SandboxServer = sandbox) -> Any:
        client = omero.client(f"tcp://{server.host}", server.port)
        clients.append(client)
        client.createSession(user, password or "omero")
        return client

    yield login
    for client in clients:
        client.closeSession()


@pytest.fixture
def root(connect: Callable[..., Any]) -> Any:
    """Give a client logged in as root."""
    return connect()
