"""The help of every command fits a terminal, and speaks of every command that it is about."""

from __future__ import annotations

import pytest

from tests.command_line import CommandLine

COMMANDS = ("pack", "unpack", "copy", "verify", "list", "status", "undo")
MAX_COLUMNS = 100
MAX_LINES = 100


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_terminal(command: str, run_line: CommandLine) -> None:
    shown = run_line(command, "-h").stdout

    lines = shown.splitlines()
    # the help of --quiet is OMERO's own
    too_long = [line for line in lines if len(line) > MAX_COLUMNS and "--quiet" not in line]
    assert f"omero transfer {command}" in shown
    assert too_long == []
    assert len(lines) <= MAX_LINES


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_no_doubled_percent_signs(command: str, run_line: CommandLine) -> None:
    assert "%%" not in run_line(command, "-h").stdout


@pytest.mark.parametrize("command", ["status", "undo"])
def test_help_about_runs_names_every_command_that_has_runs(command: str, run_line: CommandLine) -> None:
    shown = run_line(command, "-h").stdout

    assert all(name in shown for name in ("pack", "unpack", "copy"))


def test_help_of_verify_names_its_arguments(run_line: CommandLine) -> None:
    shown = run_line("verify", "-h").stdout

    assert "PATH" not in shown
    assert "takes the objects" not in shown
    assert "--to-server there is no crate" in shown
