"""Every damage of a finished crate is found and named, and nothing else."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from omero_rocrate_transfer.crate.read.audit import CrateAudit
from omero_rocrate_transfer.transfer.engine import Engine
from omero_rocrate_transfer.transfer.events import Compared
from omero_rocrate_transfer.transfer.verify.audit import verify
from tests.crate.worlds import pack_world
from tests.promises import Promise

KINDS = ["crate", "crate.zip", "crate.tar"]
#: Of each kind of damage, in the tests of every day and in those that run for long.
SAMPLE, SOAK = 60, 1000
Damage = Callable[[Path, random.Random], str]


def differences(crate: Path) -> list[Compared]:
    with closing(CrateAudit(crate)) as audit:
        events = list(verify(audit, Engine()))
    return [event for event in events if isinstance(event, Compared) and event.symbol != "="]


@pytest.fixture(params=KINDS)
def crate(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / str(request.param)
    pack_world(path)
    return path


def files(crate: Path) -> list[Path]:
    return sorted(crate.iterdir()) if crate.is_dir() else [crate]


def flip_a_bit(crate: Path, dice: random.Random) -> str:
    path = dice.choice(files(crate))
    data = bytearray(path.read_bytes())
    place = dice.randrange(len(data))
    data[place] ^= 1 << dice.randrange(8)
    path.write_bytes(data)
    return path.name


def cut(crate: Path, dice: random.Random) -> str:
    path = dice.choice(files(crate))
    data = path.read_bytes()
    # what follows the two blocks that end a tar is only padding
    end = len(data.rstrip(b"\0")) + 1024 if path.suffix == ".tar" else len(data)
    path.write_bytes(data[: dice.randrange(end)])
    return path.name


def delete(crate: Path, dice: random.Random) -> str:
    path = dice.choice(files(crate))
    path.unlink()
    return path.name


def add(crate: Path, dice: random.Random) -> str:
    name = f"{dice.choice(['fs103.', 'ann1.', '', 'ro-crate-preview_files_'])}{dice.randrange(10**9)}.tif"
    (crate / name).write_bytes(dice.randbytes(dice.randrange(100)))
    return name


def swap(crate: Path, dice: random.Random) -> str:
    one, other = dice.sample(files(crate), 2)
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)
    # who swaps the manifest with another file makes the manifest unreadable
    return max(one.name, other.name, key="manifest-sha256.txt".__eq__)


def zero_a_block(crate: Path, dice: random.Random) -> str:
    path = dice.choice([file for file in files(crate) if file.suffix in {".tif", ".xml", ".zip", ".tar"}])
    data = bytearray(path.read_bytes())
    place = dice.choice([place for place in range(0, len(data), 64) if any(data[place : place + 64])])
    data[place : place + 64] = bytes(len(data[place : place + 64]))
    path.write_bytes(data)
    return path.name


#: How each kind is told at the end of the tests.
TOLD: dict[Damage, str] = {
    flip_a_bit: "bit flips",
    cut: "truncations",
    zero_a_block: "blocks of zeros",
    delete: "deletions",
    add: "additions",
    swap: "swaps",
}


def found_and_named(crate: Path, damage: Damage, times: int) -> int:
    """Damage copies of a crate, and count how often that was told with the name of what is damaged."""
    found = 0
    for seed in range(times):
        dice = random.Random(seed)  # noqa: S311 - a repeatable choice
        copy = crate.with_name(f"copy{crate.suffix}")
        shutil.copytree(crate, copy) if crate.is_dir() else shutil.copyfile(crate, copy)
        name = damage(copy, dice)
        told = differences(copy)
        named = any(name in f"{one.path} {one.text}" for one in told)
        # in an archive any member, or the archive itself
        found += bool(told) and (named or not crate.is_dir() or _is_about_the_manifest(name, told))
        shutil.rmtree(copy) if crate.is_dir() else copy.unlink()
    return found


def _is_about_the_manifest(name: str, told: list[Compared]) -> bool:
    """Tell whether the manifest is what was damaged: then the files are named that it has no longer right."""
    return name == "manifest-sha256.txt" and all(one.symbol in "*+-!" for one in told)


def check(crate: Path, damage: Damage, times: int, promise: Promise) -> None:
    promise(f"{TOLD[damage]} found and named", found_and_named(crate, damage, times), times)


@pytest.mark.parametrize("damage", [flip_a_bit, cut, zero_a_block])
def test_damage_is_found(crate: Path, damage: Damage, promise: Promise) -> None:
    check(crate, damage, SAMPLE // 3, promise)


@pytest.mark.parametrize("damage", [delete, add, swap])
def test_changed_folder_is_found(tmp_path: Path, damage: Damage, promise: Promise) -> None:
    pack_world(tmp_path / "crate")

    check(tmp_path / "crate", damage, SAMPLE // 3, promise)


@pytest.mark.soak
def test_1000_flipped_bits_are_found(crate: Path, promise: Promise) -> None:
    check(crate, flip_a_bit, SOAK, promise)


@pytest.mark.soak
@pytest.mark.parametrize("damage", [cut, zero_a_block])
def test_200_damages_are_found(crate: Path, damage: Damage, promise: Promise) -> None:
    check(crate, damage, 200, promise)


@pytest.mark.soak
@pytest.mark.parametrize("damage", [delete, add, swap])
def test_200_changed_folders_are_found(tmp_path: Path, damage: Damage, promise: Promise) -> None:
    pack_world(tmp_path / "crate")

    check(tmp_path / "crate", damage, 200, promise)


def check_silence(crate: Path, times: int, promise: Promise) -> None:
    silent = sum(not differences(crate) for _ in range(times))
    promise("sound crates verified without alarm", silent, times)


def test_sound_crate_raises_no_alarm(crate: Path, promise: Promise) -> None:
    check_silence(crate, 3, promise)


@pytest.mark.soak
def test_1000_sound_crates_raise_no_alarm(crate: Path, promise: Promise) -> None:
    check_silence(crate, SOAK, promise)


@pytest.mark.parametrize("suffix", ["zip", "tar"])
def test_crate_archived_again_by_others_raises_no_alarm(tmp_path: Path, suffix: str) -> None:
    pack_world(tmp_path / "crate")

    again = shutil.make_archive(str(tmp_path / "again"), suffix, tmp_path / "crate")

    assert differences(Path(again)) == []


def test_manifest_cut_at_a_line_is_found(tmp_path: Path) -> None:
    pack_world(tmp_path / "crate")
    manifest = tmp_path / "crate" / "manifest-sha256.txt"
    *lines, _ = manifest.read_bytes().splitlines(keepends=True)
    manifest.write_bytes(b"".join(lines))

    told = {(one.symbol, one.path) for one in differences(tmp_path / "crate")}

    assert told == {("-", "ro-crate-metadata.json"), ("*", "manifest-sha256.txt")}
