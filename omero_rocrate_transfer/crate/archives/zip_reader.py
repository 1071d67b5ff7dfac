"""Reads a crate that is a zip, in place."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from omero_rocrate_transfer.crate.archives.base import (
    BLOCK_BYTES,
    Limits,
    check_sizes,
    counted,
    cut,
    unsafe_member,
)
from omero_rocrate_transfer.crate.archives.input import Input
from omero_rocrate_transfer.crate.archives.zip_directory import DEFLATED, Entry, inflate, read_entries
from omero_rocrate_transfer.crate.names import find_oddity, parse_path
from omero_rocrate_transfer.model.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class ZipReader:
    """A zip; reads members where they lie."""

    def __init__(self, path: Path, limits: Limits, *, foreign: bool = False) -> None:
        self._foreign = foreign
        self.passed_over: dict[str, str] = {}
        self._input = Input(path)
        self.sizes: dict[str, int] = {}
        #: Place of the data, compressed size, method and CRC-32, by name.
        self._members: dict[str, tuple[int, int, int, int]] = {}
        self._folders: set[str] = set()
        try:
            for entry, data in read_entries(self._input, limits, foreign=foreign):
                self._take(entry, data)
            check_sizes(self.sizes, limits, None if foreign else self._folders)
        except BaseException:
            self.close()
            raise

    def iter_blocks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of one file, and compare their CRC-32 with the zip's after the last one."""
        data, compressed_bytes, method, expected = self._members[name]
        blocks = self._input.iter_at(data, compressed_bytes)
        if method == DEFLATED:
            blocks = inflate(blocks, BLOCK_BYTES)
        crc = 0
        try:
            for block in counted(name, self.sizes[name], blocks):
                crc = zlib.crc32(block, crc)
                yield block
        except zlib.error as error:
            raise _damaged(name) from error
        if crc != expected:
            raise _damaged(name)

    def read(self, name: str, start: int, stop: int) -> bytes:
        """Return some bytes of one file; where it is compressed, all before them is read too."""
        data, compressed_bytes, method, _ = self._members[name]
        if method != DEFLATED:
            return self._input.read_at(data + start, stop - start)
        try:
            blocks = inflate(self._input.iter_at(data, compressed_bytes), BLOCK_BYTES)
            return cut(counted(name, self.sizes[name], blocks), start, stop)
        except zlib.error as error:
            raise _damaged(name) from error

    def checksum(self, name: str) -> bytes:
        """Return the CRC-32 of a file."""
        return self._members[name][3].to_bytes(4, "big")

    def close(self) -> None:
        """Close the archive."""
        self._input.close()

    def _take(self, entry: Entry, data: int) -> None:
        name = entry.name.removesuffix("/")
        if not self._foreign:
            parse_path(name)
        else:
            name = name.removeprefix("./")
            oddity = find_oddity(name)
            if oddity is None and entry.is_special and not entry.is_folder:
                oddity = "it is a link or device"
            if oddity is not None and not entry.is_folder:
                self.passed_over[name] = oddity
                return
        taken = self._folders if entry.is_folder else self.sizes
        if name in taken and not (self._foreign and entry.is_folder):
            raise unsafe_member(name, "occurs a second time")
        if entry.is_folder:
            self._folders.add(name)
            return
        self.sizes[name] = entry.size_bytes
        self._members[name] = (data, entry.compressed_bytes, entry.method, entry.crc)


def _damaged(name: str) -> IntegrityError:
    return IntegrityError(f"{name} is damaged within the zip.", hint="Get the crate again from its source.")
