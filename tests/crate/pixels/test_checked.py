from __future__ import annotations

import hashlib
import json
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omero_rocrate_transfer.crate.ome_zarr.checked import CheckedPixels
from omero_rocrate_transfer.crate.read.source import CrateSource
from omero_rocrate_transfer.model.errors import DigestMismatchError, TransferError, UnsafeCrateError
from omero_rocrate_transfer.model.planes import PlaneHasher
from omero_rocrate_transfer.transfer.check import check
from omero_rocrate_transfer.transfer.engine import Engine
from tests.crate.ome_zarr.support import ArrayReader
from tests.crate.pixels.support import make_array, pack_pixels
from tests.crate.pixels.test_round_trip import read_all

ARRAY = make_array(1, (1, 1, 1, 300, 400), "u2")


def digest_of(array: Any) -> str:
    hasher = PlaneHasher(*array.shape[3:])
    hasher.update(array[0, 0, 0], 0, 0)
    return hasher.hexdigest()


class Claiming(ArrayReader):
    """Says that there are very many planes."""

    shape = (1000, 1000, 1000, 300, 400)

    def __init__(self) -> None:
        super().__init__(ARRAY)
        self.shape = type(self).shape


def test_planes_that_are_only_claimed_are_counted_and_not_listed() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UnsafeCrateError, match="has 1000000000 planes, 1 digests are promised"):
            CheckedPixels(Claiming(), {(0, 0, 0): "0" * 64}, "x")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("plane", [(0, 0, 1), (-1, 0, 0), (0, 5, 0)])
def test_digests_of_planes_that_are_not_there_are_refused(plane: tuple[int, int, int]) -> None:
    with pytest.raises(UnsafeCrateError):
        CheckedPixels(ArrayReader(ARRAY), {plane: "0" * 64}, "x")


def test_planes_read_in_any_order_of_tiles_are_compared() -> None:
    reader = CheckedPixels(ArrayReader(ARRAY), {(0, 0, 0): "0" * 64}, "x")

    reader.read_tile(0, 0, 0, 256, 256, 144, 44)
    reader.read_tile(0, 0, 0, 0, 256, 256, 44)
    reader.read_tile(0, 0, 0, 256, 0, 144, 256)
    with pytest.raises(DigestMismatchError, match=digest_of(ARRAY)):
        reader.read_tile(0, 0, 0, 0, 0, 256, 256)


def test_planes_that_are_as_promised_pass_and_may_be_read_again() -> None:
    reader = CheckedPixels(ArrayReader(ARRAY), {(0, 0, 0): digest_of(ARRAY)}, "x")

    for _ in range(2):
        assert np.array_equal(read_all(reader), ARRAY)
    assert reader.read_tile(0, 0, 0, 3, 5, 20, 10).shape == (10, 20)


def test_digests_of_other_planes_are_refused() -> None:
    with pytest.raises(UnsafeCrateError, match="1 planes, 2 digests"):
        CheckedPixels(ArrayReader(ARRAY), {(0, 0, 0): "0" * 64, (0, 0, 1): "0" * 64}, "x")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packed") / "crate"
    pack_pixels(path)
    return path


def list_zarr_files(crate: Path) -> list[str]:
    return sorted(str(file.relative_to(crate)) for file in crate.glob("*.ome.zarr/**/*") if file.is_file())


def run_check(path: Path) -> None:
    source = CrateSource(path)
    try:
        list(check(source.read_contents(), source, Engine(parallel=1)))
    finally:
        source.close()


def test_changed_byte_in_any_file_of_a_zarr_is_found_before_anything_is_sent(
    packed: Path, tmp_path: Path
) -> None:
    crate = tmp_path / "crate"
    shutil.copytree(packed, crate)
    run_check(crate)
    names = list_zarr_files(crate)
    assert len(names) > 50

    for name in names[::3]:
        before = (crate / name).read_bytes()
        (crate / name).write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        with pytest.raises(TransferError) as caught:
            run_check(crate)
        assert caught.value.exit_code in {4, 8}
        (crate / name).write_bytes(before)


@pytest.mark.parametrize("name", ["image205.ome.zarr/0/c/0/0/0/0/1", "plate7.ome.zarr/A/12/0/zarr.json"])
def test_missing_and_added_members_are_refused(packed: Path, tmp_path: Path, name: str) -> None:
    crate = tmp_path / "crate"
    shutil.copytree(packed, crate)
    (crate / name).rename(crate / f"{name}x")

    with pytest.raises(UnsafeCrateError):
        CrateSource(crate).read_contents()


def forge(crate: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Change a file, and the manifest and metadata so that they fit."""
    before = (crate / name).read_bytes()
    after = change(before)
    (crate / name).write_bytes(after)
    old, new = (hashlib.sha256(data).hexdigest() for data in (before, after))
    for place in ("ro-crate-metadata.json", "manifest-sha256.txt"):
        text = (crate / place).read_text().replace(old, new)
        lines = [
            line for line in text.splitlines(keepends=True) if not line.endswith("  ro-crate-metadata.json\n")
        ]
        (crate / place).write_text("".join(lines))


def test_digest_that_is_not_that_of_the_pixels_is_found_while_reading(packed: Path, tmp_path: Path) -> None:
    crate = tmp_path / "crate"
    shutil.copytree(packed, crate)

    def change(data: bytes) -> bytes:
        digest = json.loads(data)["images"][0]["planes"][2]
        return data.replace(digest.encode(), b"0" * 64)

    forge(crate, "image205.planes.json", change)
    source = CrateSource(crate)
    unit = source.read_contents().units[0]

    with pytest.raises(DigestMismatchError, match=r"Image:205 in image205\.ome\.zarr/, plane t=0 c=0 z=2"):
        read_all(source.open(unit).pixels(unit.images[0].ref))


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b'"plane-sha256"', b'"plane-sha999"'),
        lambda data: data.replace(b'"sizes"', b'"sises"'),
        lambda data: data.replace(b'"path": ""', b'"path": "../plate7.ome.zarr/A/12/0"'),
        lambda data: data.replace(b'"path": ""', b'"path": 12'),
    ],
)
def test_unsound_digests_are_refused(packed: Path, tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    crate = tmp_path / "crate"
    shutil.copytree(packed, crate)
    name = "image205.planes.json"
    before = (crate / name).read_bytes()
    after = change(before)
    assert after != before
    after += b" " * (len(before) - len(after))
    forge(crate, name, lambda _: after)
    text = (crate / "ro-crate-metadata.json").read_text()
    text = text.replace(f'"contentSize": "{len(before)}"', f'"contentSize": "{len(after)}"')
    (crate / "ro-crate-metadata.json").write_text(text)

    source = CrateSource(crate)
    unit = source.read_contents().units[0]
    with pytest.raises(UnsafeCrateError):
        source.open(unit).pixels(unit.images[0].ref)
