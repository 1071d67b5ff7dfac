"""Passwords and keys of sessions are written nowhere but where OMERO keeps its own sessions."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import Ice
import omero
import pytest

from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import real_input, seed
from tests.integration.conftest import Server
from tests.promises import Promise

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.sandbox
USER, PASSWORD = "ada", "pl4nted:passw0rd"


class Terminal:
    """Runs commands in processes of their own, and keeps all that can be seen of them."""

    def __init__(self, home: Path, sandbox: SandboxServer) -> None:
        self._home = home
        self._sandbox = sandbox
        self._environment = os.environ | {"PYTHONPATH": str(ROOT), "OMERO_PASSWORD": PASSWORD}
        #: By where it was seen.
        self.seen: dict[str, bytes] = {}

    def run(self, *words: str, watched: str = "", code: int | None = 0) -> None:
        """Run a command; look at the list of processes while it is in an operation."""
        command = [sys.executable, "-m", "omero_rocrate_transfer", *words]
        entered, go_on = Event(), Event()

        def hold(_current: Any) -> None:
            entered.set()
            assert go_on.wait(60)

        if watched:
            self._sandbox.faults.add(watched, hold)
        with subprocess.Popen(
            command, env=self._environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            if watched:
                assert entered.wait(60)
                self.seen[f"arguments of {words[0]}"] = b"\n".join(command_lines(process.pid))
            go_on.set()
            stdout, stderr = process.communicate(timeout=120)
        assert code is None or process.returncode == code, stderr.decode()
        self.seen |= {f"output of {words}": stdout, f"errors of {words}": stderr}

    def look(self) -> dict[str, bytes]:
        """Return all that was seen, and what is in the files."""
        sessions = self._home / "omero" / "sessions"
        files = [path for path in self._home.rglob("*") if path.is_file() and sessions not in path.parents]
        return self.seen | {str(path): path.read_bytes() + os.fsencode(path) for path in files}

    def keys(self) -> list[str]:
        """Return the keys of sessions that OMERO keeps for later commands."""
        kept = self._home / "omero" / "sessions"
        return [path.name for path in kept.rglob("*-*") if path.is_file() and path.parent.name == USER]


def command_lines(pid: int) -> Iterator[bytes]:
    """Yield the command line of a process and of its children, as anybody may read them."""
    yield Path(f"/proc/{pid}/cmdline").read_bytes()
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from command_lines(int(child))


@pytest.fixture
def image(source_server: Server, tmp_path: Path) -> str:
    """Give an image of the user."""
    root = source_server.client()
    seed.user(root, USER, PASSWORD, [seed.group(root, "lab")])
    made = real_input.same_names(tmp_path / "in")
    imported = seed.import_fileset(source_server.client(USER, PASSWORD), made.folder, made.files)
    return f"Image:{imported.images[0]}"


def test_secrets_are_written_nowhere(image: str, source_server: Server, home: Path, promise: Promise) -> None:
    sandbox = source_server.sandbox
    assert sandbox is not None, "only a sandbox can be held in the middle of a call"
    terminal = Terminal(home, sandbox)
    terminal.run("login", "-s", source_server.host, "-p", str(source_server.port), "-u", USER)
    terminal.run("pack", image, "crate", "--json", watched="RawFileStore.read")
    terminal.run("pack", image, "crate.zip")
    terminal.run("unpack", "crate.zip", watched="RawFileStore.write")
    terminal.run("verify", "crate.zip", "--server")
    terminal.run("status")
    # tracebacks of failures go into the log
    sandbox.faults.add("RawFileStore.read", omero.SecurityViolation(message="no"), times=9)
    terminal.run("pack", image, "failed", code=3)
    sandbox.faults.clear()
    sandbox.faults.add("IQuery.projection", RuntimeError("bug"))
    terminal.run("pack", image, "failed.tar", code=1)
    [key, *_] = terminal.keys()
    # who types a secret shows it to the list of processes, but to nothing else
    login = ("-s", source_server.host, "-p", str(source_server.port), "-u", USER, "-w", PASSWORD)
    terminal.run("pack", image, "typed.tar", *login)
    terminal.run("pack", image, "by-key", *login[:4], "-k", key)
    secrets = {PASSWORD.encode(), *map(str.encode, terminal.keys())}

    found = terminal.look()

    leaks = [name for name, data in found.items() if any(secret in data for secret in secrets)]
    assert any(b"Traceback" in data for name, data in found.items() if name.endswith(".log"))
    assert leaks == []
    promise("outputs, files and process lists without a secret", len(found) - len(leaks), len(found))


def test_keys_of_lost_sessions_are_not_in_the_log(
    image: str, source_server: Server, home: Path, promise: Promise
) -> None:
    sandbox = source_server.sandbox
    assert sandbox is not None
    terminal = Terminal(home, sandbox)
    terminal.run("login", "-s", source_server.host, "-p", str(source_server.port), "-u", USER)
    keys = terminal.keys()
    [key] = keys
    # Ice fills in which object is gone, and its category is the key
    for operation in ("RawFileStore.read", "IQuery.projection"):
        sandbox.faults.add(operation, Ice.ObjectNotExistException(), times=50)
        terminal.run("pack", image, operation, "--retries", "0", code=None)
        sandbox.faults.clear()
    told = omero.InternalException(message=f"session {key}\n2026-01-01 INFO forged: \x1b[2J {PASSWORD}")
    told.serverStackTrace = f"at Session({key})\n2026-01-01 00:00:00,000 INFO forged: all is well\n\x07"
    sandbox.faults.add("RawFileStore.read", told, times=9)
    terminal.run("pack", image, "told", "--retries", "0", code=None)

    found = terminal.look()

    logs = {name: data for name, data in found.items() if name.endswith(".log")}
    assert sum(b"category = ***" in data for data in logs.values()) == 2
    assert sum(b"forged" in data for data in logs.values()) == 1
    lines = b"\n".join(logs.values()).splitlines()
    assert [line for line in lines if line.startswith(b"2026-01-01") and b"forged" in line] == []
    assert [line for line in lines if b"\x1b" in line or b"\x07" in line] == []
    secrets = [PASSWORD.encode(), *map(str.encode, keys)]
    leaks = [name for name, data in found.items() if any(secret in data for secret in secrets)]
    assert leaks == []
    promise("outputs, files and process lists without a secret", len(found) - len(leaks), len(found))


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_state_and_logs_are_for_this_user_alone(
    mask: int, image: str, source_server: Server, home: Path, monkeypatch: pytest.MonkeyPatch, pack: Any
) -> None:
    monkeypatch.setenv("OMERO_USERDIR", str(home / "deep" / "omero"))
    monkeypatch.setenv("OMERO_SESSIONDIR", str(home / "sessions"))
    before = os.umask(mask)
    try:
        pack(image, "crate.zip")
    finally:
        os.umask(before)

    state = [home / "deep", *(home / "deep").rglob("*")]
    assert any(path.suffix == ".log" for path in state)
    assert any(path.suffix == ".jsonl" for path in state)
    modes = {str(path.relative_to(home)): oct(path.stat().st_mode & 0o777) for path in state}
    assert {name: mode for name, mode in modes.items() if mode not in {"0o700", "0o600"}} == {}


def test_a_state_folder_that_was_open_is_closed(image: str, home: Path, pack: Any) -> None:
    state = home / "omero" / "transfer"
    state.mkdir(parents=True)
    state.chmod(0o777)
    pack(image, "crate.zip")
    assert state.stat().st_mode & 0o777 == 0o700


def test_a_secret_that_is_seen_would_be_found(home: Path, sandbox_factory: Callable[..., Any]) -> None:
    (home / "log").write_text(f"password={PASSWORD}")

    assert [PASSWORD.encode() in data for data in Terminal(home, sandbox_factory()).look().values()] == [True]
