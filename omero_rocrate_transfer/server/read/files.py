"""The bytes of original files, read with several calls in flight and checked on the way."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, Final

import Ice

from omero_rocrate_transfer.model.contents import Omission, OriginalFile, TransferUnit
from omero_rocrate_transfer.model.digests import Hasher, proves_content
from omero_rocrate_transfer.model.errors import DigestMismatchError, IntegrityError, TransferError
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.timeouts import in_flight
from omero_rocrate_transfer.transfer.retry import Attempts

log = logging.getLogger(__name__)

#: The repository gives 64 MB at most (omero-blitz RepoRawFileStoreI.read); this fills the link already.
BLOCK_SIZE: Final = 4 * 1024 * 1024
#: Reads in flight.
WINDOW: Final = 4


def iter_blocks(connection: Connection, file: OriginalFile) -> Iterator[bytes]:
    """Yield the bytes of one original file, at most `WINDOW` blocks ahead.

    Raises
    ------
    IntegrityError
        Before the first block where the file on the server's disk has not the size of the database;
        after the last one where a digest differs.
    """
    doing = f"Reading OriginalFile:{file.key} ({file.path})"
    hasher = Hasher(digest.algorithm for digest in file.digests)
    attempts = Attempts(connection.retry)
    while hasher.size_bytes < file.size_bytes or not hasher.size_bytes:
        try:
            for block in _iter_from(connection, file, hasher.size_bytes, doing):
                hasher.update(block)
                attempts.progressed()
                yield block
            break
        except TransferError as error:
            # comes back on a new connection, or raises; what was read already is not read again
            attempts.failed(error)
    _check_digests(file, hasher)


def _iter_from(connection: Connection, file: OriginalFile, start: int, doing: str) -> Iterator[bytes]:
    """Yield the bytes of a file from an offset on."""
    with _open_store(connection, file, doing) as store, server_errors(doing):
        # Past the end, the server answers with zeros and no error (RawFileBean.read): never ask for that.
        context = connection.context()
        size = store.size(context)
        if size != file.size_bytes:
            raise IntegrityError(
                f"{file.path}: {size} bytes on the server's disk, {file.size_bytes} in its database.",
                hint=f"OriginalFile:{file.key} is damaged; restore it on its server.",
            )
        with (
            in_flight(store, connection.limit_ms) as reader,
            closing(_windowed(reader, start, size, context)) as blocks,
        ):
            yield from blocks


def find_unverifiable(units: Iterable[TransferUnit]) -> Iterator[Omission]:
    """Yield the digests that the server does not have, for files whose content can then not be checked.

    Imports with ``--skip checksum`` leave File-Size-64 (omero-py plugins/import.py), very old ones nothing.
    """
    weak: Counter[str] = Counter()
    for unit in units:
        for file in unit.files:
            names = [digest.algorithm for digest in file.digests]
            if not any(map(proves_content, names)):
                weak[names[0] if names else "no digest"] += 1
                log.info("OriginalFile:%s (%s) of %s: not verifiable", file.key, file.path, unit.ref)
    for name, number in sorted(weak.items()):
        reason = f"not verifiable: of these files the server has {name}, which does not prove their content"
        yield Omission(type="Digest", count=number, reason=reason, on_request=True)


def stored_size(connection: Connection, number: int, path: str) -> int:
    """Return the size in bytes on the server's disk of an OriginalFile whose size the database lacks."""
    doing = f"Reading the size of OriginalFile:{number} ({path})"
    with (
        _open_store(connection, OriginalFile(key=str(number), path=path, size_bytes=0), doing) as store,
        server_errors(doing),
    ):
        return int(store.size(connection.context()))


@contextmanager
def _open_store(connection: Connection, file: OriginalFile, doing: str) -> Iterator[Any]:
    # Files of any group are readable under this context, and never writable.
    context = connection.context()
    with server_errors(doing):
        store = connection.session.createRawFileStore()
    try:
        with server_errors(doing):
            store.setFileId(int(file.key), context)
        yield store
    except BaseException:
        # What happened first is what matters.
        with suppress(Ice.Exception):
            store.close(context)
        raise
    with server_errors(doing):
        store.close(context)


def _windowed(store: Any, start: int, size: int, context: dict[str, str]) -> Generator[bytes]:
    flying: deque[tuple[Any, int]] = deque()
    offsets = iter(range(start, size, BLOCK_SIZE))
    try:
        while True:
            for offset in offsets:
                length = min(BLOCK_SIZE, size - offset)
                flying.append((store.begin_read(offset, length, _ctx=context), length))
                if len(flying) == WINDOW:
                    break
            if not flying:
                return
            yield _landed(store, *flying.popleft())
    finally:
        # The store must not be closed under calls that are still on their way.
        for result, _ in flying:
            result.waitForCompleted()


def _landed(store: Any, result: Any, length: int) -> bytes:
    block: bytes = store.end_read(result)
    if len(block) != length:
        raise IntegrityError(f"The server answered with {len(block)} bytes where {length} were asked for.")
    return block


def _check_digests(file: OriginalFile, hasher: Hasher) -> None:
    found = hasher.digests()
    for expected in file.digests:
        # Algorithms that nobody here computes are missing from what was found.
        if found.get(expected.algorithm, expected) != expected:
            raise DigestMismatchError(
                file.path,
                expected=expected,
                found=found[expected.algorithm],
                hint=f"OriginalFile:{file.key} is damaged; restore it on its server.",
            )
