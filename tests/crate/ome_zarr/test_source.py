from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from omero_rocrate_transfer.crate.ome_zarr.inner_crate import render_inner_crate
from omero_rocrate_transfer.crate.ome_zarr.source import ZarrSource
from omero_rocrate_transfer.crate.read.open import open_source
from omero_rocrate_transfer.crate.read.source import CrateSource
from omero_rocrate_transfer.model.contents import Contents
from omero_rocrate_transfer.model.document import structured_annotations
from omero_rocrate_transfer.model.errors import IntegrityError, NotFoundError, UnsafeCrateError, UsageError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.transfer.ports import Source
from tests.crate.ome_zarr.test_image import FACTS
from tests.crate.ome_zarr.test_reader import SIZES, _multiscales, _write
from tests.crate.pixels.support import RENDERING, make_pixel_world, pack_pixels
from tests.crate.pixels.test_round_trip import read_all


def set_ome(folder: Path, ome: dict[str, Any]) -> None:
    group = zarr.open_group(folder, mode="a", zarr_format=3)
    group.attrs["ome"] = {"version": "0.5"} | ome


def zip_of(folder: Path, path: Path, method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for file in folder.rglob("*"):
            if file.is_file():
                archive.write(file, file.relative_to(folder.parent))
    return path


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("letters", ["yx", "czyx"])
def test_bare_images_of_both_formats_become_units(tmp_path: Path, letters: str, zarr_format: int) -> None:
    array = _write(tmp_path / "my cells.ome.zarr", letters, zarr_format)

    source: Source = open_source(tmp_path / "my cells.ome.zarr")
    contents = source.read_contents(())
    (unit,) = contents.units
    document = source.open(unit).document().ome
    pixels = read_all(source.open(unit).pixels(unit.images[0].ref))

    sizes = [SIZES[letter] if letter in letters else 1 for letter in "tczyx"]
    assert np.array_equal(pixels, array.reshape(sizes))
    assert (unit.ref, unit.pixels, unit.pixels_size_bytes) == (ObjectRef("Image", 1), True, array.nbytes)
    assert unit.images[0].name == document.images[0].name == "cells"
    assert document.images[0].id == unit.ref.lsid(contents.source.host)
    assert document.images[0].pixels.physical_size_x == 0.5
    assert contents.roots == (unit.ref,)
    assert source.read_container_document().ome.images == []
    source.close()


def without_samples(contents: Contents) -> Contents:
    """Leave out what tells two inputs of the same names and sizes apart; archives have checksums for that."""
    return replace(contents, source=replace(contents.source, samples=None))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_of_an_image_is_the_same_source(tmp_path: Path, method: int) -> None:
    array = _write(tmp_path / "x.ome.zarr", "yx", 3)
    path = zip_of(tmp_path / "x.ome.zarr", tmp_path / "other name.zip", method)

    folder, archive = (open_source(place) for place in (tmp_path / "x.ome.zarr", path))

    one, other = (without_samples(source.read_contents(())) for source in (folder, archive))
    assert one == other
    (unit,) = archive.read_contents(()).units
    assert np.array_equal(read_all(archive.open(unit).pixels(unit.images[0].ref))[0, 0, 0], array)
    folder.close()
    archive.close()


def test_several_in_one_folder_have_ids_of_their_own(tmp_path: Path) -> None:
    for name in ("a.ome.zarr", "b.zarr"):
        _write(tmp_path / "both" / name, "yx", 2)

    source = open_source(tmp_path / "both")

    assert [unit.ref for unit in source.read_contents(()).units] == [
        ObjectRef("Image", 1),
        ObjectRef("Image", 2),
    ]
    source.close()


def test_a_crate_with_zarrs_in_it_is_a_crate(tmp_path: Path) -> None:
    pack_pixels(tmp_path / "crate")

    crate, inside = open_source(tmp_path / "crate"), open_source(tmp_path / "crate/image205.ome.zarr")

    assert isinstance(crate, CrateSource)
    assert isinstance(inside, ZarrSource)


def test_facts_of_the_inner_crate_become_key_value_pairs(tmp_path: Path) -> None:
    _write(tmp_path / "x.zarr", "yx", 3)
    (tmp_path / "x.zarr/ro-crate-metadata.json").write_bytes(render_inner_crate(FACTS))

    source = open_source(tmp_path / "x.zarr")
    document = source.open(source.read_contents(()).units[0]).document().ome

    (annotation,) = structured_annotations(document).map_annotations
    assert {pair.k: pair.value for pair in annotation.value.ms} | {"License": ""} == {
        "Organism": "NCBI:txid9606",
        "Imaging Method": "obo:FBbi_00000369",
        "License": "",
        "Name": FACTS.name,
        "Description": FACTS.description,
    }
    assert [ref.id for ref in document.images[0].annotation_refs] == [annotation.id]


def read_inside(tmp_path: Path, name: str) -> tuple[Source, Contents]:
    """Take an OME-Zarr out of a crate of ours."""
    pack_pixels(tmp_path / "crate")
    shutil.move(tmp_path / "crate" / name, tmp_path / name)
    source = open_source(tmp_path / name)
    return source, source.read_contents(())


def test_an_image_taken_out_of_a_crate_keeps_its_metadata_and_settings(tmp_path: Path) -> None:
    source, contents = read_inside(tmp_path, "image205.ome.zarr")
    (unit,) = contents.units
    read = source.open(unit).document()
    document, extras = read.ome, read.extras

    assert document.images[0].pixels.channels[0].name == "GFP"
    assert unit.images[0].name == "embryo"
    (users,) = extras.rendering.values()
    assert users[0].rendering == RENDERING
    assert contents.omissions == ()
    array = make_pixel_world()[1][ObjectRef("Image", 205)]
    assert read_all(source.open(unit).pixels(unit.images[0].ref)).astype(">u2").tobytes() == array.tobytes()


@pytest.mark.parametrize("has_xml", [True, False])
def test_a_plate_is_one_unit_with_its_wells(tmp_path: Path, has_xml: bool) -> None:
    pack_pixels(tmp_path / "crate")
    folder = tmp_path / "crate/plate7.ome.zarr"
    if not has_xml:
        shutil.rmtree(folder / "OME")

    source = open_source(folder)
    contents = source.read_contents(())
    (unit,), (container,) = contents.units, contents.containers
    document = source.open(unit).document().ome

    assert (unit.ref, unit.plates) == (container.ref, (container.ref,))
    assert container.name == document.plates[0].name == "Plate 7"
    by_id = {image.ref.lsid(contents.source.host): image.ref for image in unit.images}
    arrays = make_pixel_world()[1]
    for well in document.plates[0].wells:
        for index, sample in enumerate(well.well_samples):
            assert sample.image_ref is not None
            pixels = read_all(source.open(unit).pixels(by_id[sample.image_ref.id]))
            assert np.array_equal(pixels, arrays[ObjectRef("Image", 301 + 2 * well.row + index)])
    assert [len(run.well_sample_refs) for run in document.plates[0].plate_acquisitions] == [1]
    assert (document.plates[0].rows, document.plates[0].columns) == (8, 12)
    assert [image.series for image in unit.images] == [0, 1, 2, 3]


def test_ome_xml_of_other_images_is_left_out_by_name(tmp_path: Path) -> None:
    _write(tmp_path / "crate.zarr", "yx", 3)
    pack_pixels(tmp_path / "crate")
    shutil.copytree(tmp_path / "crate/image205.ome.zarr/OME", tmp_path / "crate.zarr/OME")

    contents = open_source(tmp_path / "crate.zarr").read_contents(())

    assert [(one.type, one.count) for one in contents.omissions] == [("OME-XML", 1)]
    assert contents.units[0].images[0].name == "cells"


def test_labels_and_further_multiscales_are_left_out_by_name(tmp_path: Path) -> None:
    _write(tmp_path / "x.zarr", "yx", 3)
    _write(tmp_path / "x.zarr/labels", "yx", 3)
    set_ome(tmp_path / "x.zarr", {"multiscales": [_multiscales("yx"), _multiscales("yx")]})

    contents = open_source(tmp_path / "x.zarr").read_contents(())

    assert {(one.type, one.count, one.on) for one in contents.omissions} == {
        ("Label image", 1, ObjectRef("Image", 1)),
        ("Image", 1, ObjectRef("Image", 1)),
    }


def test_a_chunk_cut_short_fails_with_its_place(tmp_path: Path) -> None:
    _write(tmp_path / "x.zarr", "yx", 3)
    chunk = tmp_path / "x.zarr/0/c/0/0"
    chunk.write_bytes(chunk.read_bytes()[:10])

    source = open_source(tmp_path / "x.zarr")
    (unit,) = source.read_contents(()).units

    with pytest.raises(IntegrityError, match=r"x/0: the chunks at t=0 c=0 z=0 y=0 x=0"):
        read_all(source.open(unit).pixels(unit.images[0].ref))


@pytest.mark.parametrize("codec", ["pickle", "numcodecs.pickle", "json2", "cython"])
def test_codecs_that_are_not_known_to_be_harmless_are_refused(tmp_path: Path, codec: str) -> None:
    _write(tmp_path / "x.zarr", "yx", 2)
    path = tmp_path / "x.zarr/0/.zarray"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"compressor": {"id": codec}}))

    with pytest.raises(UnsafeCrateError):
        open_source(tmp_path / "x.zarr").read_contents(())


def test_objects_cannot_be_chosen_and_there_are_no_files(tmp_path: Path) -> None:
    _write(tmp_path / "x.zarr", "yx", 3)
    source = open_source(tmp_path / "x.zarr")

    with pytest.raises(UsageError, match="as a whole"):
        source.read_contents((ObjectRef("Image", 1),))
    unit, *_ = source.read_contents(()).units
    (file,) = make_pixel_world()[0].units[2].files
    with pytest.raises(NotFoundError):
        source.open(unit).blocks(file)
    assert list(source.open(unit).stored_pixels()) == []


@pytest.mark.parametrize("name", ["empty", "text.zip"])
def test_what_is_neither_crate_nor_zarr_is_refused(tmp_path: Path, name: str) -> None:
    if name == "empty":
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_text("hello")

    with pytest.raises(UnsafeCrateError):
        open_source(tmp_path / name).read_contents(())
