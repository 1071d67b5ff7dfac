"""What the client of OMERO's command line is told before it is made."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from omero.cli import CLI
from omero.plugins.sessions import SessionsControl

from omero_rocrate_transfer.cli.servers.login import log_in
from omero_sandbox.server import SandboxServer


@pytest.fixture
def arguments(sandbox: SandboxServer) -> Namespace:
    return Namespace(
        server="tcp://127.0.0.1", port=str(sandbox.port), user="root", password="omero", group=None, key=None,
        sudo=None, create=True, quiet=True, answer_timeout=7,
    )  # fmt: skip


@pytest.fixture
def ctx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CLI]:
    monkeypatch.setenv("OMERO_USERDIR", str(tmp_path / "omero"))
    cli = CLI(prog="omero")
    cli.register("sessions", SessionsControl, "TEST")
    yield cli
    cli.close()


def property_of(client: Any, name: str) -> str:
    return str(client.getCommunicator().getProperties().getProperty(name))


def test_timeout_reaches_the_client(ctx: CLI, arguments: Namespace) -> None:
    assert property_of(log_in(ctx, arguments), "Ice.Override.Timeout") == "7000"


def test_users_own_settings_of_ice_stay(
    ctx: CLI, arguments: Namespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "ice.config"
    own.write_text("Ice.Override.ConnectTimeout=9999\n", "utf-8")
    monkeypatch.setenv("ICE_CONFIG", str(own))

    client = log_in(ctx, arguments)

    assert property_of(client, "Ice.Override.ConnectTimeout") == "9999"
    assert property_of(client, "Ice.Override.Timeout") == "7000"
    assert os.environ["ICE_CONFIG"] == str(own)


def test_session_keeps_its_own_idle_time(ctx: CLI, arguments: Namespace, sandbox: SandboxServer) -> None:
    """OMERO's login would take ``args.timeout`` for it."""
    log_in(ctx, arguments)

    assert not hasattr(arguments, "timeout")
    assert sandbox.calls["ServiceFactory.submit"] == 0
