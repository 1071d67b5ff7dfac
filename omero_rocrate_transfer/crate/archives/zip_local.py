"""Headers before the members of a zip, as this package writes them: sizes known, data stored."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO, Final

from omero_rocrate_transfer.crate.archives.zip_directory import broken

#: APPNOTE 4.3.7.
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_FULL32: Final = 0xFFFFFFFF
_ZIP64: Final = 0x0001


@dataclass(frozen=True, slots=True)
class LocalHeader:
    """What stands before a member."""

    name: str
    #: Year to second, as ``zipfile`` takes it; even seconds only.
    date_time: tuple[int, int, int, int, int, int]
    crc: int
    size_bytes: int


def read_local(file: IO[bytes], offset: int) -> tuple[LocalHeader, int]:
    """Return the header at an offset, and the offset of the data behind it.

    Raises
    ------
    UnsafeCrateError
        There is none.
    """
    file.seek(offset)
    fixed = file.read(_LOCAL.size)
    if len(fixed) < _LOCAL.size or not fixed.startswith(b"PK\x03\x04"):
        raise broken(f"has no member at byte {offset}")
    *_, time, date, crc, _, size_bytes, name_size, extra_size = _LOCAL.unpack(fixed)
    rest = file.read(name_size + extra_size)
    if size_bytes == _FULL32:
        size_bytes = _wide_size(rest[name_size:])
    header = LocalHeader(rest[:name_size].decode(), _date_time(time, date), crc, size_bytes)
    return header, offset + _LOCAL.size + name_size + extra_size


def _date_time(time: int, date: int) -> tuple[int, int, int, int, int, int]:
    """Return what MS-DOS means with time and date (APPNOTE 4.4.6)."""
    day = (date >> 9) + 1980, date >> 5 & 15, date & 31
    return *day, time >> 11, time >> 5 & 63, (time & 31) * 2


def _wide_size(extra: bytes) -> int:
    """Return the size of the ZIP64 extra field, the first and only one that is written."""
    kind, _, size_bytes = struct.unpack_from("<2HQ", extra)
    if kind != _ZIP64:
        raise broken("lacks the size of a member")
    return int(size_bytes)
