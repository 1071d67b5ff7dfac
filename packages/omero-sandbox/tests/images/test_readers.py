"""Readers of originals give Bio-Formats' images, in big-endian samples."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from ome_types import model as ome
from ome_types import to_xml
from PIL import Image as Pillow

from omero_sandbox import images
from omero_sandbox.images import FormatError, Region, UnknownFormatError
from omero_sandbox.images.series import Original, Series

Opener = Callable[[Path], Original]


@pytest.fixture
def open_original() -> Iterator[Opener]:
    """Open originals that are closed when the test ends."""
    with ExitStack() as stack:

        def opened(path: Path) -> Original:
            original = images.open_original(path)
            stack.callback(original.close)
            return original

        yield opened


def as_array(
    series: Series, z: int = 0, c: int = 0, t: int = 0, region: Region | None = None, level: int = 0
) -> npt.NDArray[Any]:
    width, height = (region.w, region.h) if region else series.levels[level]
    return np.frombuffer(series.read(z, c, t, region, level), series.dtype).reshape(height, width)


def touch(folder: Path, name: str) -> Path:
    path = folder / name
    path.touch()
    return path


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"])
def test_pages_of_a_plain_tiff_are_time_points_in_any_byte_order(
    open_original: Opener, tmp_path: Path, dtype: str, byteorder: Literal["<", ">"]
) -> None:
    data = np.random.default_rng(1).integers(0, 100, (3, 17, 23)).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", data, byteorder=byteorder, photometric="minisblack", metadata=None)
    original = open_original(tmp_path / "a.tif")
    assert (original.format, len(original.series), original.series[0].size_t) == ("Tiff", 1, 3)
    for t in range(3):
        np.testing.assert_array_equal(as_array(original.series[0], t=t), data[t])
    region = Region(5, 2, 7, 11)
    np.testing.assert_array_equal(as_array(original.series[0], t=1, region=region), data[1, 2:13, 5:12])


@pytest.mark.parametrize(
    "layout",
    [
        {"tile": (16, 32)},
        {"tile": (16, 32), "compression": "zlib"},
        {"rowsperstrip": 5, "compression": "zlib", "predictor": True},
        {"rowsperstrip": 7},
        {},
    ],
)
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_regions_of_tiled_striped_compressed_colour_pages(
    open_original: Opener, tmp_path: Path, layout: dict[str, Any], planar: str
) -> None:
    data = np.random.default_rng(2).integers(0, 60000, (45, 70, 3)).astype("u2")
    stored = data if planar == "contig" else np.moveaxis(data, 2, 0).copy()
    tifffile.imwrite(
        tmp_path / "a.tif",
        stored,
        photometric="rgb",
        planarconfig=planar,
        byteorder=">",
        metadata=None,
        **layout,
    )
    series = open_original(tmp_path / "a.tif").series[0]
    assert series.size_c == 3
    for c in range(3):
        np.testing.assert_array_equal(as_array(series, c=c), data[:, :, c])
        cut = as_array(series, c=c, region=Region(13, 3, 50, 40))
        np.testing.assert_array_equal(cut, data[3:43, 13:63, c])


def test_imagej_axes_are_channels_slices_frames(open_original: Opener, tmp_path: Path) -> None:
    data = np.arange(2 * 3 * 4 * 8 * 9, dtype="u2").reshape(2, 3, 4, 8, 9)
    tifffile.imwrite(tmp_path / "a.tif", data, imagej=True, metadata={"axes": "TZCYX"})
    series = open_original(tmp_path / "a.tif").series[0]
    assert (series.size_t, series.size_z, series.size_c) == (2, 3, 4)
    np.testing.assert_array_equal(as_array(series, z=2, c=1, t=1), data[1, 2, 1])


def test_series_of_an_ome_tiff_come_in_the_order_of_its_metadata(
    open_original: Opener, tmp_path: Path
) -> None:
    first = np.arange(2 * 3 * 10 * 12, dtype="u2").reshape(2, 3, 10, 12)
    second = np.arange(5 * 6, dtype="f4").reshape(5, 6)
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as tiff:
        tiff.write(first, metadata={"axes": "CZYX", "Name": "first", "PhysicalSizeX": 0.5})
        tiff.write(second, metadata={"axes": "YX", "Name": "second"})
    original = open_original(tmp_path / "a.ome.tif")
    assert [im.name for im in original.document.images] == ["first", "second"]
    np.testing.assert_array_equal(as_array(original.series[0], z=2, c=1), first[1, 2])
    np.testing.assert_array_equal(as_array(original.series[1]), second)


def test_subifds_are_resolution_levels(open_original: Opener, tmp_path: Path) -> None:
    data = np.arange(64 * 64, dtype="u2").reshape(64, 64)
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as tiff:
        tiff.write(data, subifds=2, tile=(16, 16), metadata={"axes": "YX"})
        tiff.write(data[::2, ::2], subfiletype=1, tile=(16, 16))
        tiff.write(data[::4, ::4], subfiletype=1, tile=(16, 16))
    series = open_original(tmp_path / "a.ome.tif").series[0]
    assert series.levels == [(64, 64), (32, 32), (16, 16)]
    assert series.tile_size == (16, 16)
    np.testing.assert_array_equal(as_array(series, level=2), data[::4, ::4])


def write_set(folder: Path, channels: int = 2) -> tuple[list[Path], np.ndarray]:
    """One image of several single-page files in sub-folders, each described by the same OME-XML."""
    data = np.arange(channels * 6 * 8, dtype="u1").reshape(channels, 6, 8)
    names = [f"c{c}/plane.ome.tiff" for c in range(channels)]
    uuids = [f"urn:uuid:f8a2a5e0-1111-4111-8111-11111111111{c}" for c in range(channels)]
    pixels = ome.Pixels(
        id="Pixels:0",
        type=ome.PixelType.UINT8,
        dimension_order=ome.Pixels_DimensionOrder.XYCZT,
        size_x=8,
        size_y=6,
        size_z=1,
        size_c=channels,
        size_t=1,
    )
    pixels.channels = [ome.Channel(id=f"Channel:0:{c}", samples_per_pixel=1) for c in range(channels)]
    pixels.tiff_data_blocks = [
        ome.TiffData(
            ifd=0,
            first_c=c,
            plane_count=1,
            uuid=ome.TiffData.UUID(value=uuids[c], file_name=f"../{names[c]}"),
        )
        for c in range(channels)
    ]
    for c, name in enumerate(names):
        document = ome.OME(images=[ome.Image(id="Image:0", name="set", pixels=pixels)], uuid=uuids[c])
        (folder / name).parent.mkdir()
        tifffile.imwrite(folder / name, data[c], description=to_xml(document), metadata=None)
    return [folder / name for name in names], data


def test_a_set_of_ome_tiffs_is_one_image_whichever_file_is_opened(
    open_original: Opener, tmp_path: Path
) -> None:
    paths, data = write_set(tmp_path)
    for path in paths:
        original = open_original(path)
        assert len(original.series) == 1
        for c in range(2):
            np.testing.assert_array_equal(as_array(original.series[0], c=c), data[c])


def test_the_file_itself_stands_in_for_a_missing_sibling(open_original: Opener, tmp_path: Path) -> None:
    paths, data = write_set(tmp_path)
    paths[1].unlink()
    original = open_original(paths[0])
    np.testing.assert_array_equal(as_array(original.series[0], c=1), data[0])


def test_a_companion_file_describes_the_set(open_original: Opener, tmp_path: Path) -> None:
    data = np.arange(6 * 8, dtype="u1").reshape(6, 8)
    tifffile.imwrite(tmp_path / "p.tiff", data, metadata=None)
    pixels = ome.Pixels(
        id="Pixels:0",
        type=ome.PixelType.UINT8,
        dimension_order=ome.Pixels_DimensionOrder.XYCZT,
        size_x=8,
        size_y=6,
        size_z=1,
        size_c=1,
        size_t=1,
    )
    uuid = ome.TiffData.UUID(value="urn:uuid:f8a2a5e0-1111-4111-8111-111111111111", file_name="p.tiff")
    pixels.tiff_data_blocks = [ome.TiffData(ifd=0, plane_count=1, uuid=uuid)]
    document = ome.OME(images=[ome.Image(id="Image:0", name="x", pixels=pixels)])
    (tmp_path / "a.companion.ome").write_text(to_xml(document), encoding="utf-8")
    original = open_original(tmp_path / "a.companion.ome")
    np.testing.assert_array_equal(as_array(original.series[0]), data)


@pytest.mark.parametrize(
    ("pattern", "names", "axis"),
    [
        ("img_z<0-2>.tif", ["img_z0.tif", "img_z1.tif", "img_z2.tif"], "z"),
        ("s_c<1-2>.tif", ["s_c1.tif", "s_c2.tif"], "c"),
        ("t<08-12:2>.tif", ["t08.tif", "t10.tif", "t12.tif"], "t"),
        ("<red,green>.tif", ["red.tif", "green.tif"], "z"),
    ],
)
def test_a_pattern_stitches_files_along_an_axis(
    open_original: Opener, tmp_path: Path, pattern: str, names: list[str], axis: str
) -> None:
    planes = np.arange(len(names) * 20, dtype="u1").reshape(len(names), 4, 5)
    for name, plane in zip(names, planes, strict=True):
        tifffile.imwrite(tmp_path / name, plane, metadata=None)
    (tmp_path / "all.pattern").write_text(pattern + "\n", encoding="utf-8")
    series = open_original(tmp_path / "all.pattern").series[0]
    assert getattr(series, f"size_{axis}") == len(names)
    for index, plane in enumerate(planes):
        at: dict[str, Any] = {axis: index}
        np.testing.assert_array_equal(as_array(series, **at), plane)


def test_a_pattern_with_folders_is_not_found(open_original: Opener, tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"pos{number}").mkdir()
        tifffile.imwrite(tmp_path / f"pos{number}" / "a.tif", np.zeros((4, 5), "u1"), metadata=None)
    (tmp_path / "all.pattern").write_text("pos<1-2>/a.tif\n", encoding="utf-8")
    with pytest.raises(FileNotFoundError):
        open_original(tmp_path / "all.pattern")


def test_a_pattern_of_two_lines_is_refused(open_original: Opener, tmp_path: Path) -> None:
    (tmp_path / "all.pattern").write_text("a<0-1>.tif\nb<0-1>.tif\n", encoding="utf-8")
    with pytest.raises(FormatError, match="single line"):
        open_original(tmp_path / "all.pattern")


def test_a_fake_name_makes_series_whose_first_rows_carry_the_coordinates(
    open_original: Opener, tmp_path: Path
) -> None:
    name = "cell&sizeX=64&sizeY=20&sizeZ=2&sizeC=3&sizeT=4&pixelType=int16&series=2&dimOrder=XYCZT.fake"
    original = open_original(touch(tmp_path, name))
    assert [im.name for im in original.document.images] == ["cell", "cell 2"]
    plane = as_array(original.series[1], z=1, c=2, t=3)
    assert [int(plane[0, x]) for x in (0, 10, 20, 30, 40)] == [1, 2 + 3 * (1 + 2 * 3), 1, 2, 3]
    assert list(plane[0, 50:53]) == list(plane[15, 50:53]) == [-32718, -32717, -32716]
    np.testing.assert_array_equal(
        as_array(original.series[1], 1, 2, 3, Region(8, 4, 30, 16)), plane[4:20, 8:38]
    )


def test_a_fake_name_asks_for_map_annotations(open_original: Opener, tmp_path: Path) -> None:
    document = open_original(touch(tmp_path, "maps&series=2&annMap=3.fake")).document
    assert [len(image.annotation_refs) for image in document.images] == [3, 3]
    assert document.structured_annotations is not None
    assert document.structured_annotations.map_annotations[3].value.dict()["keyS1N0"] == "val4"


def test_a_fake_plate_has_wells_fields_and_runs(open_original: Opener, tmp_path: Path) -> None:
    name = "p&sizeX=8&sizeY=8&plates=1&plateRows=2&plateCols=3&fields=2&plateAcqs=2.fake"
    document = open_original(touch(tmp_path, name)).document
    plate = document.plates[0]
    assert len(document.images) == 2 * 3 * 2 * 2
    assert [(w.row, w.column) for w in plate.wells] == [(r, c) for r in range(2) for c in range(3)]
    assert [len(run.well_sample_refs) for run in plate.plate_acquisitions] == [12, 12]


@pytest.mark.parametrize("name", ["a&sizeX=0.fake", "a&pixelType=uint64.fake", "a&series=0.fake"])
def test_an_impossible_fake_is_refused(open_original: Opener, tmp_path: Path, name: str) -> None:
    with pytest.raises(FormatError):
        open_original(touch(tmp_path, name))


def test_png_colours_are_channels(open_original: Opener, tmp_path: Path) -> None:
    data = np.random.default_rng(3).integers(0, 255, (9, 11, 3)).astype("u1")
    Pillow.fromarray(data).save(tmp_path / "a.png")
    series = open_original(tmp_path / "a.png").series[0]
    np.testing.assert_array_equal(as_array(series, c=1, region=Region(2, 3, 5, 4)), data[3:7, 2:7, 1])


def test_an_unknown_format_is_refused(open_original: Opener, tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"this is no image")
    with pytest.raises(UnknownFormatError):
        open_original(tmp_path / "a.tif")


@pytest.mark.parametrize("where", [(0, 0, 2, None), (0, 3, 0, None), (0, 0, 0, Region(60, 0, 5, 1))])
def test_a_region_outside_the_image_is_refused(
    open_original: Opener, tmp_path: Path, where: tuple[int, int, int, Region | None]
) -> None:
    series = open_original(touch(tmp_path, "a&sizeX=64&sizeY=20.fake")).series[0]
    with pytest.raises(FormatError, match="Invalid"):
        series.read(*where)


def test_a_file_that_is_only_binary_leads_to_its_metadata(open_original: Any, tmp_path: Path) -> None:
    paths, data = write_set(tmp_path)
    only = ome.OME(
        binary_only=ome.OME.BinaryOnly(
            metadata_file="../c0/plane.ome.tiff", uuid="urn:uuid:f8a2a5e0-1111-4111-8111-111111111110"
        )
    )
    tifffile.imwrite(paths[1], data[1], description=to_xml(only), metadata=None)
    original = open_original(paths[1])
    np.testing.assert_array_equal(as_array(original.series[0], c=0), data[0])
    np.testing.assert_array_equal(as_array(original.series[0], c=1), data[1])


def test_the_plates_of_an_ome_tiff_are_in_its_document(open_original: Any, tmp_path: Path) -> None:
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Plate ID="Plate:0" Name="P">'
        '<Well ID="Well:0" Row="1" Column="2"><WellSample ID="WellSample:0" Index="0">'
        '<ImageRef ID="Image:0"/></WellSample></Well></Plate><Image ID="Image:0"><Pixels ID="Pixels:0" '
        'DimensionOrder="XYCZT" Type="uint8" SizeX="4" SizeY="3" SizeZ="1" SizeC="1" SizeT="1">'
        "<TiffData/></Pixels></Image></OME>"
    )
    tifffile.imwrite(tmp_path / "p.ome.tif", np.zeros((3, 4), "u1"), description=xml, metadata=None)
    plate = open_original(tmp_path / "p.ome.tif").document.plates[0]
    assert (plate.wells[0].row, plate.wells[0].well_samples[0].image_ref.id) == (1, "Image:0")
