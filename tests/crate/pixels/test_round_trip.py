from __future__ import annotations

import json
import subprocess
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import zarr
from ome_types import OME, model
from ome_zarr_models.v05 import HCS
from ome_zarr_models.v05 import Image as ModelImage

from omero_rocrate_transfer.crate.archives import open_archive
from omero_rocrate_transfer.crate.ome_zarr.members import ArchiveMembers
from omero_rocrate_transfer.crate.ome_zarr.stores import ReadOnlyStore
from omero_rocrate_transfer.crate.read.source import CrateSource
from omero_rocrate_transfer.model.contents import TransferUnit
from omero_rocrate_transfer.model.errors import IntegrityError, NotFoundError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.transfer.ports import PixelsReader
from tests.crate.ome_zarr.test_image import assert_schema
from tests.crate.pixels.support import PixelSource, lsid, make_pixel_world, pack_pixels, pack_source
from tests.rocrate_validator import assert_valid

IMAGE = "image205.ome.zarr"


def read_all(reader: PixelsReader, rows: int = 256) -> npt.NDArray[Any]:
    """Read an image in full-width bands, as a server takes them."""
    *planes, height, width = reader.shape
    found = np.empty(reader.shape, reader.dtype)
    for t, c, z in product(*map(range, planes)):
        for y in range(0, height, rows):
            found[t, c, z, y : y + rows] = reader.read_tile(t, c, z, 0, y, width, min(rows, height - y))
    return found


@pytest.fixture(params=["", ".zip", ".tar"], ids=["folder", "zip", "tar"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / f"crate{request.param}"


def test_pixels_come_back_as_they_were(path: Path) -> None:
    packed = pack_pixels(path)

    source = CrateSource(path)
    units = source.read_contents().units
    found = {
        image.ref: read_all(source.open(unit).pixels(image.ref)) for unit in units for image in unit.images
    }
    source.close()

    assert set(found) == set(packed.arrays)
    for ref, array in packed.arrays.items():
        assert found[ref].astype(array.dtype).tobytes() == array.tobytes()
    assert all(reader.closed for reader in packed.opened)


def test_units_come_back_as_they_were(path: Path) -> None:
    packed = pack_pixels(path)

    source = CrateSource(path)
    found = source.read_contents()
    source.close()

    def describe(unit: TransferUnit) -> object:
        return unit.ref, unit.images, unit.plates, unit.pixels, [file.path for file in unit.files]

    assert {*map(str, map(describe, found.units))} == {*map(str, map(describe, packed.contents.units))}
    assert all(unit.pixels_size_bytes > 0 for unit in found.units)
    assert found.omissions == ()


@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_crate_with_pixels_is_valid_at_required_and_recommended(tmp_path: Path, suffix: str) -> None:
    pack_pixels(tmp_path / f"crate{suffix}")

    assert_valid(tmp_path / f"crate{suffix}", "RECOMMENDED")


@pytest.mark.parametrize("name", [IMAGE, "plate7.ome.zarr"])
def test_crate_inside_has_all_that_is_required(tmp_path: Path, name: str) -> None:
    pack_pixels(tmp_path / "crate")

    assert_valid(tmp_path / "crate" / name, "REQUIRED", "ro-crate-1.1")


def test_every_member_is_in_the_manifest(tmp_path: Path) -> None:
    pack_pixels(tmp_path / "crate")

    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "manifest-sha256.txt"],
        cwd=tmp_path / "crate",
        check=False,
    )

    assert done.returncode == 0
    listed = {line[66:] for line in (tmp_path / "crate/manifest-sha256.txt").read_text().splitlines()}
    there = {
        str(file.relative_to(tmp_path / "crate"))
        for file in (tmp_path / "crate").rglob("*")
        if file.is_file()
    }
    assert there - listed == {"manifest-sha256.txt"}


def test_other_readers_of_ome_zarr_understand_what_was_written(tmp_path: Path) -> None:
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    packed = pack_pixels(tmp_path / "crate")
    image, plate = tmp_path / "crate" / IMAGE, tmp_path / "crate/plate7.ome.zarr"

    assert_schema("strict_image", (image / "zarr.json").read_bytes())
    assert_schema("strict_plate", (plate / "zarr.json").read_bytes())
    ModelImage.from_zarr(zarr.open_group(image, mode="r"))
    HCS.from_zarr(zarr.open_group(plate, mode="r"))
    location = parse_url(str(image))
    assert location is not None
    node = next(iter(Reader(location)()))
    assert np.array_equal(np.asarray(node.data[0]), packed.arrays[ObjectRef("Image", 205)])
    field = zarr.open_array(plate / "B/12/1/0", mode="r")
    assert np.array_equal(np.asarray(field[...]), packed.arrays[ObjectRef("Image", 304)])


def test_rendering_settings_stand_in_the_channels(tmp_path: Path) -> None:
    pack_pixels(tmp_path / "crate")

    omero = json.loads((tmp_path / "crate" / IMAGE / "zarr.json").read_text())["attributes"]["ome"]["omero"]

    assert omero["channels"][0]["window"] == {"min": 0.0, "max": 65535.0, "start": 3.0, "end": 77.0}
    assert omero["channels"][0]["color"] == "FF0009"


def test_ome_xml_inside_tells_only_of_what_is_inside(tmp_path: Path) -> None:
    pack_pixels(tmp_path / "crate")

    from ome_types import from_xml

    image = from_xml((tmp_path / "crate" / IMAGE / "OME/METADATA.ome.xml").read_bytes())
    plate = from_xml((tmp_path / "crate/plate7.ome.zarr/OME/METADATA.ome.xml").read_bytes())

    assert [one.id for one in image.images] == [lsid("Image", 205)]
    assert image.images[0].pixels.metadata_only is not None
    assert not image.structured_annotations, "extras name objects of the source, which travel elsewhere"
    assert [one.id for one in plate.images] == [lsid("Image", number) for number in (301, 302, 303, 304)]
    assert [one.id for one in plate.plates] == [lsid("Plate", 7)]


def test_masks_are_a_label_image(tmp_path: Path) -> None:
    source = PixelSource(*make_pixel_world())
    mask = model.Mask(
        id=lsid("Shape", 1),
        x=4,
        y=6,
        width=4,
        height=2,
        bin_data=model.BinData(value=b"\xa5", length=1, big_endian=True),
    )
    other = model.Rectangle(id=lsid("Shape", 2), x=0, y=0, width=5, height=5)

    def add_roi(document: OME) -> None:
        if document.images[0].id == lsid("Image", 401):
            document.rois.append(
                model.ROI(id=lsid("ROI", 9), union=model.ROI.Union(rectangles=[other], masks=[mask]))
            )
            document.images[0].roi_refs.append(model.ROIRef(id=lsid("ROI", 9)))

    source.change = add_roi
    pack_source(tmp_path / "crate.zip", source)

    members = ArchiveMembers(open_archive(tmp_path / "crate.zip"), "image401.ome.zarr/")
    labels = np.asarray(zarr.open_array(ReadOnlyStore(members), path="labels/masks/0", mode="r")[0, 0, 0])
    assert labels[6:8, 4:8].tolist() == [[1, 0, 1, 0], [0, 1, 0, 1]]
    assert labels.sum() == 4
    assert not any(
        name.startswith("image205.ome.zarr/labels") for name in open_archive(tmp_path / "crate.zip").sizes
    )


def test_unit_that_fails_half_way_leaves_nothing(path: Path) -> None:
    source = PixelSource(*make_pixel_world())
    unit = source.contents.units[1]
    source.change = lambda document: document.plates[0].wells[0].well_samples.clear()

    from omero_rocrate_transfer.crate.write.sink import CrateSink

    sink = CrateSink(path)
    sink.begin(source.contents, source.read_container_document)
    with pytest.raises(IntegrityError, match=r"Image:30. is in none of the wells of Plate:7"):
        sink.write_unit(source.open(unit))
    source.change = lambda _: None
    sink.write_unit(source.open(source.contents.units[0]))
    sink.finish()

    archive = open_archive(path)
    names = set(archive.sizes)
    archive.close()
    assert not any(name.startswith("plate7") for name in names)
    assert f"{IMAGE}/zarr.json" in names


def test_only_images_of_the_unit_are_opened(path: Path) -> None:
    pack_pixels(path)
    source = CrateSource(path)
    first, *_ = source.read_contents().units

    with pytest.raises(NotFoundError, match="Image:999"):
        source.open(first).pixels(ObjectRef("Image", 999))
    source.close()
