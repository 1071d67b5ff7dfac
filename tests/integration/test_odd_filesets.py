"""Filesets whose rows contradict each other travel as far as they can; the plan counts the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import omero.model as om
import pytest
from omero.rtypes import rstring

from omero_sandbox.testing import real_input, seed
from tests.integration.conftest import Server

pytestmark = pytest.mark.promise("attacks")

Line = Callable[..., Any]


@pytest.fixture
def images(source_server: Server, tmp_path: Path) -> list[int]:
    """Give the images of a fileset in Dataset:1; another fileset is beside it."""
    client = source_server.client()
    made = real_input.multi_series(tmp_path / "in")
    dataset = seed.create(client, "Dataset", "D")
    found = seed.import_fileset(client, made.folder, made.files, dataset).images
    other = real_input.multi_series(tmp_path / "other")
    seed.import_fileset(client, other.folder, other.files, dataset)
    return found


@pytest.mark.sandbox
@pytest.mark.parametrize("series", [0, -1, -(2**31)])
def test_a_fileset_whose_series_cannot_be_told_apart_is_counted_and_the_others_travel(
    series: int, images: list[int], pack: Line, unpack: Line, source_server: Server
) -> None:
    assert source_server.sandbox is not None, "no API gives an image a negative series"
    store = source_server.sandbox.store
    row = store.get("Image", images[1])
    assert row is not None
    store.update(row, {"series": series})

    plan = pack("Dataset:1", "crate.zip", "--dry-run", exit_code=3)
    packed = pack("Dataset:1", "crate.zip", exit_code=3)
    unpacked = unpack("crate.zip", "--json")

    for result in (plan, packed):
        assert f"{len(images)} Image on Fileset:1: the series of its images" in result.stderr
    assert unpacked.summary["images"] == len(images)


@pytest.mark.sandbox
def test_an_image_without_pixels_is_counted_and_the_others_travel(
    images: list[int], pack: Line, unpack: Line, source_server: Server
) -> None:
    assert source_server.sandbox is not None, "no API deletes the pixels of an image"
    store = source_server.sandbox.store
    [row] = [row for row in store.rows("Pixels") if row.get("image") == images[0]]
    store.delete(row)

    packed = pack("Dataset:1", "crate.zip", exit_code=3)
    unpacked = unpack("crate.zip", "--json")

    assert f"1 Image on Image:{images[0]}: the image has no pixels" in packed.stderr
    assert unpacked.summary["images"] == 2 * len(images) - 1


@pytest.mark.sandbox
@pytest.mark.parametrize("letter", ["\v", "\x01", "\ufffe"])
def test_namespaces_of_containers_that_xml_cannot_hold_arrive_exactly(
    letter: str, pack: Line, unpack: Line, source_server: Server, target_server: Server
) -> None:
    client = source_server.client()
    dataset = seed.create(client, "Dataset", "D")
    tag = om.TagAnnotationI()
    tag.textValue, tag.ns = rstring("T"), rstring(f"a{letter}b")
    seed.link(client, dataset, seed.reference("TagAnnotation", seed.save(client, tag).id.val))

    pack("Dataset:1", "crate.zip")
    unpack("crate.zip")

    [found] = target_server.client().sf.getQueryService().findAll("TagAnnotation", None)
    assert found.ns.val == f"a{letter}b"


def test_a_plate_without_wells_says_that_it_has_no_images(pack: Line, source_server: Server) -> None:
    plate = seed.create(source_server.client(), "Plate", "empty").id.val

    packed = pack(f"Plate:{plate}", "crate.zip", exit_code=3)

    assert f"1 Plate on Plate:{plate}: it has no images" in packed.stderr
    assert "Packed   0 images" in packed.stderr
