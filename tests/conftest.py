"""Fixtures for all tests: clients of the sandbox servers that the plugin of omero-sandbox starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest_plugins = ["tests.promises", "tests.calls_in_flight", "tests.on_servers"]


@pytest.fixture
def connect(sandbox_login: Callable[..., Any]) -> Callable[..., Any]:
    """Log in: ``connect(user, password)`` gives an ``omero.client``, closed after the test."""
    return sandbox_login


@pytest.fixture
def root(connect: Callable[..., Any]) -> Any:
    """Give a client logged in as root."""
    return connect()
