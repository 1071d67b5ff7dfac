"""The seeded server for tests of third-party clients, and the ``omero`` command."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest
from omero.cli import CLI, NonZeroReturnCode

from omero_sandbox.server import SandboxServer
from omero_sandbox.testing.world import DemoWorld, People


@dataclass(frozen=True)
class Seeded:
    """A server with TLS, its people, and Alice's world in it."""

    server: SandboxServer
    people: People
    world: DemoWorld
    inputs: Path


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
