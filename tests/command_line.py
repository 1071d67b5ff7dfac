"""Runs whole command lines, as a user would type them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from omero.cli import CLI
from omero.plugins.sessions import SessionsControl

from omero_rocrate_transfer.cli.control import HELP, TransferControl


def move_into_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change into a new folder that takes all a command writes: results, logs and sessions; return it."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("OMERO_USERDIR", str(home / "omero"))
    monkeypatch.delenv("OMERO_PASSWORD", raising=False)
    return home


def idmap_of(home: Path) -> Path:
    """Return the id map that was written last, in the folder of its run; a missing file where none was."""
    written = (path for path in home.glob("omero/transfer/*/idmap.json"))
    return max(written, key=lambda path: path.stat().st_mtime_ns, default=home / "no-idmap.json")


@dataclass(frozen=True)
class Result:
    """What a command line left behind."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines on the standard output, which must hold nothing else."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        """The last JSON line."""
        last = self.lines[-1]
        assert last["type"] == "summary"
        return last

    @property
    def sentences(self) -> list[str]:
        """Lines on the standard error that say why the command ended."""
        return [line for line in self.stderr.splitlines() if line.startswith(("Error", "Stopped"))]


class CommandLine:
    """``run_line("pack", "Image:1", path, exit_code=3)``: one command in this process.

    Parameters
    ----------
    capsys
        Takes what is printed.
    login
        Arguments that log in, put after every command.
    """

    def __init__(self, capsys: pytest.CaptureFixture[str], login: Sequence[str] = ()) -> None:
        self._capsys = capsys
        self._login = tuple(login)

    def __call__(self, command: str, *arguments: object, exit_code: int | None = 0) -> Result:
        """Run ``omero transfer COMMAND ARGUMENTS`` and expect an exit code (None: any)."""
        cli = CLI(prog="omero")
        cli.register("sessions", SessionsControl, "TEST")
        cli.register("transfer", TransferControl, HELP)
        self._capsys.readouterr()
        cli.invoke(["transfer", command, *map(str, arguments), *self._login])
        result = Result(cli.rv, *self._capsys.readouterr())
        if exit_code is not None:
            assert result.exit_code == exit_code, f"\nstdout:\n{result.stdout}\nstderr:\n{result.stderr}"
        assert "Traceback" not in result.stderr, result.stderr
        return result
