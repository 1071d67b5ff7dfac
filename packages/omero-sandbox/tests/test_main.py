"""The server as a process."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import omero.clients
import pytest

Run = Callable[..., Any]


@contextmanager
def running(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    command = [sys.executable, "-m", "omero_sandbox", "--data", str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("ready ")
            yield process, dict(re.findall(r"(\S+)=(\S+)", line))
        finally:
            process.kill()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_told_to_end(tmp_path: Path, end: signal.Signals) -> None:
    with running(tmp_path, "--ssl-port", "0", "--config", "omero.client.x=1") as (process, facts):
        client = omero.client(f"tcp://{facts['host']}", int(facts["port"]))
        session = client.createSession(facts["user"], "omero")
        assert session.getConfigService().getConfigValue("omero.client.x") == "1"
        assert int(facts["ssl-port"]) > 0
        client.closeSession()
        process.send_signal(end)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_it_is_ready_in_a_moment(tmp_path: Path) -> None:
    begun = time.monotonic()
    with running(tmp_path):
        assert time.monotonic() - begun < 5


def test_a_setting_has_a_key_and_a_value(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "omero_sandbox",
        "--data",
        str(tmp_path),
        "--config",
        "x",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "'x' is not of the form omero.KEY=VALUE" in done.stderr
