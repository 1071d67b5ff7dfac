"""Wherever a process dies, the same command goes on: nothing lost, nothing doubled, as if undisturbed."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from omero_rocrate_transfer.sandbox.server import SandboxServer
from omero_rocrate_transfer.transfer.faultpoints import POINTS
from tests.faults import worlds

PACKAGE = Path(__file__).parents[2] / "omero_rocrate_transfer"
FORMS = ("crate", "crate.zip", "crate.tar")
HOWS = ("kill", "term", "raise")
#: Points that only one of the directions passes.
ONLY = {"crate": "pack", "server": "unpack"}
#: Points that only folders pass: archives name their files at once.
ONLY_FOLDER = {"crate:file-written"}
#: Which time a point strikes that is passed often: in the middle, with something done and something to do.
TIMES = {
    "crate:file-written": 4, "crate:unit-described": 2, "run:unit-written": 2, "server:container-created": 2,
    "server:fileset-created": 2, "server:file-sent": 2, "server:imported": 2, "server:linked": 2,
    "journal:before-write": 3, "journal:torn-line": 3, "journal:before-fsync": 3, "journal:after-fsync": 3,
}  # fmt: skip


def passes(point: str, direction: str, form: str = "crate") -> bool:
    if point in ONLY_FOLDER and form != "crate":
        return False
    return ONLY.get(point.partition(":")[0], direction) == direction


PACKS = [
    (point, how, form) for point in POINTS for how in HOWS for form in FORMS if passes(point, "pack", form)
]
UNPACKS = [(point, how) for point in POINTS for how in HOWS if passes(point, "unpack")]


def sample(cases: Sequence[tuple[str, ...]], size: int) -> list[object]:
    """Mark all but some of the cases, spread over all, as long."""
    step = max(1, len(cases) // size)
    return [
        pytest.param(*case, marks=() if place % step == 0 else pytest.mark.soak)
        for place, case in enumerate(cases)
    ]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxServer, str]]:
    """Give a server with a world, and the object to pack."""
    with SandboxServer(tmp_path_factory.mktemp("source")) as server:
        yield server, worlds.fill(server, tmp_path_factory.mktemp("in"))


@pytest.fixture(scope="module")
def packed(source: tuple[SandboxServer, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the home of an undisturbed pack, in every form."""
    server, root = source
    home = tmp_path_factory.mktemp("packed")
    for form in FORMS:
        code, summary, stderr = worlds.run(home, server, "pack", root, form)
        assert (code, summary["done"]) == (0, worlds.UNITS), stderr
    return home


@pytest.fixture(scope="module")
def undisturbed(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Give what an undisturbed unpack leaves on a server."""
    home = tmp_path_factory.mktemp("unpacked")
    with SandboxServer(tmp_path_factory.mktemp("target")) as server:
        code, _, stderr = worlds.run(home, server, "unpack", str(packed / "crate"))
        assert code == 0, stderr
        return worlds.read_server(server)


@pytest.mark.promise("killed at fault points")
@pytest.mark.parametrize(("point", "how", "form"), sample(PACKS, 4))
def test_pack_goes_on(
    point: str, how: str, form: str, source: tuple[SandboxServer, str], packed: Path, tmp_path: Path
) -> None:
    server, root = source

    code, _, stderr = worlds.run(
        tmp_path, server, "pack", root, form, fault=f"{point}={how}@{TIMES.get(point, 1)}"
    )
    assert code in worlds.BROKEN[how], stderr
    code, summary, stderr = worlds.run(tmp_path, server, "pack", root, form)

    assert (code, summary["done"] + summary["skipped"]) == (0, worlds.UNITS), stderr
    assert worlds.read_crate(tmp_path / form) == worlds.read_crate(packed / form)
    assert {path.name for path in tmp_path.iterdir()} == {"omero", form}


@pytest.mark.promise("killed at fault points")
@pytest.mark.parametrize(("point", "how"), sample(UNPACKS, 4))
def test_unpack_goes_on(
    point: str, how: str, packed: Path, undisturbed: dict[str, object], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    crate = str(packed / "crate")
    with SandboxServer(tmp_path / "target") as server:
        code, _, stderr = worlds.run(
            home, server, "unpack", crate, fault=f"{point}={how}@{TIMES.get(point, 1)}"
        )
        assert code in worlds.BROKEN[how], stderr
        code, summary, stderr = worlds.run(home, server, "unpack", crate)

        assert (code, summary["done"] + summary["skipped"]) == (0, worlds.UNITS), stderr
        assert worlds.read_server(server) == undisturbed


def test_finished_command_does_nothing(source: tuple[SandboxServer, str], packed: Path) -> None:
    server, root = source
    before = {path: path.stat().st_mtime_ns for path in packed.rglob("*") if "omero" not in path.parts}
    server.calls.clear()

    for form in FORMS:
        code, summary, stderr = worlds.run(packed, server, "pack", root, form)
        assert (code, summary["skipped"], summary["bytes"]) == (0, worlds.UNITS, 0), stderr

    assert server.calls["RawFileStore.read"] == 0
    assert {
        path: path.stat().st_mtime_ns for path in packed.rglob("*") if "omero" not in path.parts
    } == before


def test_every_fault_point_is_in_the_code_and_nowhere_else() -> None:
    calls = {
        node.args[0].value
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "faultpoint"
        and isinstance(node.args[0], ast.Constant)
    }

    assert calls == POINTS.keys()


def test_every_fault_point_is_exercised() -> None:
    assert {case[0] for case in PACKS} | {case[0] for case in UNPACKS} == POINTS.keys()
