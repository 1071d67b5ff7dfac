"""Figures of promises are right whether tests run in one process or in several."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TESTS = """
import pytest

@pytest.mark.promise("doors closed")
@pytest.mark.parametrize("number", range(10))
def test_door(number):
    if number == 3:
        pytest.skip("no such door")
    assert number != 7

@pytest.fixture
def broken():
    yield
    raise OSError

@pytest.mark.promise("doors closed")
def test_hinges(broken):
    pass

@pytest.mark.parametrize("kept", [40, 60])
def test_locks(promise, kept):
    promise("locks hold", kept, 60)

def test_nothing():
    pass
"""


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_every_promise_is_counted(jobs: str, tmp_path: Path) -> None:
    (tmp_path / "test_house.py").write_text(TESTS)
    options = ["-p", "tests.promises", "-p", "no:cacheprovider", "-n", jobs, "--rootdir", str(tmp_path)]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", "/dev/null", *options, tmp_path],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip

    assert done.returncode == 1
    told = re.findall(r"^[a-z ]+: \d+ of \d+$", done.stdout, re.MULTILINE)
    assert told == ["doors closed: 8 of 10", "locks hold: 100 of 120"]
    assert "AssertionError: locks hold: 40 of 60" in done.stdout
