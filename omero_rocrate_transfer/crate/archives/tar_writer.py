"""A crate as a tar: plain ustar headers, GNU's large sizes over 8 GiB, no extension headers."""

from __future__ import annotations

import tarfile
import time
from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.crate.archives.base import counted
from omero_rocrate_transfer.crate.archives.single_file import SingleFileWriter
from omero_rocrate_transfer.transfer.faultpoints import faultpoint

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: Greatest size that twelve octal digits of ustar hold; GNU's base-256 goes on from there.
_MAX_USTAR_BYTES: Final = 8**11 - 1


class TarWriter(SingleFileWriter[int]):
    """Writes a tar."""

    def __init__(self, path: Path, part: Path, end: int | None = None) -> None:
        super().__init__(path, part, end)
        # the field of ustar holds no time before 1970
        self._time = max(0, int(time.time()))
        #: Offsets of the headers of folders, by name.
        self._folders: dict[str, int] = {}
        if end is not None:
            self._find_folders(end)
            self.roll_back(end)

    def add(self, name: str, size_bytes: int, blocks: Iterable[bytes]) -> None:
        """Append one file, and the folders above it that are new."""
        for end in (place for place, char in enumerate(name) if char == "/"):
            self._add_folder(name[:end])
        self._write_header(name, tarfile.REGTYPE, size_bytes)
        for block in counted(name, size_bytes, blocks):
            self.output.write(block)
        self.output.write(bytes(-size_bytes % tarfile.BLOCKSIZE))
        faultpoint("crate:member-written")

    def mark(self) -> int:
        """Return the offset."""
        return self.output.tell()

    def roll_back(self, mark: int) -> None:
        """Cut the file, and forget the folders behind the mark."""
        self._folders = {name: offset for name, offset in self._folders.items() if offset < mark}
        self.output.seek(mark)
        self.output.truncate()

    @property
    def receipt(self) -> dict[str, Any]:
        """Where the last transaction ended."""
        return {"end": self.mark()}

    def end(self) -> None:
        """Write the end-of-archive mark, padded to the usual record of 20 blocks."""
        end = self.output.tell() + 2 * tarfile.BLOCKSIZE
        self.output.write(bytes(2 * tarfile.BLOCKSIZE + -end % tarfile.RECORDSIZE))

    def _find_folders(self, end: int) -> None:
        """Read the headers before an offset again."""
        place = 0
        while place < end:
            self.output.seek(place)
            info = tarfile.TarInfo.frombuf(self.output.read(tarfile.BLOCKSIZE), "utf-8", "strict")
            if info.isdir():
                self._folders[info.name.removesuffix("/")] = place
            place += tarfile.BLOCKSIZE + info.size + -info.size % tarfile.BLOCKSIZE

    def _add_folder(self, name: str) -> None:
        if name not in self._folders:
            self._folders[name] = self.output.tell()
            self._write_header(name, tarfile.DIRTYPE, 0)

    def _write_header(self, name: str, kind: bytes, size_bytes: int) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.size, info.mtime = kind, size_bytes, self._time
        info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
        large = size_bytes > _MAX_USTAR_BYTES
        self.output.write(info.tobuf(tarfile.GNU_FORMAT if large else tarfile.USTAR_FORMAT))
