"""OME-TIFFs: every level of every plane, where they lie, and how much room they take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from ome_types import from_xml, model

from omero_rocrate_transfer.model.contents import ImageRecord
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.write.pixels.bands import iter_planes
from omero_rocrate_transfer.server.write.pixels.ome_tiff import estimate_bytes, level_sizes, write_ome_tiff
from omero_rocrate_transfer.server.write.pixels.tiff_file import plane_order, tiff_metadata
from tests.server.raster.arrays import Array, ArrayPixels, PixelsSource

RECORD = ImageRecord(ref=ObjectRef("Image", 1), name="liver\x00 µ")


def noise(shape: tuple[int, ...], code: str) -> Array:
    return np.random.default_rng(3).integers(0, 120, shape).astype(code)


@pytest.mark.parametrize(
    ("shape", "code"),
    [
        ((1, 2, 2, 1100, 2100), ">u2"),
        ((2, 1, 1, 1, 3000), "<f4"),
        ((1, 1, 1, 300, 257), "i1"),
        ((1, 1, 1, 1, 1), ">f8"),
    ],
)
def test_every_level_holds_every_second_sample(tmp_path: Path, shape: tuple[int, ...], code: str) -> None:
    pixels = noise(shape, code)
    reader = ArrayPixels(pixels)
    path = tmp_path / "image.ome.tif"

    planes = list(iter_planes(reader))
    facts = write_ome_tiff(path, reader, iter(planes), b"<OME/>")

    with tifffile.TiffFile(path) as tiff:
        assert len(tiff.pages) == len(planes)
        for plane, page in zip(planes, tiff.pages, strict=True):
            assert isinstance(page, tifffile.TiffPage)
            levels = [page, *(page.pages or ())]
            assert [level.shape for level in levels] == [(h, w) for w, h in level_sizes(shape[4], shape[3])]
            for number, level in enumerate(levels):
                step = 1 << number
                assert (level.asarray() == pixels[plane][::step, ::step]).all()
                assert level.is_tiled
    assert set(facts.digests) == set(planes)
    assert facts.extremes[0] == (pixels[:, 0].min(), pixels[:, 0].max())
    assert path.stat().st_size <= estimate_bytes(reader.shape, reader.dtype)


def test_planes_follow_the_dimension_order() -> None:
    source = PixelsSource(noise((2, 3, 4, 5, 6), "u1"), dimension_order="XYTZC")

    planes = list(plane_order(source.ome.images[0].pixels))

    assert len(set(planes)) == 24
    assert planes[:3] == [(0, 0, 0), (1, 0, 0), (0, 0, 1)]
    assert planes[-1] == (1, 2, 3)


def test_metadata_are_ome_xml_without_what_the_server_takes_elsewhere() -> None:
    channels = [model.Channel(id="Channel:7", name="a\x01b", samples_per_pixel=1)]
    source = PixelsSource(noise((1, 1, 2, 5, 6), "u1"), channels=channels)
    element = source.ome.images[0]

    document = from_xml(tiff_metadata(RECORD, element))

    (image,) = document.images
    assert image.name == "liver\N{REPLACEMENT CHARACTER} µ"
    assert image.pixels.channels[0].name == "a\N{REPLACEMENT CHARACTER}b"
    assert image.pixels.channels[0].color is None or "color" not in image.pixels.channels[0].model_fields_set
    assert [(block.ifd, block.plane_count) for block in image.pixels.tiff_data_blocks] == [(0, 2)]
