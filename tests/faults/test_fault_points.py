"""Wherever a process dies, the same command goes on: nothing lost, nothing doubled, as if undisturbed."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

import pytest

from omero_rocrate_transfer.transfer.faultpoints import POINTS
from omero_sandbox.server import SandboxServer
from tests.faults import rich, worlds
from tests.faults.conftest import FORMS, Packed, Source, Unpacked

PACKAGE = Path(__file__).parents[2] / "omero_rocrate_transfer"
HOWS = ("kill", "term", "raise")
#: Points that only one of the directions passes.
ONLY = {"crate": "pack", "server": "unpack", "idmap": "unpack"}
#: Points that only some forms of crates pass: folders name their files one by one.
ONLY_FORMS = {"crate:file-written": FORMS[:1], "crate:member-written": FORMS[1:]}
#: Points that only a process passes that goes on, and where the one before it is killed.
RESUMING = {
    "crate:taken-up": "crate:unit-described",
    "server:taken-up": "server:annotations-created",
    # with an id map that the one before it left
    "idmap:written": "idmap:written",
}
#: Which time a point strikes that is passed often: in the middle, with something done and something to do.
TIMES = {
    "crate:file-written": 9, "crate:member-written": 9, "crate:chunk-written": 8, "crate:unit-described": 3,
    "crate:zarr-written": 2, "run:unit-written": 3, "server:container-created": 2,
    "server:fileset-created": 2, "server:file-sent": 2, "server:imported": 2, "server:linked": 3,
    "server:image-created": 2, "server:band-written": 2, "server:pixels-written": 2,
    "server:content-restored": 2, "server:annotations-created": 3, "server:attachment-sent": 2,
    "journal:before-write": 3, "journal:torn-line": 3, "journal:before-fsync": 3, "journal:after-fsync": 3,
}  # fmt: skip


def passes(point: str, direction: str, form: str = FORMS[0]) -> bool:
    if form not in ONLY_FORMS.get(point, FORMS):
        return False
    return ONLY.get(point.partition(":")[0], direction) == direction


def fault(point: str, how: str) -> str:
    return f"{point}={how}@{TIMES.get(point, 1)}"


PACKS = [
    (point, how, form) for point in POINTS for how in HOWS for form in FORMS if passes(point, "pack", form)
]
#: A target with a low limit takes pixels as OME-TIFF.
UNPACKS = [
    (point, how, kind)
    for point in POINTS
    for how in HOWS
    for kind in ("tiles", "ome-tiff")
    if passes(point, "unpack") and (kind == "tiles" or (how == "kill" and point.startswith("server")))
]


COPIES = [(point, how) for point in POINTS for how in HOWS if passes(point, "unpack")]


def sample(cases: Sequence[tuple[str, ...]], size: int) -> list[object]:
    """Mark all but some of the cases, spread over all, as long."""
    step = max(1, len(cases) // size)
    return [
        pytest.param(*case, marks=() if place % step == step // 2 else pytest.mark.soak)
        for place, case in enumerate(cases)
    ]


def break_off(point: str, how: str, home: Path, server: SandboxServer, *words: str) -> None:
    """Run a command, and end it at a point."""
    before = RESUMING.get(point)
    if before is not None:
        code, _, stderr = worlds.run(home, server, *words, fault=fault(before, "kill"))
        assert code in worlds.BROKEN["kill"], stderr
    code, _, stderr = worlds.run(home, server, *words, fault=fault(point, how))
    assert code in worlds.BROKEN[how], stderr


@pytest.mark.promise("packs that went on from a fault point")
@pytest.mark.parametrize(("point", "how", "form"), sample(PACKS, 4))
def test_pack_goes_on(
    point: str, how: str, form: str, source: Source, packed: Packed, tmp_path: Path
) -> None:
    words = ("pack", *source.roots, form, *rich.PACK)
    break_off(point, how, tmp_path, source.server, *words)

    code, summary, stderr = worlds.run(tmp_path, source.server, *words)

    assert (code, summary["done"] + summary["skipped"]) == (0, rich.UNITS), stderr
    assert worlds.read_crate(tmp_path / form) == packed.crates[form]
    assert {path.name for path in tmp_path.iterdir()} == {"omero", form}


@pytest.mark.promise("unpacks that went on from a fault point")
@pytest.mark.parametrize(("point", "how", "kind"), sample(UNPACKS, 4))
def test_unpack_goes_on(
    point: str, how: str, kind: str, packed: Packed, undisturbed: Unpacked, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    words = ("unpack", str(packed.home / "crate"), *rich.UNPACK)
    with undisturbed.server(kind, tmp_path / "target") as server:
        break_off(point, how, home, server, *words)

        code, summary, stderr = worlds.run(home, server, *words)

        assert (code, summary["done"] + summary["skipped"]) == (0, rich.UNITS), stderr
        assert rich.differences(undisturbed.graphs[kind], server) == []
        assert {path.name for path in home.iterdir()} == {"omero"}


@pytest.mark.promise("copies that went on from a fault point")
@pytest.mark.parametrize(("point", "how"), sample(COPIES, 2))
def test_copy_goes_on(
    point: str,
    how: str,
    source: Source,
    undisturbed: Unpacked,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMERO_TRANSFER_TO_PASSWORD", rich.ROOT[1])
    home = tmp_path / "home"
    home.mkdir()
    with undisturbed.server("tiles", tmp_path / "target") as target:
        to = ("--to-server", f"tcp://{target.host}", "--to-port", str(target.port), "--idmap", "ids.json")
        words = ("copy", *source.roots, *rich.UNPACK, *to)
        break_off(point, how, home, source.server, *words)

        code, summary, stderr = worlds.run(home, source.server, *words)

        assert (code, summary["done"] + summary["skipped"]) == (0, rich.UNITS), stderr
        assert rich.differences(undisturbed.graphs["tiles"], target) == []
        assert {path.name for path in home.iterdir()} == {"omero", "ids.json"}


def test_finished_command_does_nothing(source: Source, packed: Packed) -> None:
    before = {path: path.stat().st_mtime_ns for path in packed.home.rglob("*") if "omero" not in path.parts}
    source.server.calls.clear()

    for form in FORMS:
        code, summary, stderr = worlds.run(
            packed.home, source.server, "pack", *source.roots, form, *rich.PACK
        )
        assert (code, summary["skipped"], summary["bytes"]) == (0, rich.UNITS, 0), stderr

    # the plan looks into the figure, for the images that it shows
    assert source.server.calls["RawFileStore.read"] == len(FORMS)
    assert source.server.calls["RawPixelsStore.getTile"] == 0
    assert {
        path: path.stat().st_mtime_ns for path in packed.home.rglob("*") if "omero" not in path.parts
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
