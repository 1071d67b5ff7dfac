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
from omero_rocrate_transfer.crate.names import find_oddity, parse_path
from omero_rocrate_transfer.model.errors import UnsafeCrateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK: Final = tarfile.BLOCKSIZE
_FILE_TYPES: Final = {tarfile.REGTYPE, tarfile.AREGTYPE}
_EXTENSIONS: Final = {tarfile.XHDTYPE, tarfile.XGLTYPE}
#: Headers of GNU tar that hold the long name of the next member, or of what it links to.
_LONG_NAMES: Final = {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
_MAX_EXTENSION_BYTES: Final = 1 << 16
#: Extended attributes of other programs, such as icons.
_MAX_FOREIGN_BYTES: Final = 1 << 20
#: Records of an extension header that change neither name nor size nor content (POSIX pax).
_HARMLESS: Final = {b"atime", b"comment", b"ctime", b"gid", b"gname", b"mtime", b"uid", b"uname"}
#: Records of other programs that give a member another content.
_SPARSE: Final = b"GNU.sparse."
_RECORD = re.compile(rb"(\d{1,7}) ([^=\n]+)=")


class TarReader:
    """A tar; reads members where they lie."""

    def __init__(self, path: Path, limits: Limits, *, foreign: bool = False) -> None:
        self._foreign = foreign
        self.passed_over: dict[str, str] = {}
        #: What extension headers say of the next member, by the key of the record.
        self._next: dict[bytes, bytes] = {}
        self._input = Input(path)
        self._limits = limits
        self.sizes: dict[str, int] = {}
        self._offsets: dict[str, int] = {}
        self._folders: set[str] = set()
        try:
            self._scan()
            check_sizes(self.sizes, limits, None if foreign else self._folders)
        except BaseException:
            self.close()
            raise

    def iter_blocks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of one file."""
        return self._input.iter_at(self._offsets[name], self.sizes[name])

    def read(self, name: str, start: int, stop: int) -> bytes:
        """Return some bytes of one file."""
        return self._input.read_at(self._offsets[name] + start, stop - start)

    def checksum(self, name: str) -> None:
        """Return nothing: a tar has no checksums of its files."""
        del name

    def close(self) -> None:
        """Close the archive."""
        self._input.close()

    def _scan(self) -> None:
        offset = count = 0
        while (header := self._read_header(offset)) is not None:
            count += 1
            check_count(count, self._limits)
            data = offset + _BLOCK
            if header.type not in _LONG_NAMES and header.type not in _EXTENSIONS and b"size" in self._next:
                header.size = _parse_size(self._next[b"size"])
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
            errors = "surrogateescape" if self._foreign else "strict"
            return tarfile.TarInfo.frombuf(block, "utf-8", errors)
        except (tarfile.HeaderError, UnicodeDecodeError, ValueError) as error:
            raise _broken("has a damaged header") from error

    def _take(self, header: tarfile.TarInfo, data: int) -> None:
        if header.type in _EXTENSIONS:
            self._check_extension(header, data)
            return
        if self._foreign:
            self._take_foreign(header, data)
            return
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

    def _take_foreign(self, header: tarfile.TarInfo, data: int) -> None:
        """Take a member that another program wrote: its name may stand in a header before it."""
        if header.type in _LONG_NAMES:
            if header.size > _MAX_EXTENSION_BYTES:
                raise unsafe_member(header.name, "is an extension header that is too long")
            if header.type == tarfile.GNUTYPE_LONGNAME:
                self._next[b"path"] = self._input.read_at(data, header.size).rstrip(b"\0")
            return
        said, self._next = self._next, {}
        if said.get(b"path"):
            header.name = said[b"path"].decode("utf-8", "surrogateescape")
        name = header.name.removeprefix("./").rstrip("/")
        if header.type == tarfile.DIRTYPE or name in {"", "."}:
            return
        reason = find_oddity(name)
        if reason is None and (header.type == tarfile.GNUTYPE_SPARSE or any(map(_is_sparse, said))):
            reason = "it is stored as a sparse file"
        elif reason is None and header.type not in {*_FILE_TYPES, tarfile.CONTTYPE}:
            reason = "it is a link or device"
        if reason is not None:
            self.passed_over[name] = reason
        elif name in self.sizes:
            raise unsafe_member(name, "occurs a second time")
        else:
            self.sizes[name] = header.size
            self._offsets[name] = data

    def _take_folder(self, name: str) -> None:
        if name in self._folders:
            raise unsafe_member(name, "occurs a second time")
        self._folders.add(name)

    def _check_extension(self, header: tarfile.TarInfo, data: int) -> None:
        if header.size > (_MAX_FOREIGN_BYTES if self._foreign else _MAX_EXTENSION_BYTES):
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
            if self._foreign and header.type == tarfile.XHDTYPE:
                self._next[match[2]] = records[match.end() : length - 1]
            elif match[2] not in _HARMLESS and not self._foreign:
                raise unsafe_member(header.name, f"is an extension header that sets {match[2][:40]!a}")
            records = records[length:]

    def _check_end(self, offset: int) -> None:
        rest = self._input.size_bytes - offset
        if rest > BLOCK_BYTES or any(self._input.read_at(offset, rest)):
            raise _broken("holds something behind its end")


def _is_sparse(key: bytes) -> bool:
    return key.startswith(_SPARSE)


def _parse_size(digits: bytes) -> int:
    if not re.fullmatch(rb"\d{1,19}", digits):
        raise _broken("has a member with a size that is not a number")
    return int(digits)


def _broken(reason: str) -> UnsafeCrateError:
    return UnsafeCrateError(f"The tar {reason}.", hint="It was changed or damaged; get the crate again.")
