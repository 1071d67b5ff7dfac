"""The documentation builds without a warning and says what the program does."""

import argparse
import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from omero_rocrate_transfer.crate import profile
from omero_sandbox import __main__ as sandbox_program

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.rst", ROOT / "CHANGELOG.rst", *sorted((ROOT / "docs").glob("*.rst"))]
#: Options of other programs that the pages mention.
OTHERS = {"--all", "--detach", "--strict", "--volumes", "--wait"}


def flags_in(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z0-9_-]*", text))


@pytest.fixture(scope="module")
def parser() -> argparse.ArgumentParser:
    """Return the parser of omero transfer as the omero command makes it."""
    from omero.cli import CLI

    from omero_rocrate_transfer.cli.control import HELP, TransferControl

    cli = CLI()
    cli.register("transfer", TransferControl, HELP)
    return cli.controls["transfer"].parser


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of the commands; omero has an argparse of its own, so types do not tell."""
    commands = [action.choices for action in parser._actions if isinstance(action.choices, dict)]
    assert {"pack", "unpack"} <= commands[0].keys()
    return commands[0]


def test_documentation_builds_without_a_warning(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-b",
        "html",
        "docs",
        str(tmp_path),
    ]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr
    assert (tmp_path / "usage.html").is_file()


def test_flags_in_the_pages_exist(parser: argparse.ArgumentParser) -> None:
    sandbox = sandbox_program._parser()
    known = {
        flag
        for command in [parser, sandbox, *commands_of(parser).values()]
        for action in command._actions
        for flag in action.option_strings
    }
    mentioned = set().union(*(flags_in(page.read_text("utf-8")) for page in PAGES))

    assert mentioned - known - OTHERS == set()


def test_every_flag_is_in_the_usage_page(parser: argparse.ArgumentParser) -> None:
    login = {action.dest for action in parser._actions}
    usage = (ROOT / "docs/usage.rst").read_text("utf-8")
    for name, command in commands_of(parser).items():
        own = [action for action in command._actions if action.dest not in login | {"help"}]
        long = {flag for action in own for flag in action.option_strings if flag.startswith("--")}
        assert long - flags_in(usage) == set(), f"of {name}"


def test_exit_codes_in_the_table_are_those_of_the_errors() -> None:
    from omero_rocrate_transfer.model import errors

    table = set(map(int, re.findall(r"(?m)^(\d+)  ", (ROOT / "docs/exit-codes.rst").read_text("utf-8"))))
    codes = {
        error.exit_code
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.TransferError)
    }

    assert codes
    assert codes <= table


def test_every_error_id_stands_beside_its_exit_code() -> None:
    from omero_rocrate_transfer.cli.process import exit_codes as exits
    from omero_rocrate_transfer.model import errors

    page = (ROOT / "docs/exit-codes.rst").read_text("utf-8")
    table = {
        int(code): set(re.findall(r"``([\w-]+)``", ids))
        for code, ids in re.findall(r"(?m)^(\d+) +(``.*)$", page)
    }
    found: dict[int, set[str]] = {}
    for error in [*vars(errors).values(), *vars(exits).values()]:
        if isinstance(error, type) and issubclass(error, errors.TransferError):
            found.setdefault(error.exit_code, set()).add(error.error_id)

    assert found == table


def test_every_field_of_the_json_lines_is_documented() -> None:
    page = (ROOT / "docs/json-lines.rst").read_text("utf-8")
    tree = ast.parse((ROOT / "omero_rocrate_transfer/cli/output/json_lines.py").read_text("utf-8"))
    dicts = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    fields = {str(key.value) for node in dicts for key in node.keys if isinstance(key, ast.Constant)}

    assert len(fields) > 20
    assert {field for field in fields if f"``{field}``" not in page} == set()


def test_page_of_the_profile_names_its_uri_and_version() -> None:
    page = (ROOT / "docs/crate.rst").read_text("utf-8")

    assert profile.PROFILE_URI in page
    assert f"{profile.PROFILE_NAME} {profile.PROFILE_VERSION}" in page


def test_make_targets_in_the_pages_exist() -> None:
    targets = set(re.findall(r"(?m)^(\w+):", (ROOT / "Makefile").read_text("utf-8")))
    mentioned = set().union(
        *(re.findall(r"(?m)(?:^ +|`)make (\w+)", page.read_text("utf-8")) for page in PAGES)
    )

    assert mentioned <= targets
    assert {"demo", "test"} <= mentioned


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    links = re.findall(r"<([^>\s]+\.rst|LICENSE)>`_", page.read_text("utf-8"))

    assert [link for link in links if not (page.parent / link).is_file()] == []
