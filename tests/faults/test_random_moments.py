"""Killed or interrupted at random moments, the same command goes on: as if nobody had disturbed it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from omero_sandbox.server import SandboxServer
from tests.faults import rich, worlds
from tests.faults.conftest import FORMS, Packed, Source, Unpacked
from tests.faults.moments import Length, draw, run_until, seeds

#: Ctrl-C ends a command cleanly, unless it had nothing left to do.
CODES = {"kill": {-9, 0}, "int": {130, 0}}


def disturb(
    home: Path, server: SandboxServer, words: tuple[str, ...], length: Length, how: str, seed: int
) -> None:
    """Break a command off at a random moment, and sometimes the one that goes on as well."""
    dice = random.Random(seed)  # noqa: S311 - repeatable moments
    for place in range(dice.choice((1, 1, 2, 3))):
        moment = draw(dice, length)
        code, stderr = run_until(home, server, words, moment, how)
        # the first is surely long enough, one that goes on may be over before
        assert code in (CODES[how] if place or how == "int" else {-9}), f"{moment}: {stderr}"
        assert "Traceback" not in stderr, f"{moment}: {stderr}"


def check_pack(source: Source, packed: Packed, home: Path, how: str, seed: int) -> None:
    form = FORMS[seed % len(FORMS)]
    words = ("pack", *source.roots, form, *rich.PACK)
    disturb(home, source.server, words, packed.lengths[form], how, seed)

    code, summary, stderr = worlds.run(home, source.server, *words)

    assert (code, summary["done"] + summary["skipped"]) == (0, rich.UNITS), stderr
    assert worlds.read_crate(home / form) == packed.crates[form]
    assert {path.name for path in home.iterdir()} == {"omero", form}


def check_unpack(packed: Packed, undisturbed: Unpacked, folder: Path, how: str, seed: int) -> None:
    home, kind = folder / "home", ("tiles", "ome-tiff")[seed % 2]
    home.mkdir()
    words = ("unpack", str(packed.home / FORMS[seed % len(FORMS)]), *rich.UNPACK, "--idmap", "idmap.json")
    with undisturbed.server(kind, folder / "target") as server:
        disturb(home, server, words, undisturbed.lengths[kind], how, seed)

        code, summary, stderr = worlds.run(home, server, *words)

        assert (code, summary["done"] + summary["skipped"]) == (0, rich.UNITS), stderr
        assert rich.differences(undisturbed.graphs[kind], server) == []
        assert {path.name for path in home.iterdir()} == {"omero", "idmap.json"}


@pytest.mark.promise("packs that went on after random kills")
@pytest.mark.parametrize("seed", seeds(3, soak=100))
def test_killed_pack_goes_on(seed: int, source: Source, packed: Packed, tmp_path: Path) -> None:
    check_pack(source, packed, tmp_path, "kill", seed)


@pytest.mark.promise("unpacks that went on after random kills")
@pytest.mark.parametrize("seed", seeds(3, soak=100))
def test_killed_unpack_goes_on(seed: int, packed: Packed, undisturbed: Unpacked, tmp_path: Path) -> None:
    check_unpack(packed, undisturbed, tmp_path, "kill", seed)


@pytest.mark.promise("packs that went on after Ctrl-C")
@pytest.mark.parametrize("seed", seeds(2, soak=50))
def test_interrupted_pack_goes_on(seed: int, source: Source, packed: Packed, tmp_path: Path) -> None:
    check_pack(source, packed, tmp_path, "int", seed)


@pytest.mark.promise("unpacks that went on after Ctrl-C")
@pytest.mark.parametrize("seed", seeds(2, soak=50))
def test_interrupted_unpack_goes_on(seed: int, packed: Packed, undisturbed: Unpacked, tmp_path: Path) -> None:
    check_unpack(packed, undisturbed, tmp_path, "int", seed)
