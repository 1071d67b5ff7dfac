from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from jsonschema import Draft202012Validator
from ome_types.model import Channel, Color, Image, Pixels
from ome_zarr_models.v05 import HCS
from ome_zarr_models.v05 import Image as ModelImage
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from omero_rocrate_transfer.crate.ome_zarr.image import (
    FieldToWrite,
    ImageToWrite,
    PlateToWrite,
    row_name,
    write_extras,
    write_image,
    write_plate,
)
from omero_rocrate_transfer.crate.ome_zarr.inner_crate import InnerFacts
from omero_rocrate_transfer.crate.ome_zarr.layout import ZarrLayout
from omero_rocrate_transfer.crate.ome_zarr.options import ZarrOptions
from omero_rocrate_transfer.model.errors import IntegrityError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.model.rendering import ChannelRendering, Rendering
from tests.crate.ome_zarr.support import ArrayReader, MemoryMembers

FACTS = InnerFacts(
    name="embryo",
    description="OMERO Image 205",
    license="https://creativecommons.org/licenses/by/4.0/",
    date_published="2026-11-22",
    organism="NCBI:txid9606",
    modality="obo:FBbi_00000369",
)
OPTIONS = ZarrOptions(layout=ZarrLayout(chunk=128, shard=256))


@cache
def _schemas() -> Registry:
    folder = files("ngff_zarr") / "spec" / "0.5" / "schemas"
    found = [json.loads(path.read_text()) for path in folder.iterdir() if path.name.endswith(".schema")]
    return Registry().with_resources(
        [(schema["$id"], DRAFT202012.create_resource(schema)) for schema in found]
    )


def assert_schema(name: str, group: bytes) -> None:
    registry = _schemas()
    schema = registry.contents(f"https://ngff.openmicroscopy.org/0.5/schemas/{name}.schema")
    errors = list(
        Draft202012Validator(schema, registry=registry).iter_errors(json.loads(group)["attributes"])
    )
    assert errors == []


def _element(**changes: Any) -> Image:
    pixels: dict[str, Any] = {
        "dimension_order": "XYZCT",
        "type": "uint16",
        "size_x": 300,
        "size_y": 280,
        "size_z": 1,
        "size_c": 2,
        "size_t": 1,
        "metadata_only": True,
        "physical_size_x": 0.5,
        "physical_size_y": 0.25,
        "channels": [Channel(name="DAPI", color=Color("#0000ff")), Channel()],
    }
    return Image(name="embryo", pixels=Pixels(**pixels | changes))


def _write(folder: Path, element: Image | None = None, rendering: Rendering | None = None) -> MemoryMembers:
    members = MemoryMembers()
    array = np.random.default_rng(0).integers(3, 900, (1, 2, 1, 280, 300), dtype="u2").astype(">u2")
    image = ImageToWrite(ref=ObjectRef("Image", 205), element=element or _element(), rendering=rendering)
    write_image(members.write, "", ArrayReader(array), image, OPTIONS)
    write_extras(members.write, "", b"<OME/>", FACTS)
    members.save(folder)
    return members


def test_an_image_passes_the_schemas_of_ngff_and_the_models(tmp_path: Path) -> None:
    members = _write(tmp_path)

    assert_schema("image", members["zarr.json"])
    assert_schema("strict_image", members["zarr.json"])
    model = ModelImage.from_zarr(zarr.open_group(tmp_path, mode="r"))
    assert [dataset.path for dataset in model.ome_attributes.multiscales[0].datasets] == ["0", "1"]


def test_generic_readers_find_pixels_scales_and_channels(tmp_path: Path) -> None:
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    _write(tmp_path)

    location = parse_url(str(tmp_path))
    assert location is not None
    node = next(iter(Reader(location)()))
    assert node.data[0].shape == (1, 2, 1, 280, 300)
    assert node.metadata["channel_names"] == ["DAPI", "Channel 1"]


def test_units_that_ngff_lacks_are_converted_and_those_that_are_none_left_out(tmp_path: Path) -> None:
    element = _element(physical_size_x=2.0, physical_size_x_unit="thou", physical_size_y_unit="pixel")

    attributes = json.loads(_write(tmp_path, element)["zarr.json"])["attributes"]["ome"]

    axes = {axis["name"]: axis for axis in attributes["multiscales"][0]["axes"]}
    assert axes["x"]["unit"] == "micrometer"
    assert "unit" not in axes["y"]
    assert attributes["multiscales"][0]["datasets"][0]["coordinateTransformations"] == [
        {"type": "scale", "scale": [1.0, 1.0, 1.0, 0.25, 50.8]}
    ]


def test_windows_are_what_the_data_span_unless_rendering_settings_say_otherwise(tmp_path: Path) -> None:
    plain = json.loads(_write(tmp_path / "a")["zarr.json"])["attributes"]["ome"]["omero"]["channels"]
    channels = (
        ChannelRendering(start=10, end=20, color=(255, 128, 0, 255), active=False, inverted=True),
        ChannelRendering(start=0, end=5),
    )
    rendering = Rendering(default_z=0, default_t=0, model="greyscale", channels=channels)
    shown = json.loads(_write(tmp_path / "b", rendering=rendering)["zarr.json"])["attributes"]["ome"]["omero"]

    assert plain[0]["window"] == {"min": 0.0, "max": 65535.0, "start": 3.0, "end": 899.0}
    assert plain[0]["color"] == "0000FF"
    assert shown["channels"][0] | {"label": ""} == {
        "label": "",
        "color": "FF8000",
        "active": False,
        "coefficient": 1.0,
        "family": "linear",
        "inverted": True,
        "window": {"min": 0.0, "max": 65535.0, "start": 10.0, "end": 20.0},
    }
    assert shown["rdefs"] == {"defaultT": 0, "defaultZ": 0, "model": "greyscale"}


def test_a_plate_passes_the_schemas_and_holds_every_field(tmp_path: Path) -> None:
    members = MemoryMembers()
    element = _element(size_x=20, size_y=20, size_c=1)
    fields = [
        FieldToWrite(row=row, column=11, acquisition=4, image=_image(100 + 2 * row + number, element))
        for row in (0, 7)
        for number in (0, 1)
    ]
    plate = PlateToWrite(
        name="plate 7", fields=fields, rows=8, columns=12, acquisitions=[{"id": 4, "name": "run 1"}]
    )

    written = write_plate(
        members.write, "", plate, lambda ref: ArrayReader(np.full((1, 1, 1, 20, 20), ref.id, "u1")), OPTIONS
    )
    members.save(tmp_path)

    assert set(written) == {item.image.ref for item in fields}
    assert_schema("plate", members["zarr.json"])
    assert_schema("strict_plate", members["zarr.json"])
    assert_schema("well", members["A/12/zarr.json"])
    assert_schema("strict_well", members["H/12/zarr.json"])
    assert_schema("image", members["H/12/1/zarr.json"])
    HCS.from_zarr(zarr.open_group(tmp_path, mode="r"))
    assert np.all(np.asarray(zarr.open_array(tmp_path / "H/12/1/0", mode="r")[...]) == 115)


@pytest.mark.parametrize(("row", "column"), [(2**31 - 1, 0), (0, 2**31 - 1), (10_000, 0)])
def test_a_well_far_outside_of_any_plate_is_refused_before_anything_is_written(row: int, column: int) -> None:
    members = MemoryMembers()
    element = _element(size_x=20, size_y=20, size_c=1)
    field = FieldToWrite(row=row, column=column, acquisition=None, image=_image(1, element))

    with pytest.raises(IntegrityError, match="Image:1 is in a well at row"):
        write_plate(members.write, "", PlateToWrite(name="p", fields=[field]), _never, OPTIONS)

    assert members == {}


def test_a_plate_that_claims_any_number_of_rows_names_some_of_them() -> None:
    members = MemoryMembers()
    element = _element(size_x=20, size_y=20, size_c=1)
    fields = [FieldToWrite(row=0, column=0, acquisition=None, image=_image(1, element))]
    plate = PlateToWrite(name="p", fields=fields, rows=2**31 - 1, columns=2**31 - 1)

    write_plate(members.write, "", plate, lambda _: ArrayReader(np.ones((1, 1, 1, 20, 20), "u1")), OPTIONS)

    assert len(members["zarr.json"]) < 2_000_000


def _never(ref: ObjectRef) -> ArrayReader:
    raise AssertionError(ref)


def _image(number: int, element: Image) -> ImageToWrite:
    return ImageToWrite(ref=ObjectRef("Image", number), element=element)


@pytest.mark.parametrize(
    ("row", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (27, "AB"), (701, "ZZ"), (702, "AAA")]
)
def test_rows_are_named_with_letters(row: int, name: str) -> None:
    assert row_name(row) == name


def test_the_inner_crate_has_the_shape_of_the_challenge(tmp_path: Path) -> None:
    members = _write(tmp_path)

    graph = json.loads(members["ro-crate-metadata.json"])["@graph"]
    root = graph[0]
    by_id = {entity["@id"]: entity for entity in graph}
    acquisition = by_id[root["resultOf"]["@id"]]
    specimen = by_id[acquisition["specimen"]["@id"]]
    biosample = by_id[specimen["biosample"]["@id"]]
    assert root["license"] == FACTS.license
    assert (acquisition["@type"], biosample["@type"]) == ("image_acquisition", "biosample")
    assert acquisition["fbbi_id"] == {"@id": "obo:FBbi_00000369"}
    assert biosample["organism_classification"] == {"@id": "NCBI:txid9606"}
    assert [entity["@id"] for entity in graph if "license" in entity or "name" in entity] == ["./"]
