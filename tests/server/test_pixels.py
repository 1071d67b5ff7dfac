"""Pixels tile by tile, as the server holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import Ice
import numpy as np
import pytest

from omero_rocrate_transfer.model.errors import LinkLostError, NotFoundError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read.pixels import ServerPixels
from omero_rocrate_transfer.server.session.connection import Connection
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import real_input, seed
from omero_sandbox.testing.real_input import RealInput

Open = Callable[[int], ServerPixels]


@pytest.fixture
def open_pixels(connection: Connection) -> Iterator[Open]:
    opened: list[ServerPixels] = []

    def open_image(image: int) -> ServerPixels:
        opened.append(ServerPixels(connection, ObjectRef("Image", image)))
        return opened[-1]

    yield open_image
    for one in opened:
        one.close()


def put(connection: Connection, data: RealInput) -> list[int]:
    return seed.import_fileset(connection.client, data.folder, data.files).images


@pytest.mark.parametrize("write", [real_input.every_type, real_input.big_endian, real_input.multi_series])
def test_every_sample_of_every_type_is_as_in_the_file(
    connection: Connection, open_pixels: Open, tmp_path: Path, write: Callable[[Path], RealInput]
) -> None:
    data = write(tmp_path)

    for image, series in zip(put(connection, data), data.series, strict=True):
        expected = series.pixels()
        pixels = open_pixels(image)
        assert pixels.shape == expected.shape
        for t, c, z in np.ndindex(expected.shape[:3]):
            height, width = expected.shape[3:]
            plane = pixels.read_tile(t, c, z, 0, 0, width, height)
            assert plane.tolist() == expected[t, c, z].tolist()


def test_tiles_are_parts_of_the_plane(connection: Connection, open_pixels: Open, tmp_path: Path) -> None:
    data = real_input.multi_series(tmp_path)
    pixels = open_pixels(put(connection, data)[1])
    expected = data.series[1].pixels()

    tile = pixels.read_tile(0, 2, 3, 5, 7, 11, 13)

    assert tile.shape == (13, 11)
    assert tile.dtype == np.dtype(">u2")
    assert (tile == expected[0, 2, 3, 7:20, 5:16]).all()


def test_threads_never_share_a_store(connection: Connection, open_pixels: Open, tmp_path: Path) -> None:
    data = real_input.multi_series(tmp_path)
    pixels = open_pixels(put(connection, data)[1])
    expected = data.series[1].pixels()
    places = [(c, z) for c in range(3) for z in range(4)] * 5

    with ThreadPoolExecutor(4) as pool:
        planes = list(pool.map(lambda place: pixels.read_tile(0, place[0], place[1], 0, 0, 48, 32), places))

    assert all((plane == expected[0, c, z]).all() for plane, (c, z) in zip(planes, places, strict=True))


def test_stores_are_given_back(connection: Connection, open_pixels: Open, tmp_path: Path) -> None:
    (image, *_) = put(connection, real_input.every_type(tmp_path))
    before = sorted(connection.session.activeServices())

    pixels = open_pixels(image)
    pixels.read_tile(0, 0, 0, 0, 0, 4, 4)
    pixels.close()
    pixels.close()

    assert sorted(connection.session.activeServices()) == before


def test_missing_image_is_not_found(open_pixels: Open) -> None:
    with pytest.raises(NotFoundError, match="Image:4711"):
        open_pixels(4711)


def test_lost_link_is_told_with_the_image(
    connection: Connection, open_pixels: Open, tmp_path: Path, sandbox: SandboxServer
) -> None:
    (image, *_) = put(connection, real_input.every_type(tmp_path))
    pixels = open_pixels(image)
    sandbox.faults.add("RawPixelsStore.getTile", Ice.ObjectNotExistException())

    with pytest.raises(LinkLostError, match=f"Image:{image}"):
        pixels.read_tile(0, 0, 0, 0, 0, 4, 4)
