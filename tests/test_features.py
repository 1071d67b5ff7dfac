"""The table of features says of this tool only what a test shows."""

import ast
import csv
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "docs/features.rst", ROOT / "README.rst")
#: What a line may say of this tool without a test.
ABSENT = {"no", "no, told", "prepared"}


def rows() -> list[list[str]]:
    """Return the lines of all tables of the pages, each as its cells."""
    text = "".join(page.read_text("utf-8") for page in PAGES)
    lines = [line.strip() for line in text.splitlines() if line.startswith('   "')]
    return list(csv.reader(lines, skipinitialspace=True))


def named_tests(text: str) -> list[tuple[str, str]]:
    return re.findall(r"``(tests/[\w/]+\.py)::(\w+)``", text)


@cache
def functions_of(path: Path) -> set[str]:
    """Return the names of the tests of a file."""
    return {
        node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)
    }


NAMED = sorted({test for page in PAGES for test in named_tests(page.read_text("utf-8"))})


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_named_test_exists(path: str, name: str) -> None:
    assert name.startswith("test_")
    assert name in functions_of(ROOT / path)


def test_every_line_has_a_cell_for_each_column() -> None:
    assert len(rows()) > 60
    assert [row[0] for row in rows() if len(row) != 6] == []


def test_whatever_is_claimed_names_a_test() -> None:
    assert [row[0] for row in rows() if row[1] not in ABSENT and not named_tests(row[5])] == []
