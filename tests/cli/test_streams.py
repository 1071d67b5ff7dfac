"""What commands say goes anywhere: other encodings, full and closed outputs, users without a home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import CommandLine
from tests.crate.worlds import pack_world

MODULE = [sys.executable, "-m", "omero_rocrate_transfer"]
#: A process of a user whom the system does not know.
NO_USER = """
import os, pwd, runpy, sys
def unknown(number):
    raise KeyError(number)
pwd.getpwuid = unknown
os.environ.pop("HOME", None), os.environ.pop("OMERO_USERDIR", None)
sys.argv[0] = "omero"
runpy.run_module("omero_rocrate_transfer", run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def crate(tmp_path: Path) -> Path:
    pack_world(tmp_path / "größe.zip")
    return tmp_path / "größe.zip"


def run(shell: str, *words: object, **env: str) -> subprocess.CompletedProcess[bytes]:
    command = f'"$0" -m omero_rocrate_transfer {shell}'
    return subprocess.run(
        ["sh", "-c", command, sys.executable, *map(str, words)],
        capture_output=True,
        env=os.environ | env,
        check=False,
    )


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8"])
@pytest.mark.parametrize("command", ["list", "verify", "list --json"])
def test_letters_that_an_output_lacks_become_escapes(encoding: str, command: str, crate: Path) -> None:
    result = run(f'{command} "$1"', crate, PYTHONIOENCODING=encoding)

    assert (result.returncode, b"Traceback" in result.stderr) == (0, False)
    if command == "list":
        shown = result.stdout.decode(encoding)
        assert ("größe" in shown) == (encoding != "ascii")
        assert ("gr\\xf6\\xdfe" in shown) == (encoding == "ascii")


@pytest.mark.parametrize("command", ["list", "list --json", "status --json", "verify --json"])
def test_full_output_stops_a_command_with_one_sentence(command: str, crate: Path, home: Path) -> None:
    path = "" if command.startswith("status") else '"$1"'

    result = run(f"{command} {path} > /dev/full", crate)

    assert result.returncode == 9
    assert (
        result.stderr.decode()
        .splitlines()[-1]
        .startswith("Error    The output cannot be written: No space left")
    )
    assert b"Traceback" not in result.stderr


def test_full_standard_error_stops_a_command(crate: Path) -> None:
    result = run('verify "$1" 2> /dev/full', crate)

    assert (result.returncode, result.stdout) == (9, b"")


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing(closed: str, crate: Path) -> None:
    assert run(f'verify "$1" {closed}', crate).returncode == 0
    assert run(f'list "$1" {closed}', crate).returncode == 0
    lines = run('list --json "$1" 2>&-', crate).stdout.splitlines()
    assert len(lines) == 2


def test_user_without_a_home_can_read_and_is_told_why_not_to_write(crate: Path, tmp_path: Path) -> None:
    def as_nobody(*words: object) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-c", NO_USER, *map(str, words)], capture_output=True, check=False
        )

    assert as_nobody("list", crate).returncode == 0
    assert as_nobody("verify", crate).returncode == 0
    for words in (["status"], ["unpack", crate, "-s", "localhost", "-u", "x", "-w", "y"]):
        result = as_nobody(*words)
        assert b"Traceback" not in result.stderr
        assert result.returncode in {5, 6}
        assert b"Error" in result.stderr


@pytest.mark.parametrize("option", ["--rocrate-name", "--rocrate-description", "--publisher"])
def test_text_that_is_not_utf_8_is_refused_before_any_work(option: str, run_line: CommandLine) -> None:
    result = run_line("pack", "Image:1", "x.zip", option, "bad \udcff", exit_code=2)

    assert "is not valid UTF-8" in result.stderr


@pytest.mark.parametrize(
    ("name", "code"),
    [("bad\udcff.zip", 2), ("n" * 260, 5), ("n" * 247 + ".zip", 5), ("p/" * 3000 + "x.zip", 5)],
)
def test_target_that_cannot_be_written_is_refused_before_any_work(
    name: str, code: int, run_line: CommandLine
) -> None:
    result = run_line("pack", "Image:1", name, exit_code=code)

    assert result.sentences[0].startswith("Error")
    assert "bug" not in result.stderr
