"""The distribution holds the whole package, its script and its pytest plugin, and requires its imports."""

import ast
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "omero_sandbox"
LEFT_BEHIND = shutil.ignore_patterns("__pycache__", "build", "dist", "*.egg-info")
#: omero-py cannot do without it.
COMES_WITH = {"zeroc-ice"}
#: Not from a distribution of their own.
KNOWN = {PACKAGE, "support", "_typeshed"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel from a copy of the tree."""
    tree, out = tmp_path_factory.mktemp("tree") / "tree", tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, tree, ignore=LEFT_BEHIND)
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(out)], cwd=tree, check=True, capture_output=True)
    return zipfile.ZipFile(next(out.glob("*.whl")))


def test_wheel_holds_every_file_of_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    files = [path for path in (ROOT / PACKAGE).rglob("*") if path.is_file()]
    wanted = {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}

    names = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert names == wanted


def test_wheel_brings_a_script_and_a_pytest_plugin(wheel: zipfile.ZipFile) -> None:
    name = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))

    text = wheel.read(name).decode()

    assert "omero-sandbox = omero_sandbox.__main__:main" in text
    assert "omero_sandbox = omero_sandbox.testing.plugin" in text


@pytest.mark.parametrize(("folder", "extras"), [(PACKAGE, ["pytest"]), ("tests", ["pytest", "test"])])
def test_what_is_imported_is_required(folder: str, extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    required = project["dependencies"] + [
        one for extra in extras for one in project["optional-dependencies"][extra]
    ]
    assert all(">=" in requirement for requirement in required), "each has a lower bound"
    declared = {requirement.partition(">=")[0] for requirement in required} | COMES_WITH

    outside = imported_packages(ROOT / folder) - sys.stdlib_module_names - KNOWN

    assert outside
    owners = packages_distributions()
    missing = {name for name in outside if not declared & {one.lower() for one in owners.get(name, [name])}}
    assert missing == set()


def imported_packages(folder: Path) -> set[str]:
    """Return the first words of all absolute imports below a folder."""
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            found |= {name.partition(".")[0] for name in names}
    return found
