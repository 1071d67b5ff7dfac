"""Rendering settings, thumbnails and rendered planes."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import omero
import pytest
from omero.gateway import BlitzGateway
from omero.rtypes import rint
from PIL import Image

FAKE = "a&sizeX=64&sizeY=32&sizeZ=5&sizeC=4&pixelType=uint16.fake"


@pytest.fixture
def settings(root: Any) -> Any:
    return root.getSession().getRenderingSettingsService()


@pytest.fixture
def pixels(importer: Any) -> Any:
    return importer.fake(FAKE).pixels[0]


@pytest.fixture
def thumbnails(root: Any) -> Any:
    store = root.getSession().createThumbnailStore()
    yield store
    store.close()


def size_of(jpeg: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(jpeg)).size


def test_defaults_show_three_channels_of_the_middle_plane_in_their_extremes(
    settings: Any, pixels: Any
) -> None:
    found = settings.getRenderingSettings(pixels.id.val)
    assert (found.defaultZ.val, found.defaultT.val, found.model.value.val) == (2, 0, "rgb")
    bindings = found.copyWaveRendering()
    assert [b.active.val for b in bindings] == [True, True, True, False]
    assert [(b.inputStart.val, b.inputEnd.val) for b in bindings] == [(0.0, 63.0)] * 4
    assert {(b.family.value.val, b.coefficient.val) for b in bindings} == {("linear", 1.0)}


def test_one_channel_is_shown_in_grey(settings: Any, importer: Any) -> None:
    pixels = importer.fake("a&sizeX=8&sizeY=8&sizeC=1.fake").pixels[0].id.val
    assert settings.getRenderingSettings(pixels).model.value.val == "greyscale"


def test_setting_back_keeps_one_set_of_settings_per_user(settings: Any, pixels: Any, images: Any) -> None:
    image = pixels.image.id.val
    assert settings.resetDefaultsInSet("Image", [image]) == [image]
    assert settings.resetMinMaxInSet("Pixels", [pixels.id.val]) == [image]
    assert len(images.query.findAll("RenderingDef", None)) == 1
    assert len(images.query.findAll("ChannelBinding", None)) == 4


def test_images_without_pixels_are_missing_from_the_result(settings: Any, pixels: Any, images: Any) -> None:
    empty = images.query.get("Pixels", images.create()).image.id.val
    assert settings.resetDefaultsInSet("Image", [pixels.image.id.val, empty]) == [pixels.image.id.val]
    with pytest.raises(omero.LockTimeout):
        settings.resetDefaultsInImage(empty)


def test_sets_are_named_by_containers(settings: Any, importer: Any, root: Any) -> None:
    plate = importer.fake("p&sizeX=4&sizeY=4&plates=1&plateRows=1&plateCols=2&fields=1&plateAcqs=1.fake")
    number = plate.objects[0].id.val
    assert len(settings.resetDefaultsInSet("Plate", [number])) == 2
    with pytest.raises(omero.ApiUsageException):
        settings.resetDefaultsInSet("Experimenter", [0])


def test_settings_fit_images_of_the_same_type_and_number_of_channels(
    settings: Any, importer: Any, pixels: Any
) -> None:
    same = importer.fake(FAKE).pixels[0]
    other = importer.fake("a&sizeX=8&sizeY=8&sizeC=1.fake").pixels[0]
    ids = [same.image.id.val, other.image.id.val]
    found = settings.applySettingsToSet(pixels.id.val, "Image", ids)
    assert found == {True: ids[:1], False: ids[1:]}
    assert settings.sanityCheckPixels(pixels, same)
    assert not settings.sanityCheckPixels(pixels, other)


def test_thumbnails_need_settings_first(thumbnails: Any, importer: Any) -> None:
    pixels = importer.fake(FAKE, doThumbnails=omero.rtypes.rbool(False)).pixels[0].id.val
    assert thumbnails.setPixelsId(pixels) is False
    with pytest.raises(omero.ApiUsageException):
        thumbnails.getRenderingDefId()
    with pytest.raises(omero.ResourceError, match="rendering settings are missing"):
        thumbnails.getThumbnailByLongestSide(rint(16))
    thumbnails.resetDefaults()
    assert thumbnails.setPixelsId(pixels) is True
    assert size_of(thumbnails.getThumbnailByLongestSide(rint(16))) == (16, 8)


def test_thumbnails_are_not_larger_than_the_image(thumbnails: Any, pixels: Any) -> None:
    thumbnails.setPixelsId(pixels.id.val)
    assert size_of(thumbnails.getThumbnail(rint(1000), rint(20))) == (64, 20)
    assert size_of(thumbnails.getThumbnailForSectionDirect(1, 0, rint(10), rint(10))) == (10, 10)
    with pytest.raises(omero.ApiUsageException):
        thumbnails.getThumbnail(rint(-1), rint(20))


def test_sets_of_thumbnails_make_missing_settings_and_leave_unwritten_images_empty(
    thumbnails: Any, importer: Any, images: Any
) -> None:
    bare = importer.fake(FAKE, doThumbnails=omero.rtypes.rbool(False)).pixels[0].id.val
    unwritten = images.create()
    found = thumbnails.getThumbnailByLongestSideSet(rint(32), [bare, unwritten, 999])
    assert size_of(found[bare]) == (32, 16)
    assert found[unwritten] == b""
    assert 999 not in found


def test_made_thumbnails_exist(thumbnails: Any, pixels: Any) -> None:
    thumbnails.setPixelsId(pixels.id.val)
    assert not thumbnails.thumbnailExists(rint(10), rint(10))
    thumbnails.createThumbnail(rint(10), rint(10))
    assert thumbnails.thumbnailExists(rint(10), rint(10))


def test_unknown_settings_are_a_validation_error(thumbnails: Any, pixels: Any) -> None:
    thumbnails.setPixelsId(pixels.id.val)
    with pytest.raises(omero.ValidationException):
        thumbnails.setRenderingDefId(999)


def test_the_gateway_renders_thumbnails_and_planes(root: Any, pixels: Any) -> None:
    gateway = BlitzGateway(client_obj=root)
    image = gateway.getObject("Image", pixels.image.id.val)
    assert size_of(image.getThumbnail((32,))) == (32, 16)
    plane = np.asarray(image.renderImage(0, 0))
    assert plane.shape == (32, 64, 3)
    # A ramp from left to right in red, green and blue.
    assert plane[20, 60].min() > 200
    assert plane[20, 5].max() < 60
    assert image.getChannels()[0].isActive()
    image._closeRE()


def test_changes_are_only_stored_when_saved(root: Any, pixels: Any, settings: Any) -> None:
    engine = root.getSession().createRenderingEngine()
    engine.lookupPixels(pixels.id.val)
    assert engine.lookupRenderingDef(pixels.id.val)
    engine.load()
    engine.setActive(0, False)
    engine.setChannelWindow(1, 5, 50)
    engine.setRGBA(1, 1, 2, 3, 255)
    assert settings.getRenderingSettings(pixels.id.val).copyWaveRendering()[0].active.val
    engine.saveCurrentSettings()
    bindings = settings.getRenderingSettings(pixels.id.val).copyWaveRendering()
    assert not bindings[0].active.val
    assert (bindings[1].inputStart.val, bindings[1].inputEnd.val, bindings[1].blue.val) == (5.0, 50.0, 3)
    packed = engine.renderAsPackedInt(omero.romio.PlaneDef(0, 0, 0, 0, 0))
    assert len(packed) == 64 * 32
    assert (engine.getPixelsTypeLowerBound(0), engine.getPixelsTypeUpperBound(0)) == (0.0, 65535.0)
    engine.close()


def test_an_engine_without_pixels_is_not_ready(root: Any) -> None:
    engine = root.getSession().createRenderingEngine()
    with pytest.raises(omero.ApiUsageException):
        engine.load()
    with pytest.raises(omero.ValidationException):
        engine.lookupPixels(999)
    engine.close()
