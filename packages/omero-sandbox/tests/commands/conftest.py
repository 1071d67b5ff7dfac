"""A server with rows put straight into its store."""

import pytest

from omero_sandbox.server import SandboxServer
from support.commands import World


@pytest.fixture
def world(sandbox: SandboxServer) -> World:
    """Objects of root in group ``system``."""
    return World(sandbox.store)
