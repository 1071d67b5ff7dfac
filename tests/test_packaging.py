"""What is built from this tree can be installed, and OMERO's command line then finds the plugin."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "omero_rocrate_transfer"
DISTRIBUTION = "omero-rocrate-transfer"
PLUGIN = "omero/plugins/transfer_rocrate.py"
#: Not part of the sources: environments, caches and what builds leave behind.
LEFT_BEHIND = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "build", "dist", "_build", "*.egg-info"
)
#: Imported by help they would cost each start of omero up to seconds.
HEAVY = ["lark", "numpy", "ome_types", "pydantic", "rocrate", "tifffile", "xsdata", "zarr"]
#: Not from a distribution of their own.
KNOWN = sys.stdlib_module_names | {"_typeshed", PACKAGE, "demo", "tests"}
#: omero-py and jsonschema cannot do without these.
COMES_WITH = {"zeroc-ice", "referencing"}
#: Only the omero script refuses to run as root (omero-py, omero.main.not_root), not what it calls.
OMERO = "import sys, omero.cli; sys.exit(omero.cli.argv(['omero', *sys.argv[1:]]))"


def run(python: Path | str, *arguments: str, cwd: Path) -> str:
    """Run Python with these arguments far from the checkout; return its standard output."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["OMERO_USERDIR"] = str(cwd)
    result = subprocess.run(
        [str(python), *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist from a copy of the tree, the wheel from that sdist; return their folder."""
    tree, out = tmp_path_factory.mktemp("tree") / "tree", tmp_path_factory.mktemp("packages")
    shutil.copytree(ROOT, tree, ignore=LEFT_BEHIND)
    build = "import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])(sys.argv[2])"
    run(sys.executable, "-c", build, "build_sdist", str(out), cwd=tree)
    with tarfile.open(next(out.glob("*.tar.gz"))) as archive:
        names = archive.getnames()
        for member in archive.getmembers():
            archive.extract(member, tree.parent / "unpacked", filter="data")
    run(sys.executable, "-c", build, "build_wheel", str(out), cwd=tree.parent / "unpacked" / names[0])
    return out


@pytest.fixture(scope="module")
def installed(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a fresh environment that borrows all other packages; return its Python.

    The borrowed folder goes onto the path by a line in a .pth file, after the environment's own, and its .pth
    files are not read. So a checkout that is installed there in editable mode cannot be found instead.
    """
    home = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", str(home), cwd=home)
    python = home / "bin" / "python"
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home).strip()
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (Path(site) / "borrowed.pth").write_text("\n".join(sorted(borrowed)), encoding="utf-8")
    wheel = next(packages.glob("*.whl"))
    run(sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-deps",
        str(wheel), cwd=home)  # fmt: skip
    return python


def test_wheel_holds_the_plugin_and_no_package_of_omero(packages: Path) -> None:
    names = zipfile.ZipFile(next(packages.glob("*.whl"))).namelist()

    assert [name for name in names if name.startswith("omero/")] == [PLUGIN]
    others = ("demo/", "docs/", "omero_sandbox/", "packages/", "tests/", "tools/")
    assert not [name for name in names if name.startswith(others)]


def test_wheel_holds_every_file_of_the_package(packages: Path) -> None:
    files = {
        path for path in (ROOT / PACKAGE).rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }

    names = set(zipfile.ZipFile(next(packages.glob("*.whl"))).namelist())

    assert {path.relative_to(ROOT).as_posix() for path in files} - names == set()


def test_sdist_can_be_tested_and_documented(packages: Path) -> None:
    with tarfile.open(next(packages.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    wanted = {"LICENSE", "CHANGELOG.rst", "Makefile", "docker-compose.yml", ".ci/run", "docs/conf.py", PLUGIN}
    assert names >= wanted | {"tools/build_zeroc_ice.py", "tools/set-up", "tests/test_packaging.py"}


def test_a_client_needs_neither_sandbox_nor_tests(packages: Path) -> None:
    always = declared(packages)

    assert "omero-py" in always
    assert always & {"lark", "omero-sandbox", "pytest", "cryptography", "roc-validator"} == set()


def imported_distributions(*folders: str) -> dict[str, set[str]]:
    """Return the distributions that the files below the folders import, each with those files."""
    owners = packages_distributions()
    found: dict[str, set[str]] = {}
    for path in (path for folder in folders for path in (ROOT / PACKAGE).glob(folder)):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            for module in modules:
                top = module.partition(".")[0]
                if top not in KNOWN:
                    # what an install from this folder leaves in it, such as an egg-info, names us for "omero"
                    name = next((one for one in owners.get(top, [top]) if normal(one) != DISTRIBUTION), top)
                    found.setdefault(normal(name), set()).add(str(path))
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(packages: Path, *extras: str) -> set[str]:
    """Return the distributions that the wheel requires, always and with these extras."""
    wheel = zipfile.ZipFile(next(packages.glob("*.whl")))
    metadata = wheel.read(next(name for name in wheel.namelist() if name.endswith("METADATA"))).decode()
    needs = re.findall(r"(?m)^Requires-Dist: ([\w.-]+)([^;\n]*)(?:; extra == [\"'](\w+)[\"'])?$", metadata)
    assert all(">=" in version for _, version, _ in needs), "each has a lower bound"
    return {normal(name) for name, _, extra in needs if not extra or extra in extras} | COMES_WITH


@pytest.mark.parametrize(
    ("folders", "extras"),
    [
        (
            ["*.py", *(f"{part}/**/*.py" for part in ("cli", "crate", "model", "server", "transfer"))],
            ["tables"],
        ),
        (["../demo/**/*.py"], ["demo"]),
        (["../tests/**/*.py"], ["test", "fuzz"]),
    ],
)
def test_what_is_imported_is_required(packages: Path, folders: list[str], extras: list[str]) -> None:
    found = imported_distributions(*folders)

    assert found
    assert {name: files for name, files in found.items() if name not in declared(packages, *extras)} == {}


def test_omero_finds_the_installed_plugin(installed: Path, tmp_path: Path) -> None:
    text = run(installed, "-c", OMERO, "transfer", "-h", cwd=tmp_path)

    assert "pack" in text
    assert "unpack" in text


def test_python_m_offers_the_same_commands(installed: Path, tmp_path: Path) -> None:
    by_omero = run(installed, "-c", OMERO, "transfer", "pack", "-h", cwd=tmp_path)
    by_module = run(installed, "-m", "omero_rocrate_transfer", "pack", "-h", cwd=tmp_path)

    flags = {word.strip("[],") for word in by_omero.split() if word.strip("[],").startswith("--")}
    assert "--rocrate" in flags
    assert flags <= {word.strip("[],") for word in by_module.split()}


def test_help_imports_nothing_heavy(installed: Path, tmp_path: Path) -> None:
    """All of HEAVY but numpy, which other plugins of omero-py import."""
    help_and_tell = """
import json, sys, omero.cli
omero.cli.argv(["omero", "transfer", "pack", "-h"])
print("\\n" + json.dumps(list(sys.modules)))
"""
    modules = json.loads(run(installed, "-c", help_and_tell, cwd=tmp_path).splitlines()[-1])

    assert "omero_rocrate_transfer.cli.control" in modules
    assert [name for name in HEAVY if name in modules and name != "numpy"] == []


def test_plugin_itself_imports_nothing_heavy(installed: Path, tmp_path: Path) -> None:
    import_and_tell = """
import json, sys, omero.cli
before = set(sys.modules)
import omero_rocrate_transfer.cli.control
print(json.dumps(list(set(sys.modules) - before)))
"""
    modules = json.loads(run(installed, "-c", import_and_tell, cwd=tmp_path))

    assert "omero_rocrate_transfer.cli.control" in modules
    assert [name for name in HEAVY if name in modules] == []


def test_checkout_does_not_hide_omero() -> None:
    """Without an __init__.py in omero/ of the checkout, the package of omero-py is found from there."""
    place = run(sys.executable, "-c", "import omero.gateway; print(omero.__file__)", cwd=ROOT)

    assert not Path(place).is_relative_to(ROOT / "omero")
    assert not list((ROOT / "omero").rglob("__init__.py"))
