"""The members of a crate as Zarr stores: one that writes each key once, one that only reads.

The methods are documented by `zarr.abc.store.Store`.
"""
# ruff: noqa: ARG002, D102

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Protocol

from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.core.buffer import Buffer, BufferPrototype

from omero_rocrate_transfer.crate.ome_zarr.nodes import MAX_JSON_BYTES, METADATA

#: Takes one finished member of a crate: its name and all its bytes. Must be safe to call from any thread.
WriteMember = Callable[[str, bytes], None]


class Members(Protocol):
    """Files below one folder of a crate, to be read at random."""

    def names(self, prefix: str = "") -> Iterable[str]:
        """Return the names of all files that begin so, relative to the folder, with ``/``."""
        ...

    def size(self, name: str) -> int | None:
        """Return the size in bytes, or None where there is no such file."""
        ...

    def read(self, name: str, start: int, stop: int) -> bytes:
        """Return bytes ``start`` to ``stop`` (exclusive) of a file; they must exist."""
        ...


class _MemberStore(Store):
    """What both stores share; listing and deleting only where a subclass can."""

    @property
    def supports_deletes(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    def __str__(self) -> str:
        """Return what stands for the store in messages of zarr's, which would show its address."""
        return "store"

    async def delete(self, key: str) -> None:
        raise NotImplementedError(f"{key}: members of a crate are never deleted")

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return [await self.get(key, prototype, request) for key, request in key_ranges]


class WriteOnceStore(_MemberStore):
    """Hands every key on as it comes, and keeps none: nothing is staged, nothing is written twice.

    Parameters
    ----------
    write
        Takes the members.
    prefix
        Put before each key, e.g. ``"image205.ome.zarr/"``.
    """

    def __init__(self, write: WriteMember, prefix: str) -> None:
        super().__init__(read_only=False)
        self._write = write
        self._prefix = prefix
        self._written: set[str] = set()

    @property
    def supports_writes(self) -> bool:
        return True

    @property
    def supports_listing(self) -> bool:
        return False

    async def set(self, key: str, value: Buffer) -> None:
        if key in self._written:
            raise ValueError(f"{self._prefix}{key} was written before: a shard must be written whole")
        self._written.add(key)
        await asyncio.to_thread(self._write, self._prefix + key, value.to_bytes())

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        if key in self._written:
            raise ValueError(f"{self._prefix}{key} was written before: it cannot be read back")
        return None

    async def exists(self, key: str) -> bool:
        return key in self._written

    def list(self) -> AsyncIterator[str]:
        raise NotImplementedError("members that are written cannot be listed")

    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        raise NotImplementedError("members that are written cannot be listed")

    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        raise NotImplementedError("members that are written cannot be listed")


class ReadOnlyStore(_MemberStore):
    """Reads the members of a crate, in the folder, zip or tar where they are."""

    def __init__(self, members: Members) -> None:
        super().__init__(read_only=True)
        self._members = members

    @property
    def supports_writes(self) -> bool:
        return False

    @property
    def supports_listing(self) -> bool:
        return True

    async def set(self, key: str, value: Buffer) -> None:
        raise NotImplementedError(f"{key}: this store only reads")

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        size = self._members.size(key)
        if size is None:
            return None
        if size > MAX_JSON_BYTES and key.rpartition("/")[2] in METADATA:
            raise ValueError(f"{key} has {size} bytes, more than {MAX_JSON_BYTES}")
        start, stop = _bounds(byte_range, size)
        return prototype.buffer.from_bytes(await asyncio.to_thread(self._members.read, key, start, stop))

    async def exists(self, key: str) -> bool:
        return self._members.size(key) is not None

    async def list(self) -> AsyncIterator[str]:
        for name in self._members.names():
            yield name

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        for name in self._members.names(prefix):
            yield name

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        folder = prefix.rstrip("/") + "/" if prefix else ""
        found = {name[len(folder) :].split("/", 1)[0] for name in self._members.names(folder)}
        for name in sorted(found):
            yield name


def _bounds(request: ByteRequest | None, size: int) -> tuple[int, int]:
    match request:
        case None:
            return 0, size
        case RangeByteRequest():
            return min(request.start, size), min(request.end, size)
        case OffsetByteRequest():
            return min(request.offset, size), size
        case SuffixByteRequest():
            return max(0, size - request.suffix), size
    raise TypeError(f"unknown byte request {request!r}")
