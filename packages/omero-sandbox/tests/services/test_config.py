"""IConfig: what everybody may know, and what only administrators."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import omero
import pytest

from omero_sandbox.server import SandboxServer


def config_of(client: Any) -> Any:
    return client.getSession().getConfigService()


def test_facts_are_open_to_every_user(sandbox: SandboxServer, alice: Any) -> None:
    config = config_of(alice)
    assert config.getVersion().split(".")[:2] == ["5", "6"]
    assert config.getDatabaseUuid() == sandbox.uuid
    assert abs(config.getServerTime().val - time.time() * 1000) < 60_000


def test_settings_are_for_administrators(root: Any, alice: Any) -> None:
    for client in (root, alice):
        assert config_of(client).getConfigValue("omero.pixeldata.max_plane_width") == "3192"
    key = "omero.policy.binary_access"
    assert config_of(root).getConfigValue(key) == "+read,+write,+image"
    with pytest.raises(omero.SecurityViolation, match="Cannot read configuration"):
        config_of(alice).getConfigValue(key)
    assert key not in config_of(alice).getConfigValues("omero")


def test_settings_given_at_start_win(
    sandbox_factory: Callable[..., SandboxServer], connect: Callable[..., Any]
) -> None:
    server = sandbox_factory(config={"omero.sessions.timeout": "1000"})
    assert config_of(connect(server=server)).getConfigValue("omero.sessions.timeout") == "1000"


def test_only_administrators_change_settings(root: Any, alice: Any) -> None:
    with pytest.raises(omero.SecurityViolation, match=r"No matching roles found .*allowed: \[system\]"):
        config_of(alice).setConfigValue("omero.client.x", "1")
    config_of(root).setConfigValue("omero.client.x", "1")
    assert config_of(alice).getConfigValue("omero.client.x") == "1"
    assert config_of(root).setConfigValueIfEquals("omero.client.x", "2", "0") is False
    assert config_of(alice).getClientConfigValues()["omero.client.x"] == "1"


def test_an_unknown_setting_is_empty(root: Any) -> None:
    assert config_of(root).getConfigValue("omero.nonsense") == ""
