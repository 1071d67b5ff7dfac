from __future__ import annotations

from pathlib import Path

import numpy as np
import zarr
from hypothesis import given
from hypothesis import strategies as st
from ome_zarr_models.v05 import Image, ImageLabel

from omero_rocrate_transfer.crate.ome_zarr.labels import LabelMask, LabelReader, write_labels
from omero_rocrate_transfer.crate.ome_zarr.layout import ZarrLayout
from omero_rocrate_transfer.crate.ome_zarr.metadata import Scales
from omero_rocrate_transfer.crate.ome_zarr.options import ZarrOptions
from tests.crate.ome_zarr.support import MemoryMembers
from tests.crate.ome_zarr.test_image import assert_schema

UNIT = (1.0, None)
SCALES = Scales(t=UNIT, z=UNIT, y=(0.5, "micrometer"), x=(0.5, "micrometer"))
OPTIONS = ZarrOptions(layout=ZarrLayout(chunk=64, shard=256))


@given(
    st.integers(-5, 25),
    st.integers(-5, 25),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(0, 2**32 - 1),
)
def test_bits_stand_where_the_mask_has_them(x: int, y: int, width: int, height: int, seed: int) -> None:
    bits = np.random.default_rng(seed).integers(0, 2, (height, width), dtype="u1")
    mask = LabelMask(label=7, x=x, y=y, width=width, height=height, bits=np.packbits(bits).tobytes())
    reader = LabelReader((1, 3, 1, 20, 20), [mask])

    whole = reader.read_tile(0, 0, 0, 0, 0, 20, 20)
    parts = [reader.read_tile(0, 0, 0, left, 0, 5, 20) for left in (0, 5, 10, 15)]

    expected = np.zeros((60, 60), "i4")
    expected[20 + y : 20 + y + height, 20 + x : 20 + x + width] = bits * 7
    assert np.array_equal(whole, expected[20:40, 20:40])
    assert np.array_equal(np.hstack(parts), whole)


def test_a_mask_stands_in_its_planes_and_the_later_one_is_seen() -> None:
    one = LabelMask(label=1, x=0, y=0, width=2, height=1, bits=b"\xc0")
    two = LabelMask(label=2, x=1, y=0, width=2, height=1, bits=b"\xc0", z=1)
    reader = LabelReader((1, 1, 2, 1, 3), [one, two])

    assert reader.read_tile(0, 0, 0, 0, 0, 3, 1).tolist() == [[1, 1, 0]]
    assert reader.read_tile(0, 0, 1, 0, 0, 3, 1).tolist() == [[1, 2, 2]]


def test_bits_that_are_missing_are_no_mask() -> None:
    reader = LabelReader((1, 1, 1, 4, 4), [LabelMask(label=1, x=0, y=0, width=4, height=4, bits=b"\xff")])

    assert reader.read_tile(0, 0, 0, 0, 0, 4, 4).tolist() == [[1] * 4, [1] * 4, [0] * 4, [0] * 4]


def test_label_images_pass_the_schemas_and_keep_their_values_in_every_level(tmp_path: Path) -> None:
    members = MemoryMembers()
    bits = np.packbits(np.ones((300, 300), "u1")).tobytes()
    masks = [LabelMask(label=3, x=10, y=10, width=300, height=300, bits=bits, text="nucleus")]

    write_labels(members.write, "", (1, 1, 1, 400, 400), masks, SCALES, OPTIONS)
    members.save(tmp_path)

    assert_schema("label", members["labels/masks/zarr.json"])
    assert_schema("image", members["labels/masks/zarr.json"])
    ImageLabel.from_zarr(zarr.open_group(tmp_path / "labels/masks", mode="r"))
    Image.from_zarr(zarr.open_group(tmp_path / "labels/masks", mode="r"))
    small = np.asarray(zarr.open_array(tmp_path / "labels/masks/1", mode="r")[...])
    assert set(np.unique(small).tolist()) == {0, 3}
