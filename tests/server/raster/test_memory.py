"""The memory of the client does not grow with the image."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from omero_sandbox.server import SandboxServer

ROOT = Path(__file__).parents[3]


def memory_mib(server: SandboxServer, width: int, height: int) -> int:
    """Return the most memory a client takes to write an image, in MiB."""
    command = [
        sys.executable,
        "-m",
        "tests.server.raster.large_image",
        str(server.port),
        str(width),
        str(height),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.soak
def test_a_large_image_comes_back_with_the_memory_of_a_small_one(sandbox: SandboxServer) -> None:
    small = memory_mib(sandbox, 512, 512)
    large = memory_mib(sandbox, 12_000, 9_000)

    assert large <= 350
    assert large - small <= 32
