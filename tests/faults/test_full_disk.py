"""A full disk ends a command in one sentence; with room made, the same command goes on."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from omero_sandbox.server import SandboxServer
from tests.faults import rich, worlds
from tests.faults.conftest import FORMS, Packed, Source, Unpacked
from tests.faults.moments import seeds

ENOUGH = 64 << 20
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Disk:
    """A small disk of its own, in memory; mounting it takes the rights of root."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self._mount("size=1m")

    def resize(self, size_bytes: int) -> None:
        self._mount(f"remount,size={size_bytes}")

    def close(self) -> None:
        subprocess.run(["umount", self.path], check=True)

    def _mount(self, options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.path)]
        subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Give a disk; the test of a limit on the size of files stands for this one where nobody may mount."""
    try:
        made = Disk(tmp_path / "disk")
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk can be mounted here: {error}")
    yield made
    made.close()


def fill_up(disk: Disk, server: SandboxServer, words: tuple[str, ...], wanted: int) -> None:
    """Run a command on a disk that is too small: crate, id map, journal, log and session are all there."""
    disk.resize(wanted)
    code, summary, stderr = worlds.run(disk.path, server, *words)
    assert (code, summary["error"]["id"]) == (9, "stopped"), f"{wanted} bytes: {summary} {stderr}"
    assert "no space left" in summary["error"]["text"]
    assert "Traceback" not in stderr
    assert "Logging error" not in stderr


def pages(path: Path) -> int:
    """Return how many pages of a disk a crate takes."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(-(-file.stat().st_size // _PAGE) for file in files)


@pytest.mark.promise("full disks that were gone on from")
@pytest.mark.parametrize("seed", seeds(2, soak=10))
def test_pack_goes_on_when_there_is_room(seed: int, disk: Disk, source: Source, packed: Packed) -> None:
    form = FORMS[seed % len(FORMS)]
    words = ("pack", *source.roots, form, *rich.PACK)
    dice = random.Random(seed)  # noqa: S311 - repeatable sizes
    fill_up(disk, source.server, words, dice.randrange(1, pages(packed.home / form)) * _PAGE)
    assert not (disk.path / form).exists()

    disk.resize(ENOUGH)
    code, summary, stderr = worlds.run(disk.path, source.server, *words)

    assert (code, summary["done"] + summary["skipped"]) == (0, rich.UNITS), stderr
    assert worlds.read_crate(disk.path / form) == packed.crates[form]
    assert {path.name for path in disk.path.iterdir()} == {"omero", form}


@pytest.mark.promise("full disks that were gone on from")
@pytest.mark.parametrize("seed", seeds(1, soak=6))
def test_unpack_goes_on_when_there_is_room(
    seed: int, disk: Disk, packed: Packed, undisturbed: Unpacked, tmp_path: Path
) -> None:
    """Session, log, journal and id map are all that it writes here: a page or two each."""
    words = ("unpack", str(packed.home / "crate"), *rich.UNPACK)
    with undisturbed.server("tiles", tmp_path / "target") as server:
        fill_up(disk, server, words, (7 - seed) * _PAGE)

        disk.resize(ENOUGH)
        code, summary, stderr = worlds.run(disk.path, server, *words)

        assert (code, summary["done"] + summary["skipped"]) == (0, rich.UNITS), stderr
        assert rich.differences(undisturbed.graphs["tiles"], server) == []
        assert {path.name for path in disk.path.iterdir()} == {"omero"}
