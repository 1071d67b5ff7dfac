from __future__ import annotations

import bz2
import math
import tracemalloc
import zlib
from typing import Any

import pytest
from ome_types import model

from omero_rocrate_transfer.crate.ome_zarr.masks import list_masks

BITS = bytes([0b10101010]) * 8
COMPRESSIONS = ["none", "zlib", "bzip2"]


def pack(data: bytes, compression: str) -> bytes:
    return {"none": lambda one: one, "zlib": zlib.compress, "bzip2": bz2.compress}[compression](data)


def masks_of(data: bytes, compression: str = "none", **more: Any) -> list[bytes]:
    sizes: dict[str, Any] = {"x": 0.0, "y": 0.0, "width": 8.0, "height": 8.0} | more
    bits = model.BinData(
        big_endian=True, compression=model.BinData_Compression(compression), length=len(data), value=data
    )
    mask = model.Mask.model_construct(id="Shape:1", bin_data=bits, **sizes)
    roi = model.ROI.model_construct(id="ROI:1", union=[mask])
    image = model.Image.model_construct(id="Image:1", roi_refs=[model.ROIRef(id="ROI:1")])
    return [one.bits for one in list_masks({"ROI:1": roi}, image)]


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("more", [b"", b"more"])
def test_bits_are_unpacked_as_far_as_the_mask_reaches(compression: str, more: bytes) -> None:
    assert masks_of(pack(BITS + more, compression), compression) == [BITS]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_bits_that_do_not_fill_the_mask_are_no_label(compression: str) -> None:
    assert masks_of(pack(BITS[:7], compression), compression) == []


@pytest.mark.parametrize("compression", ["zlib", "bzip2"])
def test_bits_that_would_fill_the_memory_are_not_unpacked(compression: str) -> None:
    data = pack(bytes(100_000_000), compression)
    tracemalloc.start()
    try:
        assert masks_of(data, compression) == [bytes(8)]
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("key", ["x", "y", "width", "height"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_mask_without_a_place_is_no_label(key: str, value: float) -> None:
    more: dict[str, Any] = {key: value}

    assert masks_of(BITS, **more) == []


def test_a_mask_of_too_many_pixels_is_no_label() -> None:
    assert masks_of(BITS, width=2.0**31, height=2.0**31) == []
