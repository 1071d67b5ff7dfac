"""The pytest plugin: sandbox servers on ports that the system chooses, and clients of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from omero_sandbox.server import SandboxServer

#: No wait after a wrong password.
_FAST = {"omero.security.login_failure_throttle_time": "0"}


@pytest.fixture
def sandbox_factory(tmp_path: Path) -> Iterator[Callable[..., SandboxServer]]:
    """Start servers: ``sandbox_factory(config={...}, ssl_port=0)``; all are stopped after the test."""
    from omero_sandbox.server import SandboxServer

    started: list[SandboxServer] = []

    def start(config: dict[str, str] | None = None, **options: Any) -> SandboxServer:
        folder = options.pop("data_dir", tmp_path / f"server-{len(started)}")
        server = SandboxServer(folder, config=_FAST | (config or {}), **options)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def sandbox(sandbox_factory: Callable[..., SandboxServer]) -> SandboxServer:
    """Start one server with nothing but root in it."""
    return sandbox_factory()


@pytest.fixture
def sandbox_login(sandbox: SandboxServer) -> Iterator[Callable[..., Any]]:
    """Log in: ``sandbox_login(user, password)`` returns an ``omero.client``, closed after the test."""
    import omero.clients

    clients: list[Any] = []

    def login(user: str = "root", password: str | None = None, server: SandboxServer = sandbox) -> Any:
        client = omero.client(f"tcp://{server.host}", server.port)
        clients.append(client)
        client.createSession(user, password or "omero")
        return client

    yield login
    for client in clients:
        client.closeSession()
