"""Random worlds are the same after they were packed and unpacked; what is not was said to be left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from omero_rocrate_transfer.server.read.documents import rois
from tests.worlds.accounting import omitted, unaccounted, unexplained
from tests.worlds.comparison import compare
from tests.worlds.conftest import Place
from tests.worlds.crates import check_documents
from tests.worlds.graph import Key
from tests.worlds.scope import in_scope
from tests.worlds.world import build_world

FORMS = ("crate", "crate.zip", "crate.tar")


def read_ids(path: Path) -> dict[Key, Key]:
    """Return what objects became, as the id map says."""
    lines = json.loads(path.read_text("utf-8"))["objects"]
    return {_key(line["source"]): _key(line["target"]) for line in lines}


def _key(ref: str) -> Key:
    kind, _, number = ref.partition(":")
    return kind, int(number)


def round_trip(places: tuple[Place, Place], home: Path, seed: int, size: int) -> None:
    source, target = places
    client, others = source.people() if seed % 4 == 3 else (source.client, [])
    as_owner = seed % 8 == 7
    world = build_world(source.server, client, home / "in", seed, size, others)
    form = FORMS[seed % len(FORMS)]
    before = in_scope(source.graph(owners=as_owner))
    if as_owner:
        target.people()

    packed = source.run("pack", *world.roots, form)
    unpacked = target.run("unpack", form, *(("--as-owner", "-g", "lab") if as_owner else ()))

    after = target.graph(owners=as_owner)
    left_out = omitted([packed.summary, unpacked.summary])
    found = compare(before, after, read_ids(home / "crate.idmap.json"))
    assert unexplained(found, left_out) == []
    assert unaccounted(before, after, left_out) == {}
    assert check_documents(home / form) == []
    assert all(run.exit_code == 0 or run.summary["omitted"] for run in (packed, unpacked))


@pytest.mark.promise("random worlds the same")
@pytest.mark.parametrize("seed", range(20))
def test_small_worlds_are_the_same(seed: int, places: tuple[Place, Place], home: Path) -> None:
    round_trip(places, home, seed, size=1)


@pytest.mark.promise("random worlds the same")
@pytest.mark.parametrize("seed", range(20, 32))
def test_small_worlds_are_the_same_with_rois_in_pages(
    seed: int, places: tuple[Place, Place], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rois, "ROIS_PER_PAGE", 1)
    round_trip(places, home, seed, size=2)


@pytest.mark.soak
@pytest.mark.promise("random worlds the same")
@pytest.mark.parametrize("seed", range(1000, 1200))
def test_larger_worlds_are_the_same(seed: int, places: tuple[Place, Place], home: Path) -> None:
    round_trip(places, home, seed, size=3)


@pytest.mark.parametrize("seed", range(5))
def test_small_worlds_are_the_same_when_copied(
    seed: int, places: tuple[Place, Place], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = places
    monkeypatch.setenv("OMERO_TRANSFER_TO_PASSWORD", "omero")
    world = build_world(source.server, source.client, home / "in", seed, 1, [])
    before = in_scope(source.graph())
    to = ["--to-server", f"tcp://{target.server.host}", "--to-port", str(target.server.port)]

    copied = source.run("copy", *world.roots, *to, "--idmap", "ids.json")

    after = target.graph()
    left_out = omitted([copied.summary])
    found = compare(before, after, read_ids(home / "ids.json"))
    assert unexplained(found, left_out) == []
    assert unaccounted(before, after, left_out) == {}
    assert copied.exit_code == 0 or copied.summary["omitted"]
