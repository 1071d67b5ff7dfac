"""BlitzGateway runs unchanged against the sandbox."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from omero.gateway import BlitzGateway, TagAnnotationWrapper
from PIL import Image

from omero_sandbox.testing import real_input, seed
from omero_sandbox.testing.real_tiff import Series
from support.clients import Seeded


def test_connects_over_tls(gateway: BlitzGateway) -> None:
    assert gateway.isConnected()
    assert gateway.getUser().getName() == "alice"
    assert gateway.getGroupFromContext().getName() == "cell lab"


def test_leaves_tls_for_tcp_as_by_default(seeded: Seeded) -> None:
    made = BlitzGateway("alice", "alice", host=seeded.server.host, port=seeded.server.ssl_port)
    try:
        assert made.connect(), made.getLastError()
        assert not made.isSecure()
        assert made.getUserId() == seeded.people.users["alice"]
    finally:
        made.close(hard=False)


def test_hierarchy_is_walked(gateway: BlitzGateway, seeded: Seeded) -> None:
    project = gateway.getObject("Project", seeded.world.project)
    assert project.getName() == "Mitosis 2021"
    assert sorted(each.getName() for each in project.listChildren()) == ["awkward files", "stacks"]
    dataset = gateway.getObject("Dataset", seeded.world.datasets["stacks"])
    expected = {
        i for name in ("multi_series", "big_endian", "every_type") for i in seeded.world.imports[name].images
    }
    assert {image.getId() for image in dataset.listChildren()} == expected
    assert dataset.countChildren() == len(expected)


def test_objects_are_found_by_attribute(gateway: BlitzGateway) -> None:
    assert [p.getName() for p in gateway.getObjects("Project", attributes={"name": "Mitosis 2021"})] == [
        "Mitosis 2021"
    ]


def test_image_has_its_sizes_channels_and_physical_size(gateway: BlitzGateway, seeded: Seeded) -> None:
    image = gateway.getObject("Image", seeded.world.imports["multi_series"].images[1])
    assert (image.getSizeX(), image.getSizeY(), image.getSizeZ(), image.getSizeC(), image.getSizeT()) == (
        48,
        32,
        4,
        3,
        1,
    )
    assert [channel.getLabel() for channel in image.getChannels(noRE=True)] == [
        "Channel 0",
        "Channel 1",
        "Channel 2",
    ]
    assert image.getPixelSizeX() == pytest.approx(0.325)


@pytest.mark.parametrize(
    "name", ["multi_series", "big_endian", "every_type", "plate", "multi_file", "same_names"]
)
def test_planes_are_those_of_the_file(gateway: BlitzGateway, seeded: Seeded, name: str) -> None:
    series = getattr(real_input, name)(seeded.inputs / name).series
    for each, number in zip(series, seeded.world.imports[name].images, strict=True):
        expected = each.pixels()
        pixels = gateway.getObject("Image", number).getPrimaryPixels()
        t, c, z = (size - 1 for size in each.shape[:3])
        assert np.array_equal(pixels.getPlane(z, c, t), expected[t, c, z])
        assert np.array_equal(pixels.getTile(z, c, t, (2, 1, 5, 4)), expected[t, c, z, 1:5, 2:7])


def test_annotations_are_listed(gateway: BlitzGateway, seeded: Seeded) -> None:
    image = gateway.getObject("Image", seeded.world.imports["multi_series"].images[0])
    found = {type(each).__name__ for each in image.listAnnotations()}
    assert found == {
        "TagAnnotationWrapper",
        "MapAnnotationWrapper",
        "CommentAnnotationWrapper",
        "LongAnnotationWrapper",
        "FileAnnotationWrapper",
    }
    mapped = image.getAnnotation("openmicroscopy.org/omero/client/mapAnnotation")
    assert mapped.getValue()[:2] == [("gene", "CDK1"), ("gene", "PLK1")]


def test_attachment_is_downloaded(gateway: BlitzGateway, seeded: Seeded) -> None:
    image = gateway.getObject("Image", seeded.world.imports["multi_series"].images[0])
    attached = next(
        each for each in image.listAnnotations() if type(each).__name__ == "FileAnnotationWrapper"
    )
    assert b"".join(attached.getFileInChunks()) == b"1. Fix\n2. Stain\n3. Image\n"


@pytest.fixture
def new_image(gateway: BlitzGateway) -> Iterator[Any]:
    """Give a new image with known planes, deleted after the test."""
    planes = Series("from numpy", "uint16", (2, 1, 2, 10, 12)).pixels()
    order = (planes[t, 0, z] for z in range(2) for t in range(2))
    image = gateway.createImageFromNumpySeq(order, "from numpy", sizeZ=2, sizeC=1, sizeT=2)
    yield image
    if gateway.getObject("Image", image.getId()) is not None:
        gateway.deleteObjects("Image", [image.getId()], wait=True)


def test_image_from_numpy_has_the_planes(gateway: BlitzGateway, new_image: Any) -> None:
    expected = Series("from numpy", "uint16", (2, 1, 2, 10, 12)).pixels()
    pixels = gateway.getObject("Image", new_image.getId()).getPrimaryPixels()
    for z in range(2):
        for t in range(2):
            assert np.array_equal(pixels.getPlane(z, 0, t), expected[t, 0, z])


def test_annotation_is_linked_and_removed(gateway: BlitzGateway, new_image: Any) -> None:
    tag = TagAnnotationWrapper(gateway)
    tag.setValue("by gateway")
    tag.save()
    new_image.linkAnnotation(tag)
    assert [each.getValue() for each in new_image.listAnnotations()] == ["by gateway"]
    gateway.deleteObjects("Annotation", [tag.getId()], wait=True)
    assert list(gateway.getObject("Image", new_image.getId()).listAnnotations()) == []


def test_image_goes_into_a_dataset(gateway: BlitzGateway, new_image: Any) -> None:
    made = seed.create(gateway.c, "Dataset", "by gateway")
    seed.link(gateway.c, made, seed.reference("Image", new_image.getId()))
    dataset = gateway.getObject("Dataset", made.id.val)
    assert [image.getId() for image in dataset.listChildren()] == [new_image.getId()]
    gateway.deleteObjects("Dataset", [dataset.getId()], deleteChildren=False, wait=True)
    assert gateway.getObject("Image", new_image.getId()) is not None


def test_deleted_image_is_gone(gateway: BlitzGateway, new_image: Any) -> None:
    gateway.deleteObjects("Image", [new_image.getId()], wait=True)
    assert gateway.getObject("Image", new_image.getId()) is None


def test_thumbnail_is_a_picture(gateway: BlitzGateway, seeded: Seeded) -> None:
    image = gateway.getObject("Image", seeded.world.imports["multi_series"].images[1])
    picture = Image.open(io.BytesIO(image.getThumbnail((64, 64))))
    assert (picture.format, picture.size) == ("JPEG", (64, 64))


def test_administrator_acts_as_another_user(seeded: Seeded) -> None:
    root = BlitzGateway("root", "omero", host=seeded.server.host, port=seeded.server.ssl_port, secure=True)
    try:
        assert root.connect()
        other = root.suConn("bob", ttl=60_000)
        assert other.getUserId() == seeded.people.users["bob"]
        assert other.getObject("Project", seeded.world.project).getName() == "Mitosis 2021"
        other.close()
    finally:
        root.close(hard=False)


def test_others_see_but_cannot_edit_in_a_read_annotate_group(seeded: Seeded) -> None:
    bob = BlitzGateway("bob", "bob", host=seeded.server.host, port=seeded.server.ssl_port, secure=True)
    try:
        assert bob.connect()
        project = bob.getObject("Project", seeded.world.project)
        assert project.canAnnotate()
        assert not project.canEdit()
    finally:
        bob.close(hard=False)
