"""Chunks of every codec are unpacked exactly, and never into more memory than the array declares."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from omero_rocrate_transfer.crate.ome_zarr.unpacking import unpack
from omero_rocrate_transfer.crate.read.open import open_source
from omero_rocrate_transfer.model.errors import IntegrityError, TransferError, UnsafeCrateError
from tests.crate.ome_zarr.made import NUMBERS, multiscale, write_group, write_image
from tests.crate.pixels.test_round_trip import read_all

CODECS: dict[str, dict[str, Any]] = {
    "blosc": {"cname": "zstd", "clevel": 3, "shuffle": 1, "blocksize": 0},
    "bz2": {"level": 1},
    "gzip": {"level": 1},
    "lz4": {"acceleration": 1},
    "lzma": {"format": 1, "check": -1, "preset": 1, "filters": None},
    "zlib": {"level": 1},
    "zstd": {"level": 1},
}
BOMB = 6 << 30
RAW_LZMA = [{"id": lzma.FILTER_LZMA2, "preset": 1}]


def pixels_of(path: Path) -> Any:
    source = open_source(path)
    (unit,) = source.read_contents(()).units
    return read_all(source.open(unit).pixels(unit.images[0].ref))[0, :, 0]


@pytest.mark.parametrize(
    "filters", [None, [{"id": "shuffle", "elementsize": 2}], [{"id": "delta", "dtype": "<u2"}]]
)
@pytest.mark.parametrize("codec", CODECS)
def test_chunks_of_zarr_2_are_unpacked_exactly(tmp_path: Path, codec: str, filters: Any) -> None:
    write_group(tmp_path / "x.zarr", {"multiscales": [multiscale("cyx")]})
    made = zarr.open_array(
        tmp_path / "x.zarr/0", mode="w", shape=NUMBERS.shape, chunks=(1, 7, 9), dtype="<u2", zarr_format=2,
        compressor=numcodecs.get_codec({"id": codec} | CODECS[codec]),
        filters=filters and [numcodecs.get_codec(one) for one in filters],
    )  # fmt: skip
    made[:] = NUMBERS

    assert np.array_equal(pixels_of(tmp_path / "x.zarr"), NUMBERS)


@pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning")
@pytest.mark.parametrize("shards", [None, (2, 16, 16)])
@pytest.mark.parametrize(
    "codec", ["gzip", "zstd", "blosc", *(f"numcodecs.{one}" for one in CODECS), "crc32c"]
)
def test_chunks_of_zarr_3_are_unpacked_exactly(
    tmp_path: Path, codec: str, shards: tuple[int, ...] | None
) -> None:
    write_group(tmp_path / "x.zarr", {"multiscales": [multiscale("cyx")]}, 3)
    bare = codec.removeprefix("numcodecs.")
    config = CODECS[bare] if codec.startswith("numcodecs.") or codec == "gzip" else {}
    made: Any = zarr.create_array(
        tmp_path / "x.zarr/0",
        shape=NUMBERS.shape,
        chunks=(1, 8, 8),
        shards=shards,
        dtype="u2",
        compressors=[{"name": codec, "configuration": config}],
    )
    made[:] = NUMBERS

    assert np.array_equal(pixels_of(tmp_path / "x.zarr"), NUMBERS)


def pack(codec: str, data: bytes) -> bytes:
    return bytes(numcodecs.get_codec({"id": codec} | CODECS[codec]).encode(np.frombuffer(data, "u1")))


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.binary(max_size=3000), declared=st.integers(0, 3000))
def test_what_is_unpacked_is_right_or_refused(codec: str, data: bytes, declared: int) -> None:
    if len(data) > declared + declared // 16 + 4096:
        with pytest.raises(ValueError, match="declared"):
            unpack(codec, CODECS[codec], pack(codec, data), declared)
    elif data:
        assert unpack(codec, CODECS[codec], pack(codec, data), declared) == data


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.binary(max_size=200), cut=st.integers(0, 60), flip=st.integers(0, 10**6))
def test_damaged_bytes_never_give_more_than_is_declared(codec: str, data: bytes, cut: int, flip: int) -> None:
    packed = bytearray(pack(codec, data * 7 + b"x"))
    packed[flip % len(packed)] ^= 1 << flip % 8
    try:
        found = unpack(codec, CODECS[codec], bytes(packed[: len(packed) - cut]), 100)
    except (ValueError, RuntimeError, OSError, EOFError, lzma.LZMAError, zlib.error):
        return
    assert len(found) <= 100 + 6 + 4096


@pytest.mark.parametrize(
    ("codec", "data"),
    [
        ("gzip", gzip.compress(b"ab") + gzip.compress(b"cd") + b"\0\0"),
        ("bz2", bz2.compress(b"ab") + bz2.compress(b"cd") + b"trailing"),
        ("lzma", lzma.compress(b"ab") + lzma.compress(b"cd")),
        ("zlib", zlib.compress(b"abcd") + b"trailing"),
    ],
    # gzip keeps the time, which must be in no name of a test
    ids=["gzip", "bz2", "lzma", "zlib"],
)
def test_streams_in_a_row_are_unpacked_as_their_libraries_do(codec: str, data: bytes) -> None:
    assert unpack(codec, {}, data, 4) == b"abcd"


def test_raw_lzma_is_unpacked_with_its_filters() -> None:
    data = lzma.compress(b"abcd", lzma.FORMAT_RAW, filters=RAW_LZMA)

    assert unpack("lzma", {"format": lzma.FORMAT_RAW, "filters": RAW_LZMA}, data, 4) == b"abcd"


def test_a_dictionary_of_gigabytes_is_refused() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    with pytest.raises(ValueError, match="dictionary"):
        unpack("lzma", {"format": lzma.FORMAT_RAW, "filters": filters}, b"x", 4)


def test_a_frame_of_zstandard_without_its_size_is_unpacked_into_what_is_declared() -> None:
    # one raw block of 4 bytes, whose frame header has a window and no content size
    frame = b"\x28\xb5\x2f\xfd\x00\x58" + (4 << 3 | 1).to_bytes(3, "little") + b"abcd"

    assert unpack("zstd", {}, frame, 4) == b"abcd"
    with pytest.raises(RuntimeError):
        unpack("zstd", {}, frame, 3)


def bomb(codec: str) -> bytes:
    """Return bytes that would become gigabytes."""
    match codec:
        case "lz4":
            return struct.pack("<I", 2**31 - 1) + bytes(100)
        case "blosc":
            return bytes([2, 1, 1, 1]) + struct.pack("<III", 2**31 - 1, 2**18, 116) + bytes(100)
        case "zstd":
            return b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", BOMB) + bytes(100)
        case "bz2":
            return bz2.compress(bytes(20_000_000)) * 300
        case "lzma":
            return lzma.compress(bytes(1 << 26), preset=1) * 20
    return (gzip if codec == "gzip" else zlib).compress(bytes(1 << 28), 6)


LIMITED = """
import resource, sys
from pathlib import Path
from tests.crate.ome_zarr.test_unpacking import pixels_of
import omero_rocrate_transfer.crate.ome_zarr.source
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
before = resource.getrusage(resource.RUSAGE_SELF)
try:
    pixels_of(Path(sys.argv[1]))
except Exception as error:
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(type(error).__name__, after.ru_maxrss - before.ru_maxrss, after.ru_utime - before.ru_utime, error)
"""


def refuse(path: Path) -> str:
    """Read the pixels in a process of their own; return the error, which took little memory and time."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, path], capture_output=True, text=True, check=False, timeout=120,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"}, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert done.stdout, done.stderr
    kind, kilobytes, seconds, text = done.stdout.split(" ", 3)
    assert kind in {"UnsafeCrateError", "IntegrityError", "AbsentError"}, done.stdout
    assert int(kilobytes) < 300 * 1024
    assert float(seconds) < 5
    return text


@pytest.mark.parametrize("codec", CODECS)
def test_a_chunk_that_would_become_gigabytes_is_refused_in_little_memory(tmp_path: Path, codec: str) -> None:
    write_image(tmp_path / "x.zarr", key=".".join, compressor={"id": codec} | CODECS[codec])
    (tmp_path / "x.zarr/0/0.0.0").write_bytes(bomb(codec))

    assert "x/0: the chunks at t=0 c=0 z=0 y=0 x=0 cannot be unpacked" in refuse(tmp_path / "x.zarr")


@pytest.mark.parametrize("codec", ["gzip", "zstd", "blosc"])
def test_so_is_one_of_zarr_3(tmp_path: Path, codec: str) -> None:
    config = {"gzip": {"level": 1}, "zstd": {"level": 1, "checksum": False}}.get(
        codec, {"cname": "zstd", "clevel": 1, "shuffle": "noshuffle", "typesize": 1, "blocksize": 0}
    )
    codecs = [
        {"name": "bytes", "configuration": {"endian": "little"}},
        {"name": codec, "configuration": config},
    ]
    write_image(tmp_path / "x.zarr", zarr_format=3, codecs=codecs)
    (tmp_path / "x.zarr/0/c/0/0").mkdir(parents=True)
    (tmp_path / "x.zarr/0/c/0/0/0").write_bytes(bomb(codec))

    assert "cannot be unpacked" in refuse(tmp_path / "x.zarr")


def nest(depth: int) -> Any:
    codec: Any = {"name": "bytes"}
    for _ in range(depth):
        codec = {"name": "sharding_indexed", "configuration": {"chunk_shape": [1, 1, 1], "codecs": [codec]}}
    return codec


@pytest.mark.parametrize("depth", [40, 300])
def test_codecs_in_codecs_are_refused(tmp_path: Path, depth: int) -> None:
    write_image(tmp_path / "x.zarr", zarr_format=3, codecs=[nest(depth)])

    with pytest.raises(UnsafeCrateError, match="at '0': it nests deeper than 32 levels"):
        pixels_of(tmp_path / "x.zarr")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000])
@pytest.mark.parametrize("name", [".zattrs", "0/.zarray"])
def test_metadata_that_nest_without_end_are_refused(tmp_path: Path, name: str, text: str) -> None:
    write_image(tmp_path / "x.zarr")
    (tmp_path / "x.zarr" / name).write_text(text)

    with pytest.raises(UnsafeCrateError, match="is not valid JSON"):
        pixels_of(tmp_path / "x.zarr")


def test_metadata_built_to_fill_the_memory_are_refused(tmp_path: Path) -> None:
    write_image(tmp_path / "x.zarr")
    (tmp_path / "x.zarr/.zattrs").write_text('{"a":[' + "[]," * 2_700_000 + "0]}")

    assert "neither an image nor a plate" in refuse(tmp_path / "x.zarr")


@pytest.mark.parametrize(("name", "size"), [(".zattrs", 9 << 20), ("0/.zarray", 3 << 20)])
def test_metadata_of_too_many_bytes_are_not_parsed(tmp_path: Path, name: str, size: int) -> None:
    write_image(tmp_path / "x.zarr")
    (tmp_path / "x.zarr" / name).write_text('{"a": "' + "x" * size + '"}')

    with pytest.raises(UnsafeCrateError, match="bytes, more than"):
        pixels_of(tmp_path / "x.zarr")


@pytest.mark.parametrize(
    "codecs",
    [
        [{"name": "bytes"}, {"name": "numcodecs.pickle"}],
        [{"name": "bytes"}, "numcodecs.pickle"],
        {"numcodecs.pickle": 1},
        "numcodecs.pickle",
        [{"name": "numcodecs.delta", "configuration": {"dtype": "S1000000000"}}, {"name": "bytes"}],
        [{"name": "sharding_indexed", "configuration": {"codecs": [{"name": "numcodecs.pickle"}]}}],
        [{"name": "sharding_indexed", "configuration": {"codecs": "numcodecs.pickle"}}],
    ],
)
def test_codecs_that_are_not_known_to_be_harmless_are_refused_in_any_form(
    tmp_path: Path, codecs: Any
) -> None:
    write_image(tmp_path / "x.zarr", zarr_format=3, codecs=codecs)

    with pytest.raises(TransferError, match="that are packed with") as caught:
        pixels_of(tmp_path / "x.zarr")
    assert caught.value.exit_code == 8


@pytest.mark.parametrize(
    "compressor", [{"id": "gzip", "level": "high"}, {"id": "lzma", "preset": 77}, {}, [], 3]
)
def test_codecs_with_impossible_settings_are_refused(tmp_path: Path, compressor: Any) -> None:
    write_image(tmp_path / "x.zarr", key=".".join)
    path = tmp_path / "x.zarr/0/.zarray"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"compressor": compressor}))

    with pytest.raises((TransferError, IntegrityError)) as caught:
        pixels_of(tmp_path / "x.zarr")
    assert caught.value.exit_code in {4, 8}
