"""Ezomero's common calls run unchanged against the sandbox."""

from __future__ import annotations

import ezomero
import numpy as np
from omero.gateway import BlitzGateway

from omero_sandbox.testing import real_input
from support.clients import Seeded


def test_ids_follow_the_hierarchy(gateway: BlitzGateway, seeded: Seeded) -> None:
    world = seeded.world
    assert world.project in ezomero.get_project_ids(gateway)
    assert sorted(ezomero.get_dataset_ids(gateway, project=world.project)) == sorted(world.datasets.values())
    stacks = ezomero.get_image_ids(gateway, dataset=world.datasets["stacks"])
    assert set(world.imports["multi_series"].images) <= set(stacks)


def test_plate_and_wells_are_found(gateway: BlitzGateway, seeded: Seeded) -> None:
    assert ezomero.get_plate_ids(gateway, screen=seeded.world.screen) == [seeded.world.plate]
    wells = ezomero.get_well_ids(gateway, plate=seeded.world.plate)
    assert len(wells) == 6
    images = [image for well in wells for image in ezomero.get_image_ids(gateway, well=well)]
    assert sorted(images) == sorted(seeded.world.imports["plate"].images)


def test_pixels_come_whole_and_cropped(gateway: BlitzGateway, seeded: Seeded) -> None:
    series = real_input.multi_series(seeded.inputs / "multi_series").series[1]
    number = seeded.world.imports["multi_series"].images[1]
    expected = np.moveaxis(series.pixels(), 1, -1)
    image, pixels = ezomero.get_image(gateway, number)
    assert image.getName().endswith("[stack]")
    assert np.array_equal(pixels, expected)
    _, crop = ezomero.get_image(gateway, number, start_coords=(3, 2, 1, 0, 0), axis_lengths=(6, 5, 2, 2, 1))
    assert np.array_equal(crop, expected[0:1, 1:3, 2:7, 3:9, 0:2])


def test_key_values_are_read_and_written(gateway: BlitzGateway, seeded: Seeded) -> None:
    image = seeded.world.imports["multi_series"].images[0]
    numbers = ezomero.get_map_annotation_ids(gateway, "Image", image)
    assert len(numbers) == 1
    assert ezomero.get_map_annotation(gateway, numbers[0])["temperature / °C"] == "37"
    dataset = ezomero.post_dataset(gateway, "by ezomero", description="made here")
    made = ezomero.post_map_annotation(gateway, "Dataset", dataset, {"a": "1"}, "test/ns")
    assert ezomero.get_map_annotation_ids(gateway, "Dataset", dataset, ns="test/ns") == [made]
    assert ezomero.get_map_annotation(gateway, made) == {"a": "1"}


def test_tags_are_read(gateway: BlitzGateway, seeded: Seeded) -> None:
    image = seeded.world.imports["multi_series"].images[0]
    (tag,) = ezomero.get_tag_ids(gateway, "Image", image)
    assert ezomero.get_tag(gateway, tag) == "mitosis"


def test_rois_and_shapes_are_read(gateway: BlitzGateway, seeded: Seeded) -> None:
    image = seeded.world.imports["multi_series"].images[1]
    rois = ezomero.get_roi_ids(gateway, image)
    assert sorted(rois) == sorted(seeded.world.rois)
    shapes = ezomero.get_shape_ids(gateway, seeded.world.rois[0])
    assert "Rectangle" in {type(ezomero.get_shape(gateway, shape)).__name__ for shape in shapes}


def test_original_paths_are_read(gateway: BlitzGateway, seeded: Seeded) -> None:
    imported = seeded.world.imports["multi_file"]
    paths = ezomero.get_original_filepaths(gateway, imported.images[0])
    assert sorted(path.rpartition("/")[2] for path in paths) == ["time_0.ome.tif", "time_1.ome.tif"]


def test_image_is_posted_and_read_back(gateway: BlitzGateway) -> None:
    pixels = np.arange(2 * 3 * 4 * 5 * 1, dtype=np.uint16).reshape(1, 2, 4, 5, 3)
    number = ezomero.post_image(gateway, pixels, "posted", dim_order="tzyxc")
    assert np.array_equal(ezomero.get_image(gateway, number)[1], pixels)
