"""RawPixelsStore behaves as RawPixelsBean over PixelsService's buffers."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import omero
import pytest

PYRAMID = {"omero.pixeldata.max_plane_width": "32", "omero.pixeldata.max_plane_height": "32"}
FAKE = "a&sizeX=16&sizeY=12&sizeZ=2&sizeC=3&sizeT=2&pixelType=uint16.fake"
KINDS = {
    "int8": "i1",
    "uint8": "u1",
    "int16": ">i2",
    "uint16": ">u2",
    "int32": ">i4",
    "uint32": ">u4",
    "float": ">f4",
    "double": ">f8",
}


def ramp(kind: str, *shape: int) -> np.ndarray:
    return np.arange(np.prod(shape)).reshape(shape).astype(KINDS[kind])


def sha1_of(images: Any, pixels: int) -> str:
    return str(images.query.get("Pixels", pixels).sha1.val)


# -- opening


def test_unknown_pixels_are_a_validation_error(images: Any) -> None:
    with pytest.raises(omero.ValidationException, match="Cannot read pixels id=4711"):
        images.open(4711)


def test_pixels_of_another_group_cannot_be_read(people: Any) -> None:
    one, two = people.group("one"), people.group("two")
    people.user("bob", one, two)
    bob = people.login("bob")
    query = bob.getSession().getQueryService()
    kind = query.findByString("PixelsType", "value", "uint8")
    image = bob.getSession().getPixelsService().createImage(2, 2, 1, 1, [0], kind, "a", "").val
    pixels = query.findByQuery(f"select p from Pixels p where p.image.id = {image}", None).id.val
    store = bob.getSession().createRawPixelsStore()
    with pytest.raises(omero.ValidationException, match="Cannot read pixels"):
        store.setPixelsId(pixels, True, bob.getContext(group=two))
    store.setPixelsId(pixels, True, bob.getContext(group=one))
    store.close()


def test_the_flag_of_setPixelsId_is_ignored(importer: Any, images: Any) -> None:
    pixels = importer.fake(FAKE).pixels[0].id.val
    store = images.session.createRawPixelsStore()
    store.setPixelsId(pixels, False)
    assert len(store.getPlane(0, 0, 0)) == 16 * 12 * 2
    store.close()


# -- normal images


@pytest.mark.parametrize("kind", list(KINDS))
def test_planes_come_back_as_they_were_written(images: Any, kind: Any) -> None:
    pixels = images.create(6, 5, 2, 2, 2, kind)
    data = ramp(kind, 2, 2, 2, 5, 6)
    store = images.open(pixels)
    for t, c, z in np.ndindex(2, 2, 2):
        store.setPlane(data[t, c, z].tobytes(), z, c, t)
    store.close()
    store = images.open(pixels)
    assert store.getByteWidth() == data.itemsize
    assert store.isFloat() == (kind in ("float", "double"))
    assert store.isSigned() == (not kind.startswith("u"))
    for t, c, z in np.ndindex(2, 2, 2):
        assert store.getPlane(z, c, t) == data[t, c, z].tobytes()
    assert store.getTile(1, 0, 1, 2, 1, 3, 2) == data[1, 0, 1, 1:3, 2:5].tobytes()
    assert store.getRow(4, 0, 1, 0) == data[0, 1, 0, 4].tobytes()
    assert store.getCol(5, 0, 1, 0) == data[0, 1, 0, :, 5].tobytes()
    assert store.getStack(1, 1) == data[1, 1].tobytes()
    assert store.getTimepoint(0) == data[0].tobytes()
    assert store.getHypercube([1, 0, 0, 1, 0], [4, 5, 2, 1, 2], [2, 2, 1, 1, 1]) == (
        data[:, 1, :, ::2, 1:5:2].tobytes()
    )
    store.close()


def test_planes_lie_in_the_order_XYZCT(images: Any) -> None:
    store = images.open(images.create(2, 2, 3, 2, 2, "uint8"))
    assert [store.getPlaneOffset(*zct) // 4 for zct in ((1, 0, 0), (0, 1, 0), (0, 0, 1))] == [1, 3, 6]
    sizes = store.getRowSize(), store.getPlaneSize(), store.getStackSize(), store.getTimepointSize()
    assert (*sizes, store.getTotalSize()) == (2, 4, 12, 24, 48)
    store.close()


def test_once_a_byte_is_written_later_stores_only_read(images: Any) -> None:
    pixels = images.create(4, 4, kind="uint8")
    first, second = images.open(pixels), images.open(pixels)
    first.setPlane(bytes(16), 0, 0, 0)
    late = images.open(pixels)
    with pytest.raises(omero.ApiUsageException, match="Write-method not permitted"):
        late.setPlane(bytes(16), 0, 0, 0)
    second.setPlane(b"x" * 16, 0, 0, 0)
    for store in (first, second, late):
        store.close()
    assert images.open(pixels).getPlane(0, 0, 0) == b"x" * 16


def test_reading_pixels_that_were_never_written_makes_them_read_only(images: Any) -> None:
    pixels = images.create(4, 4, kind="uint8")
    store = images.open(pixels)
    assert store.getPlane(0, 0, 0) == bytes(16)
    store.close()
    with pytest.raises(omero.ApiUsageException):
        images.open(pixels).setPlane(bytes(16), 0, 0, 0)


def test_tiles_are_written_at_full_width_only(images: Any) -> None:
    store = images.open(images.create(4, 6, kind="uint8"))
    for where in ((0, 0, 2, 6), (2, 0, 2, 6)):
        with pytest.raises(omero.InternalException):
            store.setTile(bytes(where[2] * where[3]), 0, 0, 0, *where)
    store.setTile(b"a" * 8, 0, 0, 0, 0, 0, 4, 2)
    store.setTile(b"b" * 16, 0, 0, 0, 0, 2, 4, 4)
    assert store.getPlane(0, 0, 0) == b"a" * 8 + b"b" * 16
    store.close()


def test_planes_that_were_not_written_are_zeros(images: Any) -> None:
    store = images.open(images.create(4, 4, z=3, kind="uint8"))
    store.setPlane(b"x" * 16, 1, 0, 0)
    assert store.getPlane(2, 0, 0) == bytes(16)
    store.close()


@pytest.mark.parametrize("length", [15, 17])
def test_a_plane_must_have_the_right_length(images: Any, length: Any) -> None:
    store = images.open(images.create(4, 4, kind="uint8"))
    with pytest.raises(omero.ResourceError):
        store.setPlane(bytes(length), 0, 0, 0)
    store.close()


def test_a_row_that_is_too_long_runs_into_the_next(images: Any) -> None:
    store = images.open(images.create(4, 4, kind="uint8"))
    store.setRow(b"abcdef", 1, 0, 0, 0)
    assert store.getPlane(0, 0, 0) == bytes(4) + b"abcdef" + bytes(6)
    store.close()


@pytest.mark.parametrize("zct", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (-1, 0, 0)])
def test_coordinates_outside_a_normal_image_are_an_api_usage_error(images: Any, zct: Any) -> None:
    store = images.open(images.create(4, 4, kind="uint8"))
    with pytest.raises(omero.ApiUsageException):
        store.getPlane(*zct)
    with pytest.raises(omero.ApiUsageException):
        store.getTile(0, 0, 0, 2, 2, 3, 1)
    store.close()


def test_a_plane_that_begins_with_the_null_marker_cannot_be_read_by_plane(images: Any) -> None:
    data = b"\x80\x7f" * 50
    store = images.open(images.create(10, 10, kind="uint8"))
    store.setPlane(data, 0, 0, 0)
    with pytest.raises(omero.InternalException):
        store.getPlane(0, 0, 0)
    assert store.getRegion(100, 0) == data
    store.close()


def test_normal_images_have_one_level_which_cannot_be_set(images: Any) -> None:
    store = images.open(images.create())
    assert store.getResolutionLevels() == 1
    with pytest.raises(omero.InternalException):
        store.setResolutionLevel(0)
    store.close()


def test_the_tile_of_a_normal_image_is_a_band_of_a_mebibyte(images: Any) -> None:
    store = images.open(images.create(1000, 2000, kind="uint16"))
    assert store.getTileSize() == [1000, 524]
    store.close()


def test_the_tile_of_a_very_wide_image_has_no_height(images: Any) -> None:
    store = images.open(images.create(2_000_000, 1, kind="uint8"))
    assert store.getTileSize() == [2_000_000, 0]
    store.close()


@pytest.mark.parametrize(("kind", "width"), [("complex", 8), ("double-complex", 16)])
def test_complex_pixels_can_be_stored(images: Any, kind: str, width: int) -> None:
    store = images.open(images.create(2, 2, kind=kind))
    assert store.getPlaneSize() == 4 * width
    store.setPlane(bytes(range(4 * width)), 0, 0, 0)
    assert store.getPlane(0, 0, 0) == bytes(range(4 * width))
    store.close()


def test_bits_have_no_width_in_new_images(images: Any) -> None:
    store = images.open(images.create(kind="bit"))
    assert store.getPlaneSize() == 0
    with pytest.raises(omero.InternalException, match="by zero"):
        store.getTileSize()
    store.close()


# -- save, close, digest


def test_save_stores_the_sha1_of_the_file_once(images: Any) -> None:
    pixels = images.create(4, 4, kind="uint8")
    assert sha1_of(images, pixels) == "Pending..."
    before = images.query.get("Pixels", pixels).details.updateEvent.id.val
    store = images.open(pixels)
    store.setPlane(b"x" * 16, 0, 0, 0)
    assert store.save().sha1.val == hashlib.sha1(b"x" * 16).hexdigest()
    assert store.save() is None
    assert store.calculateMessageDigest() == hashlib.sha1(b"x" * 16).digest()
    store.close()
    assert images.query.get("Pixels", pixels).details.updateEvent.id.val != before


def test_close_saves(images: Any) -> None:
    pixels = images.create(4, 4, kind="uint8")
    store = images.open(pixels)
    store.setPlane(b"x" * 16, 0, 0, 0)
    store.close()
    assert sha1_of(images, pixels) == hashlib.sha1(b"x" * 16).hexdigest()


def test_another_image_closes_the_first_without_saving(images: Any) -> None:
    first, second = (images.create(4, 4, kind="uint8") for _ in range(2))
    store = images.open(first)
    store.setPlane(b"x" * 16, 0, 0, 0)
    store.setPixelsId(second, True)
    store.close()
    assert sha1_of(images, first) == "Pending..."


def test_saving_in_the_wrong_group_fails_when_the_bytes_are_on_disk(people: Any) -> None:
    one, two = people.group("one"), people.group("two")
    people.user("bob", one, two)
    bob = people.login("bob")
    query = bob.getSession().getQueryService()
    kind = query.findByString("PixelsType", "value", "uint8")
    image = bob.getSession().getPixelsService().createImage(2, 2, 1, 1, [0], kind, "a", "").val
    pixels = query.findByQuery(f"select p from Pixels p where p.image.id = {image}", None).id.val
    store = bob.getSession().createRawPixelsStore()
    store.setPixelsId(pixels, True)
    store.setPlane(b"abcd", 0, 0, 0)
    with pytest.raises(omero.SecurityViolation, match=r"Cannot read ome\.model\.core\.Image:Id_"):
        store.save(bob.getContext(group=two))
    with pytest.raises(omero.ApiUsageException, match="DUMMY"):
        store.save(bob.getContext(group=-1))
    assert store.getPlane(0, 0, 0) == b"abcd"
    store.close()


# -- imported images


def test_an_imported_image_is_never_writable(importer: Any, images: Any) -> None:
    store = images.open(importer.fake(FAKE).pixels[0].id.val)
    with pytest.raises(omero.InternalException):
        store.setPlane(bytes(16 * 12 * 2), 0, 0, 0)
    with pytest.raises(omero.InternalException):
        store.setTile(bytes(16 * 12 * 2), 0, 0, 0, 0, 0, 16, 12)
    store.close()


def test_an_imported_image_has_no_file_regions_but_hypercubes_and_stacks(importer: Any, images: Any) -> None:
    store = images.open(importer.fake(FAKE).pixels[0].id.val)
    with pytest.raises(omero.InternalException):
        store.getRegion(10, 0)
    planes = [store.getPlane(z, 1, 1) for z in range(2)]
    assert store.getStack(1, 1) == b"".join(planes)
    assert store.getHypercube([0, 0, 0, 1, 1], [16, 12, 2, 1, 1], [1, 1, 1, 1, 1]) == b"".join(planes)
    store.close()


def test_coordinates_outside_an_imported_image_are_refused(importer: Any, images: Any) -> None:
    store = images.open(importer.fake(FAKE).pixels[0].id.val)
    with pytest.raises(omero.ApiUsageException, match="Z '2' greater than sizeZ '2'"):
        store.getPlane(2, 0, 0)
    with pytest.raises(omero.InternalException):
        store.getTile(0, 0, 0, 10, 0, 7, 1)
    store.close()


def test_a_missing_original_is_a_resource_error(importer: Any, images: Any, sandbox: Any) -> None:
    pixels = importer.fake(FAKE).pixels[0].id.val
    sandbox.resources.close()  # the server still holds the file open
    for path in (sandbox.data_dir / "ManagedRepository").rglob("*.fake"):
        path.unlink()
    with pytest.raises(omero.ResourceError):
        images.open(pixels)


def test_several_stores_read_one_original(importer: Any, images: Any) -> None:
    pixels = importer.fake(FAKE).pixels[0].id.val
    stores = [images.open(pixels) for _ in range(3)]
    assert len({store.getPlane(0, 0, 0) for store in stores}) == 1
    for store in stores:
        store.close()


def test_levels_count_from_the_smallest_and_descriptions_from_the_largest(importer: Any, images: Any) -> None:
    name = "a&sizeX=64&sizeY=48&sizeC=1&resolutions=3.fake"
    store = images.open(importer.fake(name).pixels[0].id.val)
    assert (store.getResolutionLevels(), store.getResolutionLevel()) == (3, 2)
    found = [(d.sizeX, d.sizeY) for d in store.getResolutionDescriptions()]
    assert found == [(64, 48), (32, 24), (16, 12)]
    store.setResolutionLevel(0)
    assert store.getPlaneSize() == len(store.getPlane(0, 0, 0)) == 16 * 12
    store.close()


# -- statistics


def test_extremes_are_those_of_the_middle_plane(images: Any) -> None:
    store = images.open(images.create(2, 2, z=3, c=2, kind="int16"))
    plane = np.array([[5, -7], [0, 9]], ">i2")
    store.setPlane(plane.tobytes(), 1, 1, 0)
    assert store.findMinMax([0, 1]) == {0: [0.0, 0.0], 1: [-7.0, 9.0]}
    with pytest.raises(omero.InternalException):
        store.findMinMax([2])
    store.close()


def test_a_histogram_has_256_bins_unless_told_otherwise(images: Any) -> None:
    store = images.open(images.create(16, 16, kind="uint8"))
    store.setPlane(bytes(range(256)), 0, 0, 0)
    plane = omero.romio.PlaneDef(0, 0, 0, 0, 0)
    assert store.getHistogram([0], 0, False, plane) == {0: [1] * 256}
    assert store.getHistogram([0], 4, False, plane) == {0: [64] * 4}
    store.close()


def test_more_originals_than_the_server_keeps_open_are_read_in_turn(importer: Any, images: Any) -> None:
    ids = [importer.fake(f"a{n}&sizeX=8&sizeY=8&sizeC=1.fake").pixels[0].id.val for n in range(12)]
    stores = [images.open(pixels) for pixels in ids]
    for _ in range(2):
        assert len({store.getPlane(0, 0, 0) for store in stores}) == 1
    for store in stores:
        store.close()
