"""Damage in the headers of archives where it changes nothing that a reader of files would notice.

Fields such as times, modes, versions and padding mean nothing to the readers, and their damage changes no
file; but where a bit turned, more may follow. They are held against what this program writes and against each
other: an archive that another program wrote keeps its ways.
"""

from __future__ import annotations

import struct
import tarfile
import zipfile
from collections import Counter
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.archives.input import Input

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Of a zip's local header: version needed (low and high byte), then time and date, after six bytes.
_LOCAL: Final = struct.Struct("<4s2B4x2H")
_UNIX: Final = 3
#: Offset and size of the checksum in a header of a tar: six digits, then two more bytes (POSIX ustar).
_CHECKSUM_END: Final = slice(154, 156)
_MODES: Final = {False: 0o100644 << 16, True: (0o040755 << 16) | 0x10}


def iter_damaged_headers(path: Path) -> Iterator[tuple[str, str]]:
    """Yield name and reason for headers that were changed, of an archive that its reader has accepted.

    Parameters
    ----------
    path
        A zip or tar; a folder has no headers.
    """
    if path.is_dir():
        return
    if zipfile.is_zipfile(path) and not tarfile.is_tarfile(path):
        yield from _iter_zip(path)
    else:
        yield from _iter_tar(path)


def _iter_zip(path: Path) -> Iterator[tuple[str, str]]:
    file = Input(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
        ours = 2 * sum(map(_is_ours, members)) > len(members)
        for info in members:
            header = _LOCAL.unpack(file.read_at(info.header_offset, _LOCAL.size))
            if header[1:] != (info.extract_version, info.reserved, *_dos_time(info)):
                yield info.filename, "its header in the zip differs from the zip's directory"
            elif ours and not _is_ours(info):
                yield info.filename, "its header in the zip is not as it was written"
    finally:
        file.close()


def _is_ours(info: zipfile.ZipInfo) -> bool:
    return (
        (info.create_system, info.create_version) == (_UNIX, info.extract_version)
        and (info.internal_attr, info.comment) == (0, b"")
        and info.extract_version in {zipfile.DEFAULT_VERSION, zipfile.ZIP64_VERSION}
        and info.external_attr == _MODES[info.is_dir()]
    )


def _dos_time(info: zipfile.ZipInfo) -> tuple[int, int]:
    """Return time and date as a zip holds them (APPNOTE 4.4.6)."""
    year, month, day, hour, minute, second = info.date_time
    return hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day


def _iter_tar(path: Path) -> Iterator[tuple[str, str]]:
    file = Input(path)
    try:
        headers = list(_iter_tar_headers(file))
        usual = Counter(ending for _, ending, _ in headers).most_common(1)
        for name, ending, is_padded in headers:
            if ending != usual[0][0]:
                yield name, "its header in the tar is not as the others are"
            elif not is_padded:
                yield name, "something stands in the tar between it and what follows"
    finally:
        file.close()


def _iter_tar_headers(file: Input) -> Iterator[tuple[str, bytes, bool]]:
    """Yield name, the end of the checksum, and whether the space behind the data is empty."""
    place = 0
    while any(block := file.read_at(place, tarfile.BLOCKSIZE)):
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        padding = -info.size % tarfile.BLOCKSIZE
        place += tarfile.BLOCKSIZE + info.size
        yield info.name, block[_CHECKSUM_END], not any(file.read_at(place, padding))
        place += padding
