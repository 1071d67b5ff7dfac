"""Servers and links as processes of their own, so that they take no time from the client's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent


@contextmanager
def _running(*command: str) -> Iterator[str]:
    """Run a program until the end of the block; give its first line."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parent)
    try:
        assert process.stdout is not None
        yield process.stdout.readline()
    finally:
        process.terminate()
        process.wait()


@contextmanager
def sandbox(folder: Path) -> Iterator[int]:
    """Run a sandbox; give its port."""
    module = "omero_sandbox"
    with _running(sys.executable, "-m", module, "--data", str(folder)) as line:
        yield int(line.partition("port=")[2].split()[0])


@contextmanager
def link(port: int, round_trip_ms: float) -> Iterator[int]:
    """Give a port that leads to another with this round-trip time; the same port where that is 0."""
    with _through(port, "delay", round_trip_ms / 2000) as there:
        yield there


@contextmanager
def narrow_link(port: int, mbit_per_s: float) -> Iterator[int]:
    """Give a port that leads to another with this rate, either way; the same port where that is 0."""
    with _through(port, "throttle", mbit_per_s * 1e6 / 8) as there:
        yield there


@contextmanager
def _through(port: int, kind: str, amount: float) -> Iterator[int]:
    if not amount:
        yield port
        return
    with _running(sys.executable, "-m", "tests.faults.proxy", str(port), kind, str(amount)) as line:
        yield int(line)
