"""IPixels behaves as PixelsImpl."""

from __future__ import annotations

from typing import Any

import omero
import pytest
from omero.rtypes import rint


@pytest.fixture
def service(root: Any) -> Any:
    return root.getSession().getPixelsService()


@pytest.fixture
def uint8(root: Any) -> Any:
    return root.getSession().getQueryService().findByString("PixelsType", "value", "uint8")


def test_a_new_image_has_order_XYZCT_and_channels_without_facts(
    service: Any, uint8: Any, images: Any
) -> None:
    image = service.createImage(7, 6, 5, 4, [488, 561], uint8, "name", "text").val
    pixels = service.retrievePixDescription(images.pixels(image).id.val)
    sizes = [getattr(pixels, f"size{axis}").val for axis in "XYZCT"]
    assert (sizes, pixels.dimensionOrder.value.val, pixels.sha1.val) == (
        [7, 6, 5, 2, 4],
        "XYZCT",
        "Pending...",
    )
    for channel in pixels.copyChannels():
        assert (channel.red, channel.statsInfo, channel.logicalChannel.name) == (None, None, None)
        assert channel.logicalChannel.emissionWave is None
    made = images.query.get("Image", image)
    assert (made.name.val, made.description.val, made.acquisitionDate) == ("name", "text", None)


@pytest.mark.parametrize("channels", [[], None])
def test_an_image_needs_channels(service: Any, uint8: Any, channels: Any) -> None:
    with pytest.raises(omero.ValidationException, match="Channel list"):
        service.createImage(1, 1, 1, 1, channels, uint8, "n", "")


@pytest.mark.parametrize(("name", "size"), [("n" * 256, 1), ("n", 0), ("n", -1)])
def test_names_and_sizes_obey_the_database(service: Any, uint8: Any, name: Any, size: Any) -> None:
    with pytest.raises(omero.ValidationException):
        service.createImage(size, 1, 1, 1, [0], uint8, name, "")


def test_extremes_are_made_and_then_changed(service: Any, images: Any) -> None:
    pixels = images.create(c=2)
    service.setChannelGlobalMinMax(pixels, 1, -1.5, 9)
    service.setChannelGlobalMinMax(pixels, 1, 0, 10)
    first, second = service.retrievePixDescription(pixels).copyChannels()
    assert first.statsInfo is None
    assert (second.statsInfo.globalMin.val, second.statsInfo.globalMax.val) == (0.0, 10.0)
    with pytest.raises(omero.InternalException):
        service.setChannelGlobalMinMax(pixels, 2, 0, 1)


def test_a_copy_shares_logical_channels_and_names_its_source(service: Any, images: Any) -> None:
    source = images.create(6, 5, c=3)
    image = images.query.get("Pixels", source).image.id.val
    copy = service.copyAndResizeImage(image, rint(3), None, None, rint(2), [2, 0], "copy", False).val
    made = service.retrievePixDescription(images.pixels(copy).id.val)
    given = service.retrievePixDescription(source)
    assert (made.sizeX.val, made.sizeY.val, made.sizeT.val, made.sizeC.val) == (3, 5, 2, 2)
    shared = [c.logicalChannel.id.val for c in given.copyChannels()]
    assert [c.logicalChannel.id.val for c in made.copyChannels()] == [shared[2], shared[0]]
    assert made.relatedTo.id.val == source
    assert images.query.get("Image", copy).name.val == "copy"


def test_copying_extremes_that_are_missing_is_an_internal_error(service: Any, images: Any) -> None:
    image = images.query.get("Pixels", images.create()).image.id.val
    with pytest.raises(omero.InternalException, match="NullPointer"):
        service.copyAndResizeImage(image, None, None, None, None, [0], "copy", True)


def test_a_copy_needs_channels_that_exist(service: Any, images: Any) -> None:
    image = images.query.get("Pixels", images.create()).image.id.val
    for channels in ([], [1], [-1]):
        with pytest.raises(omero.ValidationException):
            service.copyAndResizeImage(image, None, None, None, None, channels, "copy", False)


def test_pixels_can_be_added_to_their_image(service: Any, images: Any) -> None:
    source = images.create()
    number = service.copyAndResizePixels(source, None, None, None, None, [0], "method", False).val
    image = images.query.get("Pixels", source).image.id.val
    assert images.query.get("Pixels", number).image.id.val == image
    assert images.query.get("Pixels", number).methodology.val == "method"


def test_bit_depths(service: Any, images: Any) -> None:
    kinds = {kind.value.val: kind for kind in service.getAllEnumerations("omero.model.PixelsType")}
    found = {name: service.getBitDepth(kinds[name]) for name in ("bit", "int8", "uint16", "float", "double")}
    assert found == {"bit": 1, "int8": 8, "uint16": 16, "float": 32, "double": 64}
    with pytest.raises(omero.ApiUsageException, match="Unknown type"):
        service.getBitDepth(kinds["complex"])


def test_settings_of_the_owner_are_those_of_others_too(people: Any, importer_for: Any) -> None:
    lab = people.group("lab", "rwra--")
    people.user("ann", lab)
    people.user("bob", lab)
    ann, bob = people.login("ann"), people.login("bob")
    pixels = importer_for(ann).fake().pixels[0].id.val
    service = bob.getSession().getPixelsService()
    mine = service.retrieveRndSettings(pixels)
    assert mine.details.owner.omeName.val == "ann"
    assert len(mine.copyWaveRendering()) == 2
    assert service.loadRndSettings(mine.id.val).model.value.val == "rgb"
    bob.getSession().getRenderingSettingsService().resetDefaultsForPixels(pixels)
    assert service.retrieveRndSettings(pixels).details.owner.omeName.val == "bob"
    assert len(service.retrieveAllRndSettings(pixels, -1)) == 2
