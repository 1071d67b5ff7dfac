"""Chunks are read under the names they have; what is missing is refused or counted, never just black."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omero_rocrate_transfer.crate.ome_zarr.nodes import AbsentError
from omero_rocrate_transfer.crate.read.open import open_source
from omero_rocrate_transfer.model.errors import IntegrityError, TransferError
from tests.crate.ome_zarr.made import NUMBERS, multiscale, read, scale, told_of, write_group, write_image
from tests.crate.pixels.test_round_trip import read_all

CHUNKS = (1, 8, 8)
FILES: dict[str, Callable[[Sequence[str]], str]] = {
    "0.0": ".".join,
    "0/0": "/".join,
    "c/0/0": lambda place: "/".join(["c", *place]),
    "c.0.0": lambda place: ".".join(["c", *place]),
}
V3_KEYS: dict[str, Any] = {
    "c/0/0": {"name": "default"},
    "c.0.0": {"name": "default", "configuration": {"separator": "."}},
    "0.0": {"name": "v2"},
    "0/0": {"name": "v2", "configuration": {"separator": "/"}},
}


def pixels_of(path: Path) -> Any:
    source = open_source(path)
    (unit,) = source.read_contents(()).units
    found = read_all(source.open(unit).pixels(unit.images[0].ref))
    source.close()
    return found[0, :, 0]


@pytest.mark.parametrize("files", ["0.0", "0/0"])
@pytest.mark.parametrize("declared", [None, ".", "/"])
def test_chunks_of_zarr_2_are_read_with_the_separator_they_have(
    tmp_path: Path, declared: str | None, files: str
) -> None:
    more: dict[str, Any] = {} if declared is None else {"dimension_separator": declared}
    write_image(tmp_path / "x.zarr", chunks=CHUNKS, key=FILES[files], **more)

    assert np.array_equal(pixels_of(tmp_path / "x.zarr"), NUMBERS)
    assert read(tmp_path / "x.zarr").omissions == ()


@pytest.mark.parametrize("files", FILES)
@pytest.mark.parametrize("declared", V3_KEYS)
def test_chunks_of_zarr_3_are_read_with_the_keys_they_have(tmp_path: Path, declared: str, files: str) -> None:
    encoding = V3_KEYS[declared]
    write_image(
        tmp_path / "x.zarr", chunks=CHUNKS, key=FILES[files], zarr_format=3, chunk_key_encoding=encoding
    )

    assert np.array_equal(pixels_of(tmp_path / "x.zarr"), NUMBERS)
    assert read(tmp_path / "x.zarr").omissions == ()


def test_chunks_with_both_separators_are_read_together(tmp_path: Path) -> None:
    def key(place: Sequence[str]) -> str:
        return (".", "/")[place[1] == "1"].join(place)

    write_image(tmp_path / "x.zarr", chunks=CHUNKS, key=key, dimension_separator="/")

    assert np.array_equal(pixels_of(tmp_path / "x.zarr"), NUMBERS)
    assert read(tmp_path / "x.zarr").omissions == ()


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_an_image_without_any_chunk_is_refused(tmp_path: Path, zarr_format: int) -> None:
    write_image(tmp_path / "x.zarr", chunks=CHUNKS, key=lambda _: None, zarr_format=zarr_format)

    with pytest.raises(AbsentError, match=r"^x has none of the 8 chunks of '0'\. Nothing was written\.$"):
        read(tmp_path / "x.zarr")


@pytest.mark.parametrize(
    "name",
    ["0.0", "0_0_0", "0.0.0.0.0", "9.0.0", "0.0.9", "00.0.0", "a.0.0", "0.0.0.tmp", ".0.0.0", "-1.0.0"],
)
def test_other_files_beside_an_array_are_not_its_chunks(tmp_path: Path, name: str) -> None:
    write_image(tmp_path / "x.zarr", chunks=CHUNKS, key=lambda _: None)
    (tmp_path / "x.zarr/0" / name).write_bytes(b"x")

    with pytest.raises(AbsentError, match="none of the 8 chunks"):
        read(tmp_path / "x.zarr")


@pytest.mark.parametrize(("fill", "is_loss"), [(0, False), (7, False), (None, True)])
@pytest.mark.parametrize("missing", [1, 4, 7])
def test_missing_chunks_are_told_with_their_number(
    tmp_path: Path, missing: int, fill: int | None, is_loss: bool
) -> None:
    left = iter(range(8))
    write_image(
        tmp_path / "x.zarr",
        chunks=CHUNKS,
        key=lambda place: None if next(left) < missing else ".".join(place),
        fill_value=fill,
    )

    (omission,) = read(tmp_path / "x.zarr").omissions

    assert (omission.count, omission.type, omission.on_request) == (missing, "Chunk", not is_loss)
    assert omission.reason.startswith(f"{missing} of 8 chunks are missing and are read as ")
    assert pixels_of(tmp_path / "x.zarr")[0, 0, 0] == (fill or 0)


@pytest.mark.parametrize("size", [0, 1, 127])
def test_a_chunk_that_is_cut_short_is_an_error(tmp_path: Path, size: int) -> None:
    write_image(tmp_path / "x.zarr", chunks=CHUNKS, key=".".join)
    chunk = tmp_path / "x.zarr/0/0.0.0"
    chunk.write_bytes(chunk.read_bytes()[:size])

    with pytest.raises(IntegrityError, match="cannot be unpacked"):
        pixels_of(tmp_path / "x.zarr")


def test_a_chunk_file_far_larger_than_a_chunk_is_not_read(tmp_path: Path) -> None:
    write_image(tmp_path / "x.zarr", chunks=CHUNKS, key=".".join)
    with (tmp_path / "x.zarr/0/0.0.0").open("r+b") as chunk:
        chunk.truncate(1 << 30)

    with pytest.raises(TransferError, match="a chunk of this array has no more than"):
        pixels_of(tmp_path / "x.zarr")


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
def test_the_largest_level_is_taken_whatever_its_place(tmp_path: Path, order: tuple[int, ...]) -> None:
    sides = {0: 16, 1: 8, 2: 4}
    levels = [
        {"path": str(level), "coordinateTransformations": [scale(1, 0.5 * 2**level, 0.5 * 2**level)]}
        for level in order
    ]
    write_group(tmp_path / "x.zarr", {"multiscales": [multiscale("cyx", datasets=levels)]})
    for level, side in sides.items():
        write_image(tmp_path / f"level{level}", array=NUMBERS[:, :side, :side])
        (tmp_path / f"level{level}/0").rename(tmp_path / "x.zarr" / str(level))

    contents = read(tmp_path / "x.zarr")

    assert np.array_equal(pixels_of(tmp_path / "x.zarr"), NUMBERS)
    assert [one.type for one in contents.omissions] == ["Level order"] * (order[0] != 0)
    assert all(one.on_request for one in contents.omissions)


def test_a_smaller_level_that_is_not_there_is_not_missed(tmp_path: Path) -> None:
    levels = [{"path": "0"}, {"path": "1"}]
    write_image(tmp_path / "x.zarr", multiscale("cyx", datasets=levels))

    assert np.array_equal(pixels_of(tmp_path / "x.zarr"), NUMBERS)


def test_an_image_whose_first_level_is_not_there_is_refused(tmp_path: Path) -> None:
    levels = [{"path": "9"}, {"path": "0"}]
    write_image(tmp_path / "x.zarr", multiscale("cyx", datasets=levels))

    with pytest.raises(AbsentError, match="x has no array '9'"):
        read(tmp_path / "x.zarr")


CLAIMS: list[tuple[str, dict[str, Any]]] = [
    ("channels", {"shape": [2**31 - 1, 16, 16]}),
    ("channels", {"shape": [10_001, 16, 16]}),
    ("impossible shape", {"shape": [2**31, 16, 16]}),
    ("impossible shape", {"shape": [0, 16, 16]}),
    ("no readable array", {"shape": [-1, 16, 16]}),
    ("too large to be read", {"chunks": [2, 2**20, 2**20]}),
    (".", {"chunks": [0, 8, 8]}),
    (".", {"chunks": [1, 8]}),
    (".", {"dtype": "|O"}),
    (".", {"dtype": "<M8[ns]"}),
    (".", {"dtype": [["a", "<u2"]]}),
]


@pytest.mark.parametrize(("words", "claim"), CLAIMS)
def test_claims_of_the_metadata_are_refused_before_anything_is_made(
    tmp_path: Path, words: str, claim: dict[str, Any]
) -> None:
    write_image(tmp_path / "x.zarr", chunks=CHUNKS, key=".".join)
    path = tmp_path / "x.zarr/0/.zarray"
    path.write_text(json.dumps(json.loads(path.read_text()) | claim))

    with pytest.raises(TransferError, match=words) as caught:
        read(tmp_path / "x.zarr")

    assert caught.value.exit_code == 8
    assert " at 0x" not in str(caught.value)


@pytest.mark.parametrize("planes", [10_000_001, 10**9])
def test_more_planes_than_any_image_has_are_refused(tmp_path: Path, planes: int) -> None:
    write_image(tmp_path / "x.zarr", multiscale("tyx"), chunks=CHUNKS, key=".".join)
    path = tmp_path / "x.zarr/0/.zarray"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"shape": [planes, 16, 16]}))

    with pytest.raises(TransferError, match=f"has {planes} planes"):
        read(tmp_path / "x.zarr")


def test_nothing_is_told_of_whole_images(tmp_path: Path) -> None:
    write_image(tmp_path / "x.zarr")

    assert told_of(read(tmp_path / "x.zarr").omissions) == []
