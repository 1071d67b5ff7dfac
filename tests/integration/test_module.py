"""``python -m omero_rocrate_transfer`` is ``omero transfer``, also for root."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from omero_sandbox.testing import real_input, seed
from tests.integration.conftest import Server
from tests.support.servers import NO_ID

OMERO = "import sys, omero.cli; sys.exit(omero.cli.argv(['omero', *sys.argv[1:]]))"
ROOT = str(Path(__file__).parents[2])


def run(*words: object, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [sys.executable, *map(str, words)],
        env=os.environ | {"PYTHONPATH": ROOT} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == code, result.stdout + result.stderr
    return result


def log_in(server: Server) -> None:
    """Let OMERO keep a session for the commands that follow."""
    where = f"{server.user}@{server.host}:{server.port}"
    run("-c", OMERO, "login", where, OMERO_PASSWORD=server.password(server.user))


@pytest.fixture
def image(source_server: Server, tmp_path: Path) -> int:
    made = real_input.unicode_name(tmp_path / "in")
    return seed.import_fileset(source_server.client(), made.folder, made.files).images[0]


def test_session_of_omero_login_is_used(source_server: Server, image: int, home: Path) -> None:
    log_in(source_server)

    by_module = run("-m", "omero_rocrate_transfer", "pack", f"Image:{image}", "a", "--json")
    by_omero = run("-c", OMERO, "transfer", "pack", f"Image:{image}", "b", "--json")

    ends = [json.loads(result.stdout.splitlines()[-1]) for result in (by_module, by_omero)]
    assert [end["bytes"] for end in ends] == [ends[0]["bytes"]] * 2
    assert (home / "a" / "ro-crate-metadata.json").is_file()
    assert (home / "b" / "ro-crate-metadata.json").is_file()


def test_exit_code_reaches_the_shell(source_server: Server) -> None:
    login = source_server.login()

    result = run("-c", OMERO, "transfer", "pack", f"Image:{NO_ID}", "a", *login, code=5)

    assert f"Image:{NO_ID}" in result.stderr


def test_login_options_may_stand_anywhere(source_server: Server, image: int, home: Path) -> None:
    client = source_server.client()
    login = ["-s", source_server.host, "-p", source_server.port, "-k", client.getSessionId()]

    run("-c", OMERO, *login, "transfer", "pack", f"Image:{image}", "a")
    run("-c", OMERO, "transfer", *login, "pack", f"Image:{image}", "b")
    run("-c", OMERO, "transfer", "pack", *login, f"Image:{image}", "c")

    assert all((home / name / "ro-crate-metadata.json").is_file() for name in "abc")
    assert client.sf.keepAlive(None) is False, "the session outlives the commands that joined it"


def test_output_nobody_reads_ends_cleanly(source_server: Server, image: int, home: Path) -> None:
    login = source_server.login()
    command = [sys.executable, "-m", "omero_rocrate_transfer", "pack", f"Image:{image}", "a", "--json"]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        result = subprocess.run(
            [*command, *login],
            env=os.environ | {"PYTHONPATH": ROOT},
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
        )

    assert result.returncode == 9
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr
    assert not (home / "a").exists()


def test_without_a_command_it_says_what_there_is() -> None:
    text = run("-m", "omero_rocrate_transfer").stdout

    assert "usage: python -m omero_rocrate_transfer" in text
    assert "unpack" in text


@pytest.mark.sandbox
def test_lost_connection_joins_the_stored_session_again(
    source_server: Server, image: int, home: Path
) -> None:
    sandbox = source_server.sandbox
    assert sandbox is not None
    log_in(source_server)
    logins = sandbox.sessions.live()

    def cut_the_next_login(current: Any) -> None:
        current.con.close(True)
        sandbox.faults.add("Router.createSession", lambda current: current.con.close(True))

    sandbox.faults.add("RawFileStore.read", cut_the_next_login)

    run("-m", "omero_rocrate_transfer", "pack", f"Image:{image}", "a", "--json")
    run("-m", "omero_rocrate_transfer", "pack", f"Image:{image}", "b", "--json")

    assert {one.uuid for one in sandbox.sessions.live()} == {one.uuid for one in logins}
