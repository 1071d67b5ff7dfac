"""The central directory of a zip, checked against the members it describes.

Parsed here and not by ``zipfile``, which trusts the directory alone: two programs that read one archive
differently are how checks are got around. Structures and names are those of PKWARE's APPNOTE 6.3.
"""

from __future__ import annotations

import stat
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.archives.base import Limits, check_count, unsafe_member
from omero_rocrate_transfer.crate.archives.zip_names import (
    UNICODE_PATH,
    decode_foreign,
    decode_name,
    iter_extras,
)
from omero_rocrate_transfer.model.errors import UnsafeCrateError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omero_rocrate_transfer.crate.archives.input import Input

STORED: Final = 0
DEFLATED: Final = 8

_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_FULL16: Final = 0xFFFF
_FULL32: Final = 0xFFFFFFFF
_UNIX: Final = 3
#: Flags: bits 1 and 2 tell the compression level, bit 3 sizes behind the data, bit 11 names in UTF-8.
_HARMLESS_FLAGS: Final = 0x0806 | 0x0008
_SIZES_BEHIND: Final = 0x0008
_ZIP64: Final = 0x0001
#: Extra fields that give a member another name (Info-ZIP Unicode path) or encryption (AES, strong).
_REFUSED_EXTRAS: Final = {UNICODE_PATH, 0x9901, 0x0017}
#: A folder that was deflated, as Java's and Python's writers do, has the two bytes of an empty stream.
_EMPTY_BYTES: Final = 5
#: Sizes behind the data: with and without signature, of 4 or 8 bytes each.
_DESCRIPTOR_BYTES: Final = {12, 16, 20, 24}


@dataclass(frozen=True, slots=True)
class Entry:
    """One member, as the central directory has it."""

    name: str
    flags: int
    method: int
    crc: int
    compressed_bytes: int
    size_bytes: int
    #: Of the local header.
    offset: int
    is_folder: bool
    #: As the archive has it.
    raw_name: bytes
    #: Whether it is a link or device.
    is_special: bool = False


@dataclass(frozen=True, slots=True)
class _Directory:
    count: int
    size_bytes: int
    offset: int


def read_entries(file: Input, limits: Limits, *, foreign: bool = False) -> Iterator[tuple[Entry, int]]:
    """Yield every member with the place of its data, in the order of the archive.

    Parameters
    ----------
    foreign
        Whether names may be encoded as other programs do, and members may be links.

    Raises
    ------
    UnsafeCrateError
        The directory is damaged, does not match the members, members overlap or leave gaps, or one is of
        a kind that is not allowed.
    """
    directory = _find_directory(file)
    check_count(directory.count, limits)
    entries = sorted(_iter_central(file, directory, limits, foreign=foreign), key=lambda entry: entry.offset)
    place, behind = 0, False
    for entry in entries:
        _check_gap(entry.offset - place, may_be_sizes=behind)
        data = _check_local(file, entry, foreign=foreign)
        yield entry, data
        place, behind = data + entry.compressed_bytes, bool(entry.flags & _SIZES_BEHIND)
    _check_gap(directory.offset - place, may_be_sizes=behind)


def _find_directory(file: Input) -> _Directory:
    tail_size = min(file.size_bytes, _END.size + _FULL16)
    tail = file.read_at(file.size_bytes - tail_size, tail_size)
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or place + _END.size > tail_size:
        raise broken("has no end")
    _, disk, start_disk, here, count, size, offset, comment = _END.unpack_from(tail, place)
    if place + _END.size + comment != tail_size:
        raise broken("holds something behind its end")
    end = file.size_bytes - tail_size + place
    found = _Directory(count, size, offset)
    locator = end - _END64_LOCATOR.size
    if locator >= 0 and file.read_at(locator, 4) == b"PK\x06\x07":
        found, end = _read_end64(file, locator, found)
    elif (disk, start_disk, here) != (0, 0, count):
        raise broken("is one part of several")
    if found.offset + found.size_bytes != end or found.size_bytes < found.count * _CENTRAL.size:
        raise broken("has a directory that is not where it should be")
    return found


def _read_end64(file: Input, locator: int, plain: _Directory) -> tuple[_Directory, int]:
    _, disk, place, disks = _END64_LOCATOR.unpack(file.read_at(locator, _END64_LOCATOR.size))
    if disk != 0 or disks > 1 or place + _END64.size != locator:
        raise broken("has a ZIP64 end that is not where it should be")
    signature, size, _, _, disk, start_disk, here, count, directory, offset = _END64.unpack(
        file.read_at(place, _END64.size)
    )
    if signature != b"PK\x06\x06" or size != _END64.size - 12 or (disk, start_disk, here) != (0, 0, count):
        raise broken("has a damaged ZIP64 end")
    found = _Directory(count, directory, offset)
    for old, new, full in (
        (plain.count, count, _FULL16),
        (plain.size_bytes, directory, _FULL32),
        (plain.offset, offset, _FULL32),
    ):
        if old not in {new, full}:
            raise broken("has two ends that differ")
    return found, place


def _iter_central(file: Input, directory: _Directory, limits: Limits, *, foreign: bool) -> Iterator[Entry]:
    place, end = directory.offset, directory.offset + directory.size_bytes
    for _ in range(directory.count):
        if place + _CENTRAL.size > end:
            raise broken("has a directory that is too short")
        fields = _CENTRAL.unpack(file.read_at(place, _CENTRAL.size))
        name_size, extra_size, comment_size = fields[10:13]
        next_place = place + _CENTRAL.size + name_size + extra_size + comment_size
        if fields[0] != b"PK\x01\x02" or next_place > end:
            raise broken("has a damaged directory")
        rest = file.read_at(place + _CENTRAL.size, name_size + extra_size)
        yield _make_entry(fields, rest[:name_size], rest[name_size:], limits, foreign=foreign)
        place = next_place
    if place != end:
        raise broken("has a directory that is too long")


def _make_entry(
    fields: tuple[int, ...], raw_name: bytes, extra: bytes, limits: Limits, *, foreign: bool
) -> Entry:
    (_, made_by, _, flags, method, _, _, crc, compressed, size, _, _, _, disk, _, attributes, offset) = fields
    name = decode_foreign(raw_name, flags, extra) if foreign else decode_name(raw_name, flags)
    wide = _parse_zip64(name, extra, (size, compressed, offset), foreign=foreign)
    size, compressed, offset = wide
    if disk != 0 or flags & ~_HARMLESS_FLAGS or method not in {STORED, DEFLATED}:
        raise unsafe_member(name, "is encrypted, or packed in a way that is not allowed")
    kind = stat.S_IFMT(attributes >> 16) if made_by >> 8 == _UNIX else 0
    is_folder = name.endswith("/")
    is_special = kind not in {0, stat.S_IFDIR if is_folder else stat.S_IFREG}
    if is_special and not foreign:
        raise unsafe_member(name, "is a link or device; only files and folders are allowed")
    if is_folder and (size or compressed > _EMPTY_BYTES):
        raise unsafe_member(name, "is a folder that holds data")
    if method == STORED and size != compressed:
        raise unsafe_member(name, "has two sizes")
    if size > limits.min_ratio_bytes and size > compressed * limits.max_ratio:
        raise unsafe_member(name, f"would grow more than {limits.max_ratio} times")
    return Entry(
        name=name,
        flags=flags,
        method=method,
        crc=crc,
        compressed_bytes=compressed,
        size_bytes=size,
        offset=offset,
        is_folder=is_folder,
        raw_name=raw_name,
        is_special=is_special,
    )


def _parse_zip64(
    name: str, extra: bytes, values: tuple[int, ...], *, foreign: bool = False
) -> tuple[int, ...]:
    """Replace each value that is full by the next one of the ZIP64 extra field."""
    wide = _find_zip64(name, extra, foreign=foreign)
    found = []
    for value in values:
        if value == _FULL32:
            if len(wide) < 8:
                raise unsafe_member(name, "lacks its size")
            value, wide = int.from_bytes(wide[:8], "little"), wide[8:]  # noqa: PLW2901 - the wide value replaces it
        found.append(value)
    return tuple(found)


def _find_zip64(name: str, extra: bytes, *, foreign: bool) -> bytes:
    wide = b""
    refused = _REFUSED_EXTRAS - {UNICODE_PATH} if foreign else _REFUSED_EXTRAS
    for kind, data in iter_extras(extra):
        if kind is None:
            raise unsafe_member(name, "has a damaged extra field")
        if kind in refused or (kind == _ZIP64 and wide):
            raise unsafe_member(name, "has an extra field that is not allowed")
        if kind == _ZIP64:
            wide = data
    return wide


def _check_gap(gap: int, *, may_be_sizes: bool) -> None:
    if gap and not (may_be_sizes and gap in _DESCRIPTOR_BYTES):
        raise broken("has members that overlap, or something between them")


def _check_local(file: Input, entry: Entry, *, foreign: bool) -> int:
    """Compare the header before the data with the directory, and return the place of the data."""
    if entry.offset + _LOCAL.size > file.size_bytes:
        raise broken("has a member behind its end")
    fields = _LOCAL.unpack(file.read_at(entry.offset, _LOCAL.size))
    signature, _, flags, method, _, _, crc, compressed, size, name_size, extra_size = fields
    rest_size = min(name_size + extra_size, file.size_bytes - entry.offset - _LOCAL.size)
    rest = file.read_at(entry.offset + _LOCAL.size, rest_size)
    size, compressed = _parse_zip64(entry.name, rest[name_size:], (size, compressed), foreign=foreign)
    expected = (entry.crc, entry.compressed_bytes, entry.size_bytes)
    allowed = {expected, (0, 0, 0)} if entry.flags & _SIZES_BEHIND else {expected}
    if (
        (signature, flags, method) != (b"PK\x03\x04", entry.flags, entry.method)
        or rest[:name_size] != entry.raw_name
        or (crc, compressed, size) not in allowed
    ):
        raise unsafe_member(entry.name, "differs between the directory of the zip and its own header")
    return entry.offset + _LOCAL.size + int(name_size + extra_size)


def broken(reason: str) -> UnsafeCrateError:
    """Return the error for a zip that is not well-formed."""
    return UnsafeCrateError(f"The zip {reason}.", hint="It was changed or damaged; get the crate again.")


def inflate(blocks: Iterator[bytes], block_bytes: int) -> Iterator[bytes]:
    """Decompress a raw DEFLATE stream in blocks of bounded size.

    Raises
    ------
    zlib.error
        The stream is damaged, too short or too long.
    """
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    for compressed in blocks:
        rest = compressed
        while rest and not stream.eof:
            yield stream.decompress(rest, block_bytes)
            rest = stream.unconsumed_tail
        if stream.unused_data:
            raise zlib.error("data behind the end")
    while not stream.eof:
        tail = stream.decompress(stream.unconsumed_tail, block_bytes)
        if not tail:
            raise zlib.error("no end")
        yield tail
