from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from omero_rocrate_transfer.crate.ome_zarr.halving import halve_mean, halve_nearest
from omero_rocrate_transfer.crate.ome_zarr.layout import ZarrLayout, level_sizes
from omero_rocrate_transfer.crate.ome_zarr.options import Limits, ZarrOptions
from omero_rocrate_transfer.crate.ome_zarr.stores import ReadOnlyStore
from omero_rocrate_transfer.crate.ome_zarr.writer import write_pixels
from omero_rocrate_transfer.model.errors import UsageError
from omero_rocrate_transfer.model.planes import PlaneHasher
from tests.crate.ome_zarr.support import ArrayReader, MemoryMembers

PIXEL_TYPES = (">i1", ">u1", ">i2", ">u2", ">i4", ">u4", ">f4", ">f8")
SMALL = ZarrLayout(chunk=64, shard=256)


def _write(array: npt.NDArray[Any], layout: ZarrLayout = SMALL, tile: int = 100) -> tuple[MemoryMembers, Any]:
    members = MemoryMembers()
    options = ZarrOptions(layout=layout, limits=Limits(readers=2))
    written = write_pixels(members.write, "", ArrayReader(array, tile), options)
    return members, written


def _read(members: MemoryMembers, level: int = 0) -> npt.NDArray[Any]:
    array = zarr.open_array(ReadOnlyStore(members), path=str(level), mode="r")
    return np.asarray(array[...])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    shape=st.tuples(*[st.integers(1, 2)] * 3, st.integers(1, 600), st.integers(1, 600)),
    pixel_type=st.sampled_from(PIXEL_TYPES),
    seed=st.integers(0, 2**32 - 1),
    tile=st.integers(30, 700),
)
def test_pixels_of_every_type_and_size_come_back_bit_for_bit(
    shape: tuple[int, ...], pixel_type: str, seed: int, tile: int
) -> None:
    dtype = np.dtype(pixel_type)
    data = np.random.default_rng(seed).bytes(int(np.prod(shape)) * dtype.itemsize)
    array = np.frombuffer(data, dtype).reshape(shape)

    members, _ = _write(array, tile=tile)

    assert _read(members).astype(dtype).tobytes() == array.tobytes()


@given(hnp.arrays(np.float32, (1, 1, 1, 3, 3), elements=st.sampled_from([0.0, -0.0, np.nan, np.inf, 1.0])))
@settings(max_examples=20, deadline=None)
def test_nan_and_signed_zero_keep_their_bits(array: npt.NDArray[np.float32]) -> None:
    members, written = _write(array)

    assert _read(members).tobytes() == array.tobytes()
    low, high = written.limits[0]
    assert low <= high


def test_levels_are_means_of_the_level_below_down_to_the_smallest_side() -> None:
    array = np.random.default_rng(1).integers(0, 65535, (1, 2, 1, 1025, 700), dtype="u2")

    members, written = _write(array)

    assert written.sizes == [(1025, 700), (513, 350), (257, 175), (129, 88)]
    expected = array[0, 1, 0]
    for level in range(4):
        assert np.array_equal(_read(members, level)[0, 1, 0], expected)
        expected = halve_mean(expected)


def test_limits_are_those_of_each_channel() -> None:
    array = np.zeros((2, 2, 1, 300, 300), "i2")
    array[1, 0, 0, 299, 299] = -7
    array[0, 1, 0, 0, 0] = 9

    _, written = _write(array)

    assert written.limits == [(-7.0, 0.0), (0.0, 9.0)]


def test_digests_do_not_depend_on_tiles_shards_or_byte_order() -> None:
    array = np.random.default_rng(2).integers(0, 65535, (1, 1, 2, 700, 530), dtype="u2")
    whole = PlaneHasher(700, 530)
    whole.update(array[0, 0, 1], 0, 0)

    _, one = _write(array, SMALL, 64)
    _, other = _write(array.astype(">u2"), ZarrLayout(chunk=512, shard=2048), 1024)

    assert one.digests == other.digests
    assert one.digests[0, 0, 1] == whole.hexdigest()
    assert one.digests[0, 0, 0] != one.digests[0, 0, 1]


@pytest.mark.parametrize("compression", ["none", "zstd:1", "gzip:1", "blosc", "blosc-lz4:3", "blosc-zlib:9"])
def test_every_compression_is_written_and_read(compression: str) -> None:
    array = np.arange(300 * 300, dtype="u4").reshape(1, 1, 1, 300, 300)

    members, _ = _write(array, ZarrLayout(chunk=128, shard=256, compression=compression))

    assert np.array_equal(_read(members), array)
    inner = json.loads(members["0/zarr.json"])["codecs"][0]["configuration"]["codecs"]
    assert inner[0] == {"name": "bytes", "configuration": {"endian": "little"}}
    expected = {"none": [], "zstd:1": ["zstd"], "gzip:1": ["gzip"]}.get(compression, ["blosc"])
    assert [codec["name"] for codec in inner[1:]] == expected


@pytest.mark.parametrize(
    "compression", ["", "lzma", "zstd:0", "zstd:23", "gzip:10", "blosc-snappy", "blosc:x"]
)
def test_an_unknown_compression_is_refused(compression: str) -> None:
    with pytest.raises(UsageError, match="--compression"):
        ZarrLayout(compression=compression)


@pytest.mark.parametrize(("chunk", "shard"), [(100, 2048), (32, 2048), (8192, 8192), (512, 256), (64, 128)])
def test_chunks_that_do_not_fit_their_shards_are_refused(chunk: int, shard: int) -> None:
    with pytest.raises(UsageError):
        ZarrLayout(chunk=chunk, shard=shard)


def test_a_failing_reader_ends_the_writer_with_its_error() -> None:
    class Failing(ArrayReader):
        def read_tile(
            self, t: int, c: int, z: int, x: int, y: int, width: int, height: int
        ) -> npt.NDArray[Any]:
            if (x, y) == (256, 256):
                raise OSError("the link broke")
            return super().read_tile(t, c, z, x, y, width, height)

    reader = Failing(np.zeros((1, 1, 1, 700, 700), "u1"), 256)

    with pytest.raises(OSError, match="the link broke"):
        write_pixels(MemoryMembers().write, "", reader, ZarrOptions(layout=SMALL))


def test_every_file_of_a_shard_is_written_once_and_the_arrays_name_their_axes() -> None:
    members, _ = _write(np.zeros((1, 1, 1, 600, 600), "u1"))

    assert {name for name in members if name.startswith("0/c/")} == {
        f"0/c/0/0/0/{row}/{column}" for row in range(3) for column in range(3)
    }
    assert json.loads(members["0/zarr.json"])["dimension_names"] == ["t", "c", "z", "y", "x"]


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_levels_shrink_to_the_smallest_side(height: int, width: int) -> None:
    sizes = level_sizes(height, width)

    assert max(sizes[-1]) <= 256
    assert all(max(size) > 256 for size in sizes[:-1])


@given(
    hnp.arrays(st.sampled_from([np.uint8, np.int32, np.float32]), hnp.array_shapes(min_dims=2, max_dims=2))
)
def test_means_lie_between_the_values_they_are_made_of(plane: npt.NDArray[Any]) -> None:
    half = halve_mean(plane)

    assert half.shape == ((plane.shape[0] + 1) // 2, (plane.shape[1] + 1) // 2) == halve_nearest(plane).shape
    if plane.dtype.kind != "f":
        assert plane.min() <= half.min() <= half.max() <= plane.max()
