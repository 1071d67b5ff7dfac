"""Bytes of original files, exactly and with several reads in flight."""

from collections import Counter
from dataclasses import replace
from hashlib import sha1
from pathlib import Path
from typing import Any

import Ice
import pytest

from omero_rocrate_transfer.model.contents import OriginalFile
from omero_rocrate_transfer.model.digests import Digest
from omero_rocrate_transfer.model.errors import (
    DigestMismatchError,
    IntegrityError,
    LinkLostError,
    NotFoundError,
)
from omero_rocrate_transfer.server.read.files import iter_blocks
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.streams import SPARE_STORES, ReadAhead
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import real_input, seed


@pytest.fixture
def upload(connection: Connection, tmp_path: Path) -> Any:
    """Put bytes on the server: ``upload(data)`` gives the `OriginalFile`."""

    def put(data: bytes) -> OriginalFile:
        path = tmp_path / "data.bin"
        path.write_bytes(data)
        annotation = seed.attachment(connection.client, path, "application/octet-stream")
        found = connection.query.get("FileAnnotation", annotation.id.val)
        digest = Digest("SHA1-160", sha1(data, usedforsecurity=False).hexdigest())
        return OriginalFile(
            key=str(found.file.id.val), path="data.bin", size_bytes=len(data), digests=(digest,)
        )

    return put


def pattern(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 4000, 5001])
@pytest.mark.parametrize("stores", [1, 2, 4])
def test_blocks_add_up_to_the_file_at_any_size(
    connection: Connection, upload: Any, size: int, stores: int
) -> None:
    file = upload(pattern(size))

    blocks = list(iter_blocks(connection, file, ahead=ReadAhead(stores, 1000)))

    assert b"".join(blocks) == pattern(size)
    assert all(blocks)
    assert max(map(len, blocks), default=0) <= 1000


def test_stores_are_closed_when_done_when_failed_and_when_left(connection: Connection, upload: Any) -> None:
    ahead = ReadAhead(stores=4, block_bytes=100)
    file = upload(pattern(1000))
    before = connection.session.activeServices()

    list(iter_blocks(connection, file, ahead=ahead))
    with pytest.raises(IntegrityError):
        list(iter_blocks(connection, replace(file, size_bytes=999), ahead=ahead))
    half_way = iter_blocks(connection, file, ahead=ahead)
    next(half_way)
    half_way.close()  # type: ignore[attr-defined]

    assert connection.session.activeServices() == before


def test_size_that_differs_from_the_database_is_told_before_any_byte(
    connection: Connection, upload: Any, sandbox: SandboxServer
) -> None:
    file = replace(upload(pattern(50)), size_bytes=60)
    before = Counter(sandbox.calls)

    with pytest.raises(IntegrityError, match=r"50 bytes on the server's disk, 60 in its database"):
        next(iter_blocks(connection, file))

    assert (sandbox.calls - before)["RawFileStore.read"] == 0


def test_damaged_file_is_told_with_both_digests(connection: Connection, upload: Any) -> None:
    file = upload(pattern(50))
    promised = Digest("SHA1-160", "0" * 40)

    with pytest.raises(DigestMismatchError, match=r"data\.bin: SHA1-160 is .*, expected 0000") as caught:
        list(iter_blocks(connection, replace(file, digests=(promised,))))

    assert caught.value.hint == f"OriginalFile:{file.key} is damaged; restore it on its server."


def test_digest_that_nobody_computes_is_passed_over(connection: Connection, upload: Any) -> None:
    file = replace(upload(b"abc"), digests=(Digest("Murmur3-32", "fa93ddb3"),))

    assert list(iter_blocks(connection, file)) == [b"abc"]


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [("CRC-32", "c2412435"), ("Adler-32", "27014d02"), ("File-Size-64", "0300000000000000")],
)
def test_other_algorithms_of_omero_are_checked(
    connection: Connection, upload: Any, algorithm: str, value: str
) -> None:
    file = upload(b"abc")

    assert list(iter_blocks(connection, replace(file, digests=(Digest(algorithm, value),)))) == [b"abc"]
    with pytest.raises(DigestMismatchError):
        list(iter_blocks(connection, replace(file, digests=(Digest(algorithm, value[::-1]),))))


def test_missing_file_is_not_found(connection: Connection) -> None:
    with pytest.raises(NotFoundError, match="OriginalFile:4711"):
        list(iter_blocks(connection, OriginalFile(key="4711", path="x", size_bytes=1)))


@pytest.mark.parametrize("fault", [Ice.ConnectionLostException(), Ice.ObjectNotExistException()])
@pytest.mark.parametrize("operation", ["setFileId", "size", "read", "close"])
def test_link_that_breaks_at_any_call_is_a_lost_link(
    connection: Connection, upload: Any, sandbox: SandboxServer, operation: str, fault: Exception
) -> None:
    file = upload(pattern(50))
    sandbox.faults.add(f"RawFileStore.{operation}", fault, times=10)

    with pytest.raises(LinkLostError, match="OriginalFile"):
        list(iter_blocks(connection, file))


def test_no_more_is_read_ahead_than_there_are_stores(
    connection: Connection, upload: Any, sandbox: SandboxServer
) -> None:
    file = upload(pattern(1000))
    before = Counter(sandbox.calls)

    blocks = iter_blocks(connection, file, ahead=ReadAhead(stores=4, block_bytes=10))
    next(blocks)
    blocks.close()  # type: ignore[attr-defined]

    # one was given out, and four are on their way
    assert (sandbox.calls - before)["RawFileStore.read"] <= 5


def test_files_read_at_the_same_time_share_a_number_of_stores(
    connection: Connection, upload: Any, sandbox: SandboxServer
) -> None:
    file, before = upload(pattern(1000)), len(connection.session.activeServices())
    ahead = ReadAhead(stores=8, block_bytes=10)

    readers = [iter_blocks(connection, file, ahead=ahead) for _ in range(4)]
    for reader in readers:
        next(reader)
    opened = len(connection.session.activeServices()) - before
    contents = [b"".join(reader) for reader in readers]

    assert opened == 4 + SPARE_STORES
    assert contents == [pattern(1000)[10:]] * 4
    assert len(connection.session.activeServices()) == before


@pytest.mark.parametrize("in_repository", [False, True])
def test_file_outside_the_repository_is_read_wherever_it_is_looked_for(
    connection: Connection, upload: Any, in_repository: bool
) -> None:
    file = upload(pattern(1000))

    blocks = iter_blocks(connection, file, in_repository=in_repository, ahead=ReadAhead(4, 100))

    assert b"".join(blocks) == pattern(1000)


def test_imported_file_is_read_through_the_repository(
    connection: Connection, sandbox: SandboxServer, tmp_path: Path
) -> None:
    data = real_input.multi_series(tmp_path)
    seed.import_fileset(connection.client, data.folder, data.files)
    file = connection.query.findByQuery("select f from FilesetEntry e join e.originalFile f", None)
    content = (data.folder / data.files[0]).read_bytes()
    digest = Digest("SHA1-160", sha1(content, usedforsecurity=False).hexdigest())
    record = OriginalFile(key=str(file.id.val), path="x", size_bytes=len(content), digests=(digest,))
    before = Counter(sandbox.calls)

    blocks = iter_blocks(connection, record, in_repository=True, ahead=ReadAhead(4, 1000))

    assert b"".join(blocks) == content
    assert (sandbox.calls - before)["ManagedRepository.fileById"] == 4
    assert (sandbox.calls - before)["ServiceFactory.createRawFileStore"] == 0
