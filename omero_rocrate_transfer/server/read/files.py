"""The bytes of original files, read through several stores at once and checked on the way."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import omero
import omero.clients

from omero_rocrate_transfer.model.contents import Omission, OriginalFile, TransferUnit
from omero_rocrate_transfer.model.digests import Hasher, proves_content
from omero_rocrate_transfer.model.errors import DigestMismatchError, IntegrityError, TransferError
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.stateful import (
    PendingCall,
    Service,
    closing_all,
    open_file_stores,
    open_repository_stores,
)
from omero_rocrate_transfer.server.session.streams import BLOCK_BYTES, ReadAhead, read_ahead
from omero_rocrate_transfer.transfer.retry import Attempts

log = logging.getLogger(__name__)


def iter_blocks(
    connection: Connection,
    file: OriginalFile,
    *,
    in_repository: bool = False,
    ahead: ReadAhead | None = None,
) -> Iterator[bytes]:
    """Yield the bytes of one original file.

    Parameters
    ----------
    in_repository
        Whether to look for it in the managed repository first, where it is read faster.
    ahead
        How much to read ahead; by default what suits its size and the round trip.

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
        stores = _Stores(connection, int(file.key), in_repository=in_repository)
        try:
            for block in _iter_from(stores, file, hasher.size_bytes, doing, ahead):
                hasher.update(block)
                attempts.progressed()
                yield block
            break
        except TransferError as error:
            # comes back on a new connection, or raises; what was read already is not read again
            attempts.failed(error)
    _check_digests(file, hasher)


def _iter_from(
    stores: _Stores, file: OriginalFile, start: int, doing: str, ahead: ReadAhead | None
) -> Iterator[bytes]:
    """Yield the bytes of a file from an offset on."""
    with stores.opened(doing), server_errors(doing):
        # Past the end, the server answers with zeros and no error (RawFileBean.read): never ask for that.
        size = stores.open[0].call("size")
        if size != file.size_bytes:
            raise IntegrityError(
                f"{file.path}: {size} bytes on the server's disk, {file.size_bytes} in its database.",
                hint=f"OriginalFile:{file.key} is damaged; restore it on its server.",
            )
        if size > start:
            ahead = ahead or stores.suitable(size - start)
            stores.add(ahead.stores - 1)
            yield from _in_order(stores.open, start, size, ahead.block_bytes)


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
    stores = _Stores(connection, number, in_repository=False)
    with stores.opened(doing), server_errors(doing):
        return int(stores.open[0].call("size"))


class _Stores:
    """The stores that one file is read through."""

    def __init__(self, connection: Connection, file: int, *, in_repository: bool) -> None:
        self._connection = connection
        self._file = file
        self._in_repository = in_repository
        self._spare = 0
        #: Those that are open, at least one.
        self.open: list[Service] = []

    @contextmanager
    def opened(self, doing: str) -> Iterator[None]:
        """Open one store; close all at the end of the block."""
        try:
            with closing_all(self.open, doing):
                with server_errors(doing):
                    self._open(1)
                yield
        finally:
            for _ in range(self._spare):
                self._connection.spare_stores.release()

    def suitable(self, size_bytes: int) -> ReadAhead:
        """Return how to read so many bytes over this connection."""
        small = size_bytes <= BLOCK_BYTES
        return read_ahead(size_bytes, 0 if small else self._connection.round_trip_s)

    def add(self, count: int) -> None:
        """Open more stores, as far as other files have left some."""
        while self._spare < count and self._connection.spare_stores.acquire(blocking=False):
            self._spare += 1
        if self._spare:
            self._open(self._spare)

    def _open(self, count: int) -> None:
        # Files of any group are readable under this context, and never writable.
        context = self._connection.context()
        if self._in_repository:
            try:
                self.open += open_repository_stores(self._connection, self._file, context, count)
            except omero.SecurityViolation:
                # of another repository; if it is not readable at all, that is told below
                self._in_repository = False
            else:
                return
        self.open += open_file_stores(self._connection, self._file, context, count)


def _in_order(stores: Sequence[Service], start: int, size: int, block_bytes: int) -> Iterator[bytes]:
    """Yield blocks in order, each store busy with one of the next ones meanwhile."""
    offsets = iter(range(start, size, block_bytes))
    pending: deque[tuple[Service, PendingCall, int]] = deque()

    def begin(store: Service, offset: int) -> None:
        length = min(block_bytes, size - offset)
        pending.append((store, store.begin("read", offset, length), length))

    for store, offset in zip(stores, offsets, strict=False):
        begin(store, offset)
    while pending:
        store, call, length = pending.popleft()
        block: bytes = call.result()
        if len(block) != length:
            raise IntegrityError(
                f"The server answered with {len(block)} bytes where {length} were asked for."
            )
        if (after := next(offsets, None)) is not None:
            begin(store, after)
        yield block


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
