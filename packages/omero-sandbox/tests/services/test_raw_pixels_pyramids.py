"""Images above the limit for planes: tiles only, in order, lossy, and broken by an empty close."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import omero
import pytest

LIMIT = {"omero.pixeldata.max_plane_width": "320", "omero.pixeldata.max_plane_height": "320"}
WIDTH, HEIGHT = 600, 500


@pytest.fixture
def sandbox(sandbox_factory: Any) -> Any:
    return sandbox_factory(config=LIMIT)


def tiles() -> Iterator[Any]:
    for y in range(0, HEIGHT, 256):
        for x in range(0, WIDTH, 256):
            yield x, y, min(256, WIDTH - x), min(256, HEIGHT - y)


def write(store: Any, data: Any, z: Any = 0, c: Any = 0, t: Any = 0) -> None:
    for x, y, w, h in tiles():
        store.setTile(data[y : y + h, x : x + w].tobytes(), z, c, t, x, y, w, h)


def plane_of(store: Any) -> Any:
    return np.frombuffer(store.getPlane(0, 0, 0), ">u2").reshape(HEIGHT, WIDTH)


def noise(seed: Any = 1) -> Any:
    return np.random.default_rng(seed).integers(0, 60000, (HEIGHT, WIDTH)).astype(">u2")


def wait_for_pixels(images: Any, pixels: Any) -> Any:
    """Open an imported image as soon as the server's background process is through with it."""
    for thread in threading.enumerate():
        if thread.name == f"pixel data {pixels}":
            thread.join()
    return images.open(pixels)


def test_only_integer_planes_strictly_above_the_limit_need_pyramids(images: Any) -> None:
    found = {}
    for size, kind in (((320, 320), "uint8"), ((321, 320), "uint8"), ((321, 320), "float")):
        store = images.open(images.create(*size, kind=kind))
        found[size, kind] = store.requiresPixelsPyramid()
    assert list(found.values()) == [False, True, False]


def test_the_default_limit_is_3192_by_3192() -> None:
    from omero_sandbox.images.backend import requires_pyramid
    from omero_sandbox.images.buffer import Shape

    assert not requires_pyramid({}, Shape(3192, 3192, 1, 1, 1, "uint8"))
    assert requires_pyramid({}, Shape(10_188_865, 1, 1, 1, 1, "uint8"))


def test_large_float_planes_are_stored_exactly(images: Any) -> None:
    pixels = images.create(WIDTH, HEIGHT, kind="float")
    data = noise().astype(">f4")
    store = images.open(pixels)
    store.setTile(data.tobytes(), 0, 0, 0, 0, 0, WIDTH, HEIGHT)
    store.close()
    assert images.open(pixels).getPlane(0, 0, 0) == data.tobytes()


def test_tiles_written_in_order_come_back_with_losses(images: Any) -> None:
    pixels = images.create(WIDTH, HEIGHT)
    data = noise()
    store = images.open(pixels)
    assert store.getTileSize() == [256, 256]
    write(store, data)
    store.close()
    store = images.open(pixels)
    found = plane_of(store)
    assert not np.array_equal(found, data)
    assert np.abs(found.astype(int) - data).max() <= 1
    store.close()


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("setPlane", (bytes(WIDTH * HEIGHT * 2), 0, 0, 0)),
        ("setRow", (bytes(WIDTH * 2), 0, 0, 0, 0)),
        ("setStack", (bytes(WIDTH * HEIGHT * 2), 0, 0, 0)),
        ("setRegion", (10, 0, bytes(10))),
    ],
)
def test_nothing_but_tiles_can_be_written(images: Any, method: Any, arguments: Any) -> None:
    store = images.open(images.create(WIDTH, HEIGHT))
    with pytest.raises(omero.InternalException, match="Non-tile based"):
        getattr(store, method)(*arguments)
    write(store, noise())
    store.close()


def test_the_first_tile_must_be_at_the_origin(images: Any) -> None:
    store = images.open(images.create(WIDTH, HEIGHT))
    with pytest.raises(omero.InternalException, match="out of order"):
        store.setTile(bytes(256 * 256 * 2), 0, 0, 0, 256, 0, 256, 256)


def test_tiles_must_fit_the_grid_that_the_first_one_sets(images: Any) -> None:
    store = images.open(images.create(WIDTH, HEIGHT))
    store.setTile(bytes(256 * 256 * 2), 0, 0, 0, 0, 0, 256, 256)
    with pytest.raises(omero.InternalException, match="out of order"):
        store.setTile(bytes(100 * 100 * 2), 0, 0, 0, 256, 0, 100, 100)


def test_planes_are_stored_in_the_order_in_which_they_are_written(images: Any) -> None:
    pixels = images.create(WIDTH, HEIGHT, z=2)
    store = images.open(pixels)
    first, second = noise(1), noise(2)
    write(store, first, z=1)  # out of order: it becomes plane 0
    write(store, second, z=0)
    store.close()
    found = plane_of(images.open(pixels))
    assert np.abs(found.astype(int) - first).max() <= 1


def test_returning_to_an_earlier_plane_is_an_error_when_no_plane_is_left(images: Any) -> None:
    store = images.open(images.create(WIDTH, HEIGHT))
    store.setTile(bytes(256 * 256 * 2), 0, 0, 0, 0, 0, 256, 256)
    with pytest.raises(omero.InternalException):
        store.setTile(bytes(256 * 256 * 2), 1, 0, 0, 0, 0, 256, 256)


def test_a_second_writer_is_locked_out(images: Any) -> None:
    pixels = images.create(WIDTH, HEIGHT)
    store = images.open(pixels)
    with pytest.raises(omero.LockTimeout, match="Already locked") as caught:
        images.open(pixels)
    assert caught.value.backOff == 15_000
    write(store, noise())
    store.close()
    images.open(pixels).close()


def test_closing_without_writing_breaks_the_image_for_good(images: Any) -> None:
    pixels = images.create(WIDTH, HEIGHT)
    images.open(pixels).close()
    with pytest.raises(omero.ResourceError, match="instantiating pixel buffer"):
        images.open(pixels)


def test_resolution_levels_exist_only_when_the_pyramid_is_written(images: Any) -> None:
    pixels = images.create(WIDTH, HEIGHT)
    store = images.open(pixels)
    with pytest.raises(omero.ApiUsageException):
        store.getResolutionLevels()
    write(store, noise())
    store.close()
    store = images.open(pixels)
    assert store.getResolutionLevels() > 1
    store.setResolutionLevel(0)
    assert len(store.getPlane(0, 0, 0)) == store.getPlaneSize() < WIDTH * HEIGHT
    store.close()


def test_asking_for_the_width_of_samples_ends_the_writing(images: Any) -> None:
    store = images.open(images.create(WIDTH, HEIGHT))
    write(store, noise())
    assert store.getByteWidth() == 2
    with pytest.raises(omero.ApiUsageException, match="not permitted"):
        store.setTile(bytes(256 * 256 * 2), 0, 0, 0, 0, 0, 256, 256)
    store.close()


def test_pyramids_have_no_stacks_or_regions(images: Any) -> None:
    pixels = images.create(WIDTH, HEIGHT)
    store = images.open(pixels)
    write(store, noise())
    store.close()
    store = images.open(pixels)
    with pytest.raises(omero.InternalException):
        store.getStack(0, 0)
    with pytest.raises(omero.InternalException):
        store.getRegion(10, 0)
    with pytest.raises(omero.InternalException):
        store.getHypercube([0, 0, 0, 0, 0], [2, 2, 1, 1, 1], [1, 1, 1, 1, 1])
    with pytest.raises(omero.InternalException):
        store.getTile(0, 0, 0, WIDTH, 0, 1, 1)
    assert store.findMinMax([0]) == {}
    store.close()


def test_an_unwritten_image_cannot_be_rendered_yet(images: Any) -> None:
    for size in ((10, 10), (WIDTH, HEIGHT)):
        pixels = images.create(*size)
        engine = images.session.createThumbnailStore()
        engine.setPixelsId(pixels)
        with pytest.raises(omero.LockTimeout):
            engine.resetDefaults()
        engine.close()


def test_a_large_original_waits_for_its_pyramid_and_is_lossy_then(importer: Any, images: Any) -> None:
    response = importer.fake(f"a&sizeX={WIDTH}&sizeY={HEIGHT}&sizeC=1&pixelType=uint16.fake")
    pixels = response.pixels[0].id.val
    store = wait_for_pixels(images, pixels)
    exact = np.tile(np.arange(WIDTH), (HEIGHT, 1))
    found = plane_of(store).astype(int)[20:]
    assert not np.array_equal(found, exact[20:])
    assert np.abs(found - exact[20:]).max() <= 1
    store.close()


def test_a_large_original_with_levels_is_read_exactly(importer: Any, images: Any) -> None:
    name = f"a&sizeX={WIDTH}&sizeY={HEIGHT}&sizeC=1&pixelType=uint16&resolutions=3.fake"
    store = wait_for_pixels(images, importer.fake(name).pixels[0].id.val)
    np.testing.assert_array_equal(plane_of(store)[20:], np.tile(np.arange(WIDTH), (HEIGHT - 20, 1)))
    store.close()


def test_a_large_original_without_statistics_is_a_missing_pyramid(
    importer: Any, images: Any, sandbox: Any
) -> None:
    pixels = importer.fake(f"a&sizeX={WIDTH}&sizeY={HEIGHT}&sizeC=1&resolutions=2.fake").pixels[0].id.val
    wait_for_pixels(images, pixels).close()
    row = sandbox.store.get("Pixels", pixels)
    channel = sandbox.store.children(row, "channels")[0]
    sandbox.store.update(channel, {"statsInfo": None})
    with pytest.raises(omero.MissingPyramidException) as caught:
        images.open(pixels)
    assert caught.value.pixelsID == pixels


def test_the_digest_of_a_large_image_stays_pending(importer: Any, images: Any) -> None:
    pixels = importer.fake(f"a&sizeX={WIDTH}&sizeY={HEIGHT}&sizeC=1&resolutions=2.fake").pixels[0].id.val
    wait_for_pixels(images, pixels).close()
    assert images.query.get("Pixels", pixels).sha1.val == "Pending..."
