"""Reads a crate that is a tar, in place; refuses every extension that gives a member another name or size."""

from __future__ import annotations

import re
import tarfile
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.archives.base import (
    BLOCK_BYTES,
    Limits,
    check_count,
    check_sizes,
    unsafe_member,
)
from omero_rocrate_transfer.crate.archives.input import Input
from omero_rocrate_transfer.crate.names import parse_path
from omero_rocrate_transfer.model.errors import UnsafeCrateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK: Final = tarfile.BLOCKSIZE
_FILE_TYPES: Final = {tarfile.REGTYPE, tarfile.AREGTYPE}
_EXTENSIONS: Final = {tarfile.XHDTYPE, tarfile.XGLTYPE}
_MAX_EXTENSION_BYTES: Final = 1 << 16
#: Records of an extension header that change neither name nor size nor content (POSIX pax).
_HARMLESS: Final = {b"atime", b"comment", b"ctime", b"gid", b"gname", b"mtime", b"uid", b"uname"}
_RECORD = re.compile(rb"(\d{1,5}) ([^=\n]+)=")


class TarReader:
    """A tar; reads members where they lie."""

    def __init__(self, path: Path, limits: Limits, *, long_names: bool = False) -> None:
        self._harmless = _HARMLESS | {b"path"} if long_names else _HARMLESS
        #: Of the next member, where an extension header gave it.
        self._next_name: str | None = None
        self._input = Input(path)
        self._limits = limits
        self.sizes: dict[str, int] = {}
        self._offsets: dict[str, int] = {}
        self._folders: set[str] = set()
        try:
            self._scan()
            check_sizes(self.sizes, limits, self._folders)
        except BaseException:
            self.close()
            raise

    def iter_blocks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of one file."""
        return self._input.iter_at(self._offsets[name], self.sizes[name])

    def read(self, name: str, start: int, stop: int) -> bytes:
        """Return some bytes of one file."""
        return self._input.read_at(self._offsets[name] + start, stop - start)

    def close(self) -> None:
        """Close the archive."""
        self._input.close()

    def _scan(self) -> None:
        offset = count = 0
        while (header := self._read_header(offset)) is not None:
            count += 1
            check_count(count, self._limits)
            data = offset + _BLOCK
            end = data + header.size + -header.size % _BLOCK
            if header.size < 0 or end > self._input.size_bytes:
                raise _broken("has a member that ends behind its end")
            self._take(header, data)
            offset = end
        self._check_end(offset)

    def _read_header(self, offset: int) -> tarfile.TarInfo | None:
        """Return the header at that place, None for the end mark."""
        if offset + 2 * _BLOCK > self._input.size_bytes:
            raise _broken("has no end")
        block = self._input.read_at(offset, _BLOCK)
        if not any(block):
            return None
        if block[257:262] != b"ustar":
            raise _broken("has a header that is not ustar")
        try:
            return tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.HeaderError, UnicodeDecodeError, ValueError) as error:
            raise _broken("has a damaged header") from error

    def _take(self, header: tarfile.TarInfo, data: int) -> None:
        if header.type in _EXTENSIONS:
            self._check_extension(header, data)
            return
        header.name, self._next_name = self._next_name or header.name, None
        name = header.name.removeprefix("./").rstrip("/")
        if header.type == tarfile.DIRTYPE and header.size == 0:
            # "tar -C crate ." starts with the folder itself
            if name not in {"", "."}:
                self._take_folder(parse_path(name))
        elif header.type in _FILE_TYPES and not header.name.endswith("/"):
            if name in self.sizes:
                raise unsafe_member(name, "occurs a second time")
            self.sizes[parse_path(name)] = header.size
            self._offsets[name] = data
        else:
            raise unsafe_member(
                header.name, "is a link, device or extension; only files and folders are allowed"
            )

    def _take_folder(self, name: str) -> None:
        if name in self._folders:
            raise unsafe_member(name, "occurs a second time")
        self._folders.add(name)

    def _check_extension(self, header: tarfile.TarInfo, data: int) -> None:
        if header.size > _MAX_EXTENSION_BYTES:
            raise unsafe_member(header.name, "is an extension header that is too long")
        records = self._input.read_at(data, header.size)
        while records:
            match = _RECORD.match(records)
            length = int(match[1]) if match else 0
            if (
                match is None
                or not match.end() < length <= len(records)
                or records[length - 1 : length] != b"\n"
            ):
                raise unsafe_member(header.name, "is a damaged extension header")
            if match[2] == b"path" in self._harmless and header.type == tarfile.XHDTYPE:
                self._next_name = _decode(records[match.end() : length - 1], header)
            elif match[2] not in _HARMLESS:
                raise unsafe_member(header.name, f"is an extension header that sets {match[2][:40]!a}")
            records = records[length:]

    def _check_end(self, offset: int) -> None:
        rest = self._input.size_bytes - offset
        if rest > BLOCK_BYTES or any(self._input.read_at(offset, rest)):
            raise _broken("holds something behind its end")


def _decode(name: bytes, header: tarfile.TarInfo) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise unsafe_member(header.name, "is an extension header with a name that is not UTF-8") from None


def _broken(reason: str) -> UnsafeCrateError:
    return UnsafeCrateError(f"The tar {reason}.", hint="It was changed or damaged; get the crate again.")
