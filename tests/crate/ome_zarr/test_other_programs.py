"""What OME-Zarrs of other programs lack, or say otherwise, is read or counted, and never stops the rest."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omero_rocrate_transfer.crate.ome_zarr.nodes import AbsentError
from omero_rocrate_transfer.crate.omexml import HostileXmlError
from omero_rocrate_transfer.crate.read.open import open_source
from omero_rocrate_transfer.model.errors import UnsafeCrateError
from tests.crate.ome_zarr.made import (
    NUMBERS,
    multiscale,
    read,
    scale,
    told_of,
    translation,
    write_group,
    write_image,
    write_plate,
)
from tests.crate.ome_zarr.test_source import zip_of

NOT_THERE = "it is listed, and it is not there"
TWO_WELLS = {"A/1": ["0", "1"], "B/2": ["0"]}


def document_of(path: Path) -> Any:
    source = open_source(path)
    return source.open(source.read_contents(()).units[0]).document().ome


def names_of(path: Path) -> list[str]:
    return [image.name for image in read(path).iter_images()]


def test_a_well_that_is_not_there_is_counted(tmp_path: Path) -> None:
    write_plate(tmp_path / "p.zarr", TWO_WELLS | {"A/2": ["0"]}, lambda well, _: well != "A/2")

    contents = read(tmp_path / "p.zarr")

    assert len(contents.units[0].images) == 3
    assert told_of(contents.omissions) == [(1, "Well", "the plate lists it, and it is not there")]
    wells = document_of(tmp_path / "p.zarr").plates[0].wells
    assert [(well.row, well.column, len(well.well_samples)) for well in wells] == [(0, 0, 2), (1, 1, 1)]


def test_fields_that_are_not_there_are_counted(tmp_path: Path) -> None:
    write_plate(tmp_path / "p.zarr", TWO_WELLS, lambda well, field: field != "1")

    contents = read(tmp_path / "p.zarr")

    assert len(contents.units[0].images) == 2
    assert told_of(contents.omissions) == [(1, "Image", NOT_THERE)]


def test_a_field_without_array_and_one_without_chunks_are_counted(tmp_path: Path) -> None:
    write_plate(tmp_path / "p.zarr", TWO_WELLS)
    shutil.rmtree(tmp_path / "p.zarr/A/1/0/0")
    for chunk in (tmp_path / "p.zarr/A/1/1/0").glob("[0-9]*"):
        shutil.rmtree(chunk)

    contents = read(tmp_path / "p.zarr")

    assert len(contents.units[0].images) == 1
    assert sorted(reason.partition(":")[0] for _, _, reason in told_of(contents.omissions)) == [
        "its pixels are not there",
        "its pixels are not there",
    ]


def test_wells_and_fields_that_are_not_listed_are_counted(tmp_path: Path) -> None:
    write_plate(tmp_path / "p.zarr", TWO_WELLS)
    write_image(tmp_path / "p.zarr/A/1/7")
    write_image(tmp_path / "p.zarr/A/3/0")

    assert told_of(read(tmp_path / "p.zarr").omissions) == [
        (1, "Image", "it is there, and not listed"),
        (1, "Well", "the plate does not list it"),
    ]


@pytest.mark.parametrize("wells", [{}, {"A/1": []}, TWO_WELLS])
def test_a_plate_without_images_is_refused(tmp_path: Path, wells: dict[str, list[str]]) -> None:
    write_plate(tmp_path / "p.zarr", wells, lambda *_: False)

    with pytest.raises(AbsentError, match=r"^p holds no image"):
        read(tmp_path / "p.zarr")


def test_an_image_that_is_listed_twice_is_read_once(tmp_path: Path) -> None:
    write_plate(tmp_path / "p.zarr", {"A/1": ["0", "0"]})
    collection(tmp_path / "c.zarr", 1, ["0", "0"])

    assert len(read(tmp_path / "p.zarr").units[0].images) == 1
    assert len(read(tmp_path / "c.zarr").units) == 1


def test_a_well_keeps_a_name_that_omero_would_not_give_it(tmp_path: Path) -> None:
    names: dict[str, Any] = {"rows": [{"name": "B"}], "columns": [{"name": "03"}, {"name": "05"}]}
    wells = [{"path": "B/03"}, {"path": "B/05"}]
    write_plate(tmp_path / "p.zarr", {}, wells=wells, **names)
    for well in ("B/03", "B/05"):
        write_group(tmp_path / "p.zarr" / well, {"well": {"images": [{"path": "0"}]}})
        write_image(tmp_path / "p.zarr" / well / "0")

    found = document_of(tmp_path / "p.zarr").plates[0].wells

    assert [(well.row, well.column, well.external_identifier) for well in found] == [
        (0, 0, "B/03"),
        (0, 1, "B/05"),
    ]


@pytest.mark.parametrize(
    ("told", "start", "flaws"),
    [
        (1_700_000_000_000, "2023-11-14T22:13:20+00:00", 0),
        *((1_700_000_000, None, 1), (-5, None, 1), ("2023", None, 1), (True, None, 1), ([], None, 1)),
        *((10**30, None, 1), (float("nan"), None, 1), (None, None, 0)),
    ],
)
def test_times_of_acquisitions_are_carried_or_counted(
    tmp_path: Path, told: object, start: str | None, flaws: int
) -> None:
    runs = [{"id": 4, "name": "day 1", "starttime": told, "maximumfieldcount": 2}]
    write_plate(tmp_path / "p.zarr", TWO_WELLS, acquisitions=runs)

    (run,) = document_of(tmp_path / "p.zarr").plates[0].plate_acquisitions

    assert (run.name, run.maximum_field_count, len(run.well_sample_refs)) == ("day 1", 2, 3)
    assert (run.start_time.isoformat() if run.start_time else None) == start
    assert len(read(tmp_path / "p.zarr").omissions) == flaws


@pytest.mark.parametrize("place", [-1, 10_000, 2**31 - 1, True, "0", None, 1.5])
def test_a_well_has_a_place_or_is_refused(tmp_path: Path, place: object) -> None:
    wells = [{"path": "Q/1", "rowIndex": place, "columnIndex": 0}]
    write_plate(tmp_path / "p.zarr", {}, wells=wells)

    with pytest.raises(UnsafeCrateError, match=r"^p has a well"):
        read(tmp_path / "p.zarr")


def collection(folder: Path, count: int, series: Any = None, zarr_format: int = 2) -> Path:
    """Write what bioformats2raw does."""
    attributes: dict[str, Any] = {"bioformats2raw.layout": 3}
    write_group(folder, attributes, zarr_format)
    write_group(
        folder / "OME", {"series": [str(n) for n in range(count)] if series is None else series}, zarr_format
    )
    for number in range(count):
        told = multiscale("cyx", scale(1, 0.5, 0.5), name=f"image {number}")
        write_image(folder / str(number), told, zarr_format=zarr_format, key=None or _key(zarr_format))
    return folder


def _key(zarr_format: int) -> Callable[[Any], str]:
    return ".".join if zarr_format == 2 else lambda place: "/".join(["c", *place])


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_series_that_are_not_there_and_those_not_listed_are_counted(tmp_path: Path, zarr_format: int) -> None:
    collection(tmp_path / "c.zarr", 3, ["0", "1", "5", "6"], zarr_format)

    contents = read(tmp_path / "c.zarr")

    assert [image.name for image in contents.iter_images()] == ["image 0", "image 1"]
    assert told_of(contents.omissions) == [
        (2, "Image", NOT_THERE),
        (1, "Image", "it is there, and not listed"),
    ]


@pytest.mark.parametrize("series", [[], ["7"]])
def test_a_collection_without_images_is_refused(tmp_path: Path, series: list[str]) -> None:
    collection(tmp_path / "c.zarr", 0, series)

    with pytest.raises(AbsentError, match=r"^c holds no image"):
        read(tmp_path / "c.zarr")


def test_a_bare_collection_is_refused(tmp_path: Path) -> None:
    write_group(tmp_path / "c.zarr", {"bioformats2raw.layout": 3})

    with pytest.raises(AbsentError, match=r"^c holds no image\. Nothing was written\.$"):
        read(tmp_path / "c.zarr")


@pytest.mark.parametrize("names", [["a", "b"], ["0", "1"]])
def test_a_collection_without_a_list_gives_what_images_it_has(tmp_path: Path, names: list[str]) -> None:
    write_group(tmp_path / "c.zarr", {"bioformats2raw.layout": 3})
    for name in names:
        write_image(tmp_path / "c.zarr" / name, multiscale("cyx", name=name))

    assert names_of(tmp_path / "c.zarr") == names


def test_a_group_that_only_holds_images_gives_them(tmp_path: Path) -> None:
    write_group(tmp_path / "g.ome.zarr")
    write_image(tmp_path / "g.ome.zarr/one/cells", multiscale("cyx", name="one"))
    write_image(tmp_path / "g.ome.zarr/two", multiscale("cyx", name="two"))
    write_plate(tmp_path / "g.ome.zarr/zplate", TWO_WELLS)

    contents = read(tmp_path / "g.ome.zarr")

    assert [unit.ref.type for unit in contents.units] == ["Image", "Image", "Plate"]
    assert names_of(tmp_path / "g.ome.zarr")[:2] == ["one", "two"]
    assert contents.omissions == ()


def test_zarrs_are_found_at_any_depth_and_other_files_are_counted(tmp_path: Path) -> None:
    write_image(tmp_path / "s/day1/cells.ome.zarr", multiscale("cyx", name="one"))
    write_image(tmp_path / "s/day2/deep/cells.zarr", multiscale("cyx", name="two"))
    write_group(tmp_path / "s/hollow.zarr", {"bioformats2raw.layout": 3})
    leftovers = (".DS_Store", "day1/._cells", "__MACOSX/x", "day1/cells.ome.zarr/.DS_Store", "Thumbs.db")
    for name in ("photo.tif", "day1/notes.txt", *leftovers):
        (tmp_path / "s" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "s" / name).write_bytes(b"x")

    contents = read(tmp_path / "s")

    assert names_of(tmp_path / "s") == ["one", "two"]
    assert told_of(contents.omissions) == [
        (2, "OriginalFile", "it lies beside the OME-Zarrs, and in none of them"),
        (1, "OME-Zarr", "hollow.zarr holds no image."),
    ]


def test_a_zip_of_a_folder_of_zarrs_is_the_same(tmp_path: Path) -> None:
    write_image(tmp_path / "s/day1/cells.ome.zarr", multiscale("cyx", name="one"))
    (tmp_path / "s/photo.tif").write_bytes(b"x")
    path = zip_of(tmp_path / "s", tmp_path / "s.zip", zipfile.ZIP_DEFLATED)

    assert names_of(path) == ["one"]
    assert [one[:2] for one in told_of(read(path).omissions)] == [(1, "OriginalFile")]


def test_zarrs_inside_a_crate_that_is_in_the_folder_are_not_taken_for_bare_ones(tmp_path: Path) -> None:
    write_image(tmp_path / "s/crate/image1.ome.zarr")
    (tmp_path / "s/crate/ro-crate-metadata.json").write_text("{}")

    with pytest.raises(UnsafeCrateError):
        read(tmp_path / "s")


@pytest.mark.parametrize(
    ("listed", "there", "count"),
    [
        (["a", "b"], ["a", "b"], 2),
        (["a"], ["a", "b"], 2),
        (["a", "b"], ["a"], 2),
        (None, ["a"], 1),
        ([], [], 0),
    ],
)
def test_each_label_image_counts(tmp_path: Path, listed: Any, there: list[str], count: int) -> None:
    write_image(tmp_path / "x.zarr")
    write_group(tmp_path / "x.zarr/labels", {} if listed is None else {"labels": listed})
    for name in there:
        write_image(tmp_path / "x.zarr/labels" / name)

    expected = [(count, "Label image", "label images are not carried")] if count else []
    assert told_of(read(tmp_path / "x.zarr").omissions) == expected


def test_tables_and_other_groups_of_an_image_are_counted(tmp_path: Path) -> None:
    write_image(tmp_path / "x.zarr")
    write_group(tmp_path / "x.zarr/tables/nuclei", {"type": "table"})
    write_group(tmp_path / "x.zarr/tables", {"tables": ["nuclei"]})

    (found,) = told_of(read(tmp_path / "x.zarr").omissions)

    assert found[:2] == (1, "Zarr group")
    assert "'tables'" in found[2]


CHANNELS: list[tuple[Any, list[str | None], list[str]]] = [
    ([{"label": 405}, {"label": 488.5}], ["405", "488.5"], []),
    ([{"label": "n" * 255}, {"label": "n" * 256}], ["n" * 255, None], ["Channel name"]),
    ([{"label": True}, {"label": []}], [None, None], ["Channel name", "Channel name"]),
    ([{"color": "red"}, {"color": 65280}], [None, None], ["Channel color", "Channel color"]),
    ([{"color": "#00FF00"}, {"color": "00ff00"}], [None, None], []),
    ([{"color": "#F0F"}, None], [None, None], ["Channel color"]),
    ([{"label": "a"}, {"label": "b"}, {"label": "c"}, {}], ["a", "b"], ["Channel"]),
    ([{"active": False}], [None, None], ["RenderingDef"]),
    ([{"color": "00FF00", "window": {"start": 5, "end": 1}}] * 2, [None, None], ["RenderingDef"]),
    ([{"color": "00FF00", "window": {"start": 1, "end": 10**400}}] * 2, [None, None], ["RenderingDef"]),
    ([{"color": "00FF00", "window": {"min": 0, "max": 9}}] * 2, [None, None], []),
    (
        [{"color": "00FF00", "window": {"start": 1, "end": 5}, "family": "cubic", "coefficient": "x"}] * 2,
        [None, None],
        ["Channel family", "Channel coefficient"],
    ),
    ("none", [None, None], []),
]


@pytest.mark.parametrize(("channels", "names", "flaws"), CHANNELS)
def test_what_channel_blocks_say_is_carried_or_counted(
    tmp_path: Path, channels: Any, names: list[str | None], flaws: list[str]
) -> None:
    write_image(tmp_path / "x.zarr", {"multiscales": [multiscale("cyx")], "omero": {"channels": channels}})

    assert [one.name for one in document_of(tmp_path / "x.zarr").images[0].pixels.channels] == names
    kinds = [kind for count, kind, _ in told_of(read(tmp_path / "x.zarr").omissions) for _ in range(count)]
    assert sorted(set(kinds)) == sorted(set(flaws))


def test_a_translation_becomes_the_place_of_the_planes(tmp_path: Path) -> None:
    told = multiscale("czyx", scale(1, 2.0, 0.5, 0.5), translation(0, 10, 100, -50))
    write_image(tmp_path / "x.zarr", told, NUMBERS.reshape(2, 4, 4, 16))

    planes = document_of(tmp_path / "x.zarr").images[0].pixels.planes

    assert {(p.the_c, p.the_z): (p.position_x, p.position_y, p.position_z) for p in planes} == {
        (c, z): (-50.0, 100.0, 10.0 + 2.0 * z) for c in range(2) for z in range(4)
    }
    assert {p.position_x_unit.name for p in planes} == {"MICROMETER"}


NS = "http://www.openmicroscopy.org/Schemas/OME/2016-06"


def ome(*pixels: str, namespace: str = NS) -> str:
    """Return OME-XML of one image for each text of attributes."""
    images = "".join(
        f'<Image ID="Image:{n}" Name="field {n}"><Pixels ID="Pixels:{n}" DimensionOrder="XYZCT" SizeC="2" '
        f'SizeT="1" SizeX="16" SizeY="16" SizeZ="1" Type="uint16" {told}><Channel ID="Channel:{n}:0" '
        f'SamplesPerPixel="1"/><Channel ID="Channel:{n}:1" SamplesPerPixel="1"/></Pixels></Image>'
        for n, told in enumerate(pixels)
    )
    return f'<OME xmlns="{namespace}">{images}</OME>'


MENDED: list[tuple[str, tuple[Any, Any], list[tuple[int, str, str]]]] = [
    ('PhysicalSizeX="0.25" PhysicalSizeXUnit="µm"', (0.25, "MICROMETER"), []),
    ('PhysicalSizeX="0.25" PhysicalSizeXUnit="um"', (0.25, "MICROMETER"), []),
    ('PhysicalSizeX="0.25" PhysicalSizeXUnit="nanometers"', (0.25, "NANOMETER"), []),
    ('PhysicalSizeX="0.25"', (0.25, "MICROMETER"), []),
    (
        'PhysicalSizeX="0.25" PhysicalSizeXUnit="foo"',
        (None, None),
        [(1, "PhysicalSizeX", "'0.25' has the unit 'foo', which is not known")],
    ),
    *(
        (
            f'PhysicalSizeX="{text}" PhysicalSizeXUnit="µm"',
            (None, None),
            [(1, "PhysicalSizeX", f"{text} is not a valid size")],
        )
        for text in ("0", "0.0", "-1", "NaN", "INF", "wide", "")
    ),
]


@pytest.mark.parametrize(("told", "expected", "omissions"), MENDED)
def test_measurements_of_the_xml_are_carried_or_counted_and_the_rest_is_kept(
    tmp_path: Path, told: str, expected: tuple[Any, Any], omissions: list[Any]
) -> None:
    collection(tmp_path / "c.zarr", 1)
    (tmp_path / "c.zarr/OME/METADATA.ome.xml").write_text(ome(told), "utf-8")

    contents = read(tmp_path / "c.zarr")
    pixels = document_of(tmp_path / "c.zarr").images[0].pixels

    size, unit = expected
    assert pixels.physical_size_x == size
    assert unit is None or pixels.physical_size_x_unit.name == unit
    assert names_of(tmp_path / "c.zarr") == ["field 0"]
    assert told_of(contents.omissions) == omissions


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "no xml", "<OME><Image></OME>", "<a/>", "\x00", "<OME/>"),
        ome("", namespace="http://www.openmicroscopy.org/Schemas/OME/2015-01"),
        ome('Type="odd"'),
        ome("").replace("uint16", "uint17"),
        ome("").replace('SizeC="2"', 'SizeC="two"'),
        ome("").replace("field 0", "f\xf6ld").encode("latin-1"),
        ome("", ""),
        f'<OME xmlns="{NS}"/>',
    ],
)
def test_xml_that_cannot_be_read_is_counted_and_the_zarr_speaks(tmp_path: Path, text: str | bytes) -> None:
    collection(tmp_path / "c.zarr", 1)
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "c.zarr/OME/METADATA.ome.xml").write_bytes(data)

    contents = read(tmp_path / "c.zarr")

    assert [one[:2] for one in told_of(contents.omissions)] == [(1, "OME-XML")]
    assert names_of(tmp_path / "c.zarr") == ["image 0"]
    assert document_of(tmp_path / "c.zarr").images[0].pixels.physical_size_x == 0.5


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf" + ome("").encode(), ome("").encode("utf-16")])
def test_xml_with_a_byte_order_mark_is_read(tmp_path: Path, data: bytes) -> None:
    collection(tmp_path / "c.zarr", 1)
    (tmp_path / "c.zarr/OME/METADATA.ome.xml").write_bytes(data)

    assert names_of(tmp_path / "c.zarr") == ["field 0"]
    assert read(tmp_path / "c.zarr").omissions == ()


@pytest.mark.parametrize(
    "text",
    ['<!DOCTYPE OME [<!ENTITY a "b">]>' + ome(""), ome("").replace("<Image", "<Image>" * 300 + "<Image", 1)],
)
def test_xml_that_is_built_to_harm_is_refused(tmp_path: Path, text: str) -> None:
    collection(tmp_path / "c.zarr", 1)
    (tmp_path / "c.zarr/OME/METADATA.ome.xml").write_text(text)

    with pytest.raises(HostileXmlError):
        read(tmp_path / "c.zarr")


def test_the_xml_of_a_collection_speaks_for_the_series_that_are_there(tmp_path: Path) -> None:
    collection(tmp_path / "c.zarr", 3)
    (tmp_path / "c.zarr/OME/METADATA.ome.xml").write_text(ome("", "", ""), "utf-8")
    shutil.rmtree(tmp_path / "c.zarr/1")

    assert names_of(tmp_path / "c.zarr") == ["field 0", "field 2"]
    assert told_of(read(tmp_path / "c.zarr").omissions) == [(1, "Image", NOT_THERE)]


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"@graph": [', b"[]", b"{}", b'{"@graph": {}}', b'{"name": "\xf6"}', b"\x00"]
)
def test_a_crate_inside_that_cannot_be_read_is_counted(tmp_path: Path, data: bytes) -> None:
    write_image(tmp_path / "x.zarr")
    (tmp_path / "x.zarr/ro-crate-metadata.json").write_bytes(data)

    assert [one[:2] for one in told_of(read(tmp_path / "x.zarr").omissions)] == [(1, "RO-Crate")]
    assert names_of(tmp_path / "x.zarr") == ["cells"]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_crate_inside_may_begin_with_a_byte_order_mark(tmp_path: Path, mark: bytes) -> None:
    write_image(tmp_path / "x.zarr")
    graph = {"@graph": [{"@id": "./", "name": "Größe", "description": "x" * 20_000}]}
    (tmp_path / "x.zarr/ro-crate-metadata.json").write_bytes(mark + json.dumps(graph).encode())

    (annotation,) = document_of(tmp_path / "x.zarr").structured_annotations.map_annotations

    assert [pair.value for pair in annotation.value.ms] == ["Größe", "x" * 20_000]
    assert read(tmp_path / "x.zarr").omissions == ()


@pytest.mark.parametrize("name", ["n" * 300, 2024, "", None, ["a"]])
def test_a_name_is_carried_whole_or_comes_from_the_path(tmp_path: Path, name: Any) -> None:
    write_image(tmp_path / "x.zarr", multiscale("cyx", name=name))

    assert names_of(tmp_path / "x.zarr") == [str(name) if name and not isinstance(name, list) else "x"]


@pytest.mark.parametrize("version", ["0.1", "0.2", "0.3", "0.4", 0.4, None])
@pytest.mark.parametrize("kind", ["names", "none"])
def test_old_versions_without_units_say_no_sizes(tmp_path: Path, version: object, kind: str) -> None:
    told: dict[str, Any] = {"version": version, "datasets": [{"path": "0"}], "axes": ["c", "y", "x"]}
    if kind == "none":
        del told["axes"]
    array = NUMBERS if kind == "names" else NUMBERS.reshape(1, 2, 1, 16, 16)
    write_image(tmp_path / "x.zarr", told, array, key=".".join)

    pixels = document_of(tmp_path / "x.zarr").images[0].pixels

    assert (pixels.physical_size_x, pixels.time_increment, pixels.size_c) == (None, None, 2)
    assert read(tmp_path / "x.zarr").omissions == ()
