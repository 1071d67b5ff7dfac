"""A stateful service of a server is called by one call at a time, whatever is done through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import Ice
import numpy as np
import pytest

from omero_rocrate_transfer.model.contents import OriginalFile
from omero_rocrate_transfer.model.errors import IntegrityError, LinkLostError, TransferError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read.files import iter_blocks
from omero_rocrate_transfer.server.read.pixels import ServerPixels
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.stateful import Service, open_file_stores
from omero_rocrate_transfer.server.session.streams import BLOCK_BYTES, STORES, UPLOADS, ReadAhead
from omero_rocrate_transfer.server.write.annotations.uploads import upload_file
from omero_rocrate_transfer.server.write.importer import FilesetImport
from omero_rocrate_transfer.server.write.sink import ServerSink
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import real_input, seed
from tests.server.busy import BusyServices

FAKE = "a&sizeX=16&sizeY=8&sizeC=1.fake"


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> BusyServices:
    return BusyServices(monkeypatch)


@pytest.fixture
def large(connection: Connection) -> OriginalFile:
    """Attach a file of several blocks."""
    size = 6 * BLOCK_BYTES + 1
    blocks = [bytes([number]) * BLOCK_BYTES for number in range(6)]
    number = upload_file(connection, 0, [*blocks, b"x"], name="large.bin", path=None, media_type=None)
    return OriginalFile(key=str(number), path="large.bin", size_bytes=size)


@pytest.fixture
def store(connection: Connection, large: OriginalFile) -> Iterator[Service]:
    [opened] = open_file_stores(connection, int(large.key), connection.context())
    yield opened
    opened.close()


def write(connection: Connection, source: Any) -> None:
    sink = ServerSink(connection)
    sink.begin(source.contents, source.read_container_document)
    sink.write_unit(source.open(source.unit))


def test_large_file_is_read_through_several_stores_with_one_call_each(
    connection: Connection, large: OriginalFile, busy: BusyServices
) -> None:
    assert sum(map(len, iter_blocks(connection, large))) == large.size_bytes

    assert busy.highest == {"RawFileStore": 1}
    assert 1 < busy.widest["RawFileStore"] <= STORES


def test_files_of_an_import_are_sent_at_the_same_time_with_one_call_each(
    connection: Connection, memory_source: Any, busy: BusyServices
) -> None:
    files = {f"part {number}.bin": bytes(3 * BLOCK_BYTES) for number in range(6)}

    write(connection, memory_source({FAKE: b""} | files))

    assert busy.highest["RawFileStore"] == 1
    assert 1 < busy.widest["RawFileStore"] <= UPLOADS


def test_attachment_is_sent_with_one_call_at_a_time(connection: Connection, busy: BusyServices) -> None:
    blocks = (bytes(BLOCK_BYTES) for _ in range(5))

    upload_file(connection, 0, blocks, name="a", path=None, media_type=None)

    assert busy.highest == {"RawFileStore": 1}


def test_pixels_and_thumbnails_take_one_call_at_a_time(
    connection: Connection, busy: BusyServices, tmp_path: Path
) -> None:
    data = real_input.multi_series(tmp_path)
    images = seed.import_fileset(connection.client, data.folder, data.files).images
    places = [(c, z) for c in range(3) for z in range(4)] * 3

    with (
        closing(ServerPixels(connection, ObjectRef("Image", images[1]), stores=2)) as pixels,
        ThreadPoolExecutor(4) as pool,
    ):
        list(pool.map(lambda place: pixels.read_tile(0, place[0], place[1], 0, 0, 48, 32), places))

    assert busy.highest["RawPixelsStore"] == 1
    assert busy.widest["RawPixelsStore"] == 2


def test_second_call_waits_for_the_answer_to_the_first(store: Service, busy: BusyServices) -> None:
    calls = [store.begin("read", offset, 10) for offset in range(5)]

    assert [call.result() for call in reversed(calls)] == [bytes(10)] * 5
    assert busy.highest == {"RawFileStore": 1}


def test_threads_wait_for_one_another(store: Service, busy: BusyServices) -> None:
    with ThreadPoolExecutor(8) as pool:
        sizes = set(pool.map(lambda _: store.call("size"), range(24)))

    assert sizes == {6 * BLOCK_BYTES + 1}
    assert busy.highest == {"RawFileStore": 1}


def test_error_of_a_call_is_that_of_its_own_result(store: Service, sandbox: SandboxServer) -> None:
    sandbox.faults.add("RawFileStore.read", Ice.ObjectNotExistException())

    failing, sound = store.begin("read", 0, 10), store.begin("read", 0, 10)

    assert sound.result() == bytes(10)
    with pytest.raises(Ice.ObjectNotExistException):
        failing.result()


@pytest.mark.parametrize("operation", ["setFileId", "size", "read", "close"])
def test_no_store_is_left_open_by_an_error(
    connection: Connection, large: OriginalFile, sandbox: SandboxServer, operation: str
) -> None:
    before = connection.session.activeServices()
    sandbox.faults.add(f"RawFileStore.{operation}", Ice.UnknownException("trouble"))

    with pytest.raises(TransferError, match="trouble"):
        list(iter_blocks(connection, large, ahead=ReadAhead(4, BLOCK_BYTES)))

    left = set(connection.session.activeServices()) - set(before)
    # where closing itself fails, that one store is all that is left
    assert len(left) == (operation == "close")


@pytest.mark.parametrize("operation", ["getFileId", "write", "close"])
def test_no_uploader_is_left_open_by_an_error(
    connection: Connection, memory_source: Any, sandbox: SandboxServer, operation: str
) -> None:
    _ = connection.managed_repository
    before = connection.session.activeServices()
    source = memory_source({FAKE: b""} | {f"{number}.bin": b"x" for number in range(9)})
    sandbox.faults.add(f"RawFileStore.{operation}", Ice.UnknownException("trouble"))

    with pytest.raises(TransferError, match="trouble"):
        FilesetImport(connection, source.unit, 0).run(source)

    left = set(connection.session.activeServices()) - set(before)
    assert len(left) == (operation == "close")


def test_uploader_that_the_server_does_not_open_is_told(
    connection: Connection, memory_source: Any, sandbox: SandboxServer
) -> None:
    sandbox.faults.change("ImportProcess.getUploader", lambda _: None, 1)

    with pytest.raises(TransferError, match=r"Sending a&.* opened no store for the file"):
        write(connection, memory_source({FAKE: b""}))


def test_first_failing_file_ends_an_import_and_is_told(
    connection: Connection, memory_source: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = memory_source({FAKE: b""} | {f"{number}.bin": b"x" * 100 for number in range(50)})
    asked: list[str] = []
    original: Callable[..., Iterator[bytes]] = source.blocks

    def broken(file: OriginalFile) -> Iterator[bytes]:
        asked.append(file.path)
        if file.path == "5.bin":
            raise IntegrityError("5.bin is damaged")
        yield from original(file)

    monkeypatch.setattr(source, "blocks", broken)

    with pytest.raises(IntegrityError, match=r"5\.bin is damaged"):
        write(connection, source)

    assert len(asked) < 51
    assert connection.query.findAll("Fileset", None, connection.context()) == []


def test_pixels_whose_first_answer_fails_leave_no_store(
    connection: Connection, sandbox: SandboxServer, tmp_path: Path
) -> None:
    data = real_input.multi_series(tmp_path)
    images = seed.import_fileset(connection.client, data.folder, data.files).images
    before = connection.session.activeServices()
    sandbox.faults.add("RawPixelsStore.getTileSize", Ice.ObjectNotExistException())

    with pytest.raises(LinkLostError):
        ServerPixels(connection, ObjectRef("Image", images[0]))

    assert connection.session.activeServices() == before


def test_every_tile_arrives_while_the_pool_of_stores_is_shared(
    connection: Connection, tmp_path: Path
) -> None:
    data = real_input.multi_series(tmp_path)
    images = seed.import_fileset(connection.client, data.folder, data.files).images
    expected = data.series[1].pixels()

    with (
        closing(ServerPixels(connection, ObjectRef("Image", images[1]), stores=1)) as pixels,
        ThreadPoolExecutor(6) as pool,
    ):
        tiles = list(pool.map(lambda z: pixels.read_tile(0, 0, z, 0, 0, 48, 32), [0, 1, 2, 3] * 6))

    assert all(np.array_equal(tile, expected[0, 0, z % 4]) for z, tile in enumerate(tiles))
