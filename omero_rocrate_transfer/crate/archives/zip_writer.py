"""A crate as a zip, members stored as they are: image files hardly compress, and so can be read in place."""

from __future__ import annotations

import time
import zipfile
from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.crate.archives.base import counted
from omero_rocrate_transfer.crate.archives.single_file import SingleFileWriter
from omero_rocrate_transfer.crate.archives.zip_local import read_local
from omero_rocrate_transfer.transfer.faultpoints import faultpoint

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_UNIX: Final = 3
_FILE_MODE: Final = 0o100644 << 16
#: Unix mode, and the folder bit of MS-DOS (APPNOTE 4.4.15).
_FOLDER_MODE: Final = (0o040755 << 16) | 0x10


#: First and last time that a zip can hold (APPNOTE 4.4.6, as MS-DOS counts).
_FIRST: Final = (1980, 1, 1, 0, 0, 0)
_LAST: Final = (2107, 12, 31, 23, 59, 58)


class ZipWriter(SingleFileWriter[tuple[int, int]]):
    """Writes a zip with explicit entries for folders, as readers of RO-Crates expect; ZIP64 where needed."""

    def __init__(self, path: Path, part: Path, end: int | None = None) -> None:
        super().__init__(path, part, end)
        self._zip = zipfile.ZipFile(self.output, "w", zipfile.ZIP_STORED, allowZip64=True)
        self._time = min(max(time.localtime()[:6], _FIRST), _LAST)
        if end is not None:
            self._find_members(end)
            self.roll_back((end, len(self._zip.filelist)))

    def add(self, name: str, size_bytes: int, blocks: Iterable[bytes]) -> None:
        """Append one file, and the folders above it that are new."""
        self._add_folders(name)
        info = self._make_info(name, _FILE_MODE)
        info.file_size = size_bytes
        with self._zip.open(info, "w") as member:
            for block in counted(name, size_bytes, blocks):
                member.write(block)
        faultpoint("crate:member-written")

    def mark(self) -> tuple[int, int]:
        """Return offset and number of members."""
        return self._zip.start_dir, len(self._zip.filelist)

    def roll_back(self, mark: tuple[int, int]) -> None:
        """Cut the file and the list of members."""
        offset, count = mark
        for info in self._zip.filelist[count:]:
            self._zip.NameToInfo.pop(info.filename, None)
        del self._zip.filelist[count:]
        self.output.seek(offset)
        self.output.truncate()
        self._zip.start_dir = offset

    @property
    def receipt(self) -> dict[str, Any]:
        """Where the last transaction ended."""
        return {"end": self._zip.start_dir}

    def end(self) -> None:
        """Write the central directory."""
        self._zip.close()

    def leave(self) -> None:
        """Close the unfinished file."""
        super().leave()
        self._zip.fp = None

    def abort(self) -> None:
        """Remove the unfinished file."""
        super().abort()
        # else its finalizer would write a central directory to the closed file
        self._zip.fp = None

    def _find_members(self, end: int) -> None:
        """Read the headers before an offset again, which hold all that the central directory needs."""
        place = 0
        while place < end:
            header, data_offset = read_local(self.output, place)
            info = self._make_info(header.name, _FOLDER_MODE if header.name.endswith("/") else _FILE_MODE)
            info.date_time = header.date_time
            info.CRC, info.header_offset = header.crc, place
            info.file_size = info.compress_size = header.size_bytes
            self._zip.filelist.append(info)
            self._zip.NameToInfo[info.filename] = info
            place = data_offset + header.size_bytes

    def _add_folders(self, name: str) -> None:
        for end in (place for place, char in enumerate(name) if char == "/"):
            folder = name[: end + 1]
            if folder not in self._zip.NameToInfo:
                self._zip.writestr(self._make_info(folder, _FOLDER_MODE), b"")

    def _make_info(self, name: str, mode: int) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, self._time)
        info.create_system = _UNIX
        info.external_attr = mode
        return info
