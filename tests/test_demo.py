"""The demo does what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from demo import __main__ as demo
from omero_sandbox.testing.compare import Comparison


@pytest.mark.timeout(300)
def test_demo_ends_with_all_equal() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1] == "demo: 34 images, 17 files, all equal"
    for command in ("$ omero login", "$ omero transfer pack --rocrate", "$ omero transfer unpack"):
        assert command in result.stdout


@pytest.mark.parametrize(
    "results",
    [
        [Comparison(images=1, files=1, differences=["one"])],
        [Comparison(images=0, files=1)],
        [Comparison(images=1, files=0)],
        [Comparison(images=1, files=1), Comparison(images=2, files=1)],
    ],
)
def test_demo_fails_on_any_difference_and_on_nothing(results: list[Comparison]) -> None:
    assert demo.conclude(results) == 1
