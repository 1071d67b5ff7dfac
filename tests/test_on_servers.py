"""The line about servers is right whether tests run in one process or in several."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TESTS = """
import pytest

@pytest.fixture
def source(record_property):
    record_property("servers", ("source", "here:1 (5.6.1)"))

@pytest.fixture
def both(source, record_property):
    record_property("servers", ("target", "there:2 (5.6.2)"))
    yield
    record_property("late", 1)

@pytest.mark.parametrize("number", range(6))
def test_on_both(both, number):
    if number == 3:
        pytest.skip("the server keeps it back")
    assert number != 4

def test_on_one(source):
    pass

@pytest.fixture
def not_cleared(both):
    yield
    raise AssertionError("something is still there")

def test_that_leaves_something(not_cleared):
    pass

def test_on_none():
    pass
"""


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_tests_on_servers_are_counted(jobs: str, tmp_path: Path) -> None:
    (tmp_path / "test_there.py").write_text(TESTS)
    options = ["-p", "tests.on_servers", "-p", "no:cacheprovider", "-n", jobs, "--rootdir", str(tmp_path)]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", "/dev/null", *options, tmp_path],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip

    assert done.returncode == 1
    told = re.findall(r"^\d+ of .*→.*$", done.stdout, re.MULTILINE)
    assert told == ["5 of 7 on here:1 (5.6.1) → there:2 (5.6.2)"], done.stdout
