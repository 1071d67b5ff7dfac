"""A crate as a folder."""

from __future__ import annotations

import os
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.crate.archives.base import BLOCK_BYTES, counted
from omero_rocrate_transfer.crate.archives.output import Output, disk_errors, refused, sync_folder
from omero_rocrate_transfer.transfer.faultpoints import faultpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

#: Smaller files are made durable together at the end: one by one, a disk manages a few hundred per second.
_SYNC_AT_ONCE_BYTES: Final = 1 << 20


class FolderWriter:
    """Writes a folder under another name; every file has its own name only once it is whole.

    Parameters
    ----------
    path
        The target; nothing may be there.
    part
        Where it is written, on the same disk.
    kept
        Files that an earlier process wrote there; None for a new folder.
    """

    max_parallel = 4

    def __init__(self, path: Path, part: Path, kept: Iterable[str] | None = None) -> None:
        if os.path.lexists(path):
            raise refused(path)
        self._target = path
        self._path = part
        #: Files under their own names, in the order of writing; True where still to be made durable.
        self._files: dict[str, bool] = dict.fromkeys(kept or (), True)
        self._folders: dict[Path, None] = {part: None}
        self._settled = False
        if kept is None:
            with disk_errors(path):
                part.mkdir()
        for name in self._files:
            self._make_folders((part / name).parent)

    @contextmanager
    def transaction(self) -> Iterator[_FolderTransaction]:
        """Open a transaction; several may be open at the same time."""
        transaction = _FolderTransaction(self)
        try:
            yield transaction
        except BaseException:
            transaction.roll_back()
            raise

    def write(self, name: str, size_bytes: int, blocks: Iterable[bytes], *, durable: bool = False) -> int:
        """Write one file under a temporary name, then give it its own; large ones are made durable before.

        Returns
        -------
        int
            CRC-32 of the bytes.
        """
        path = self._path / name
        self._make_folders(path.parent)
        output = Output(path, path.with_name(f".{path.name}.part"))
        crc = 0
        try:
            for block in counted(name, size_bytes, blocks):
                output.write(block)
                crc = zlib.crc32(block, crc)
            durable = durable or size_bytes >= _SYNC_AT_ONCE_BYTES
            faultpoint("crate:file-written")
            output.publish(durable=durable)
        finally:
            output.discard()
        self._files[name] = not durable
        return crc

    def remove(self, name: str) -> None:
        """Remove a file that `write` wrote."""
        if self._files.pop(name, None) is not None:
            (self._path / name).unlink(missing_ok=True)

    def commit(
        self, last: tuple[str, int, Iterable[bytes]], check: Callable[[Path], None] | None = None
    ) -> None:
        """Make all files durable, write the last one, then give the folder its name."""
        with disk_errors(self._path):
            for name, waits in self._files.items():
                if waits:
                    _sync_file(self._path / name)
            self._sync_folders()
        self.write(*last, durable=True)
        if check is not None:
            check(self._path)
        with disk_errors(self._target):
            sync_folder(self._path)
            faultpoint("crate:before-publish")
            if os.path.lexists(self._target):
                raise refused(self._target)
            self._path.rename(self._target)
            sync_folder(self._target.parent)
        self._settled = True

    def sync(self) -> None:
        """Do nothing: large files are durable, `find_whole` checks small ones by their CRC-32."""

    def leave(self) -> None:
        """Leave everything where it is."""
        self._settled = True

    def abort(self) -> None:
        """Remove the files and folders of this run, the last written first."""
        if self._settled:
            return
        for name in reversed(list(self._files)):
            self.remove(name)
        for folder in sorted(self._folders, reverse=True):
            # what somebody else put there stays
            with suppress(OSError):
                folder.rmdir()

    def _make_folders(self, folder: Path) -> None:
        if folder not in self._folders:
            self._make_folders(folder.parent)
            with disk_errors(folder):
                folder.mkdir(exist_ok=True)
            self._folders[folder] = None

    def _sync_folders(self) -> None:
        for folder in self._folders:
            sync_folder(folder)


class _FolderTransaction:
    def __init__(self, writer: FolderWriter) -> None:
        self._writer = writer
        #: Size in bytes and CRC-32 of the files, by name.
        self._files: dict[str, list[int]] = {}

    def add(self, name: str, size_bytes: int, blocks: Iterable[bytes]) -> None:
        """Stream one file into the folder."""
        self._files[name] = [size_bytes, self._writer.write(name, size_bytes, blocks)]

    @property
    def receipt(self) -> dict[str, Any]:
        """What is needed to find the files again, and to see whether they are whole."""
        return {"files": self._files}

    def roll_back(self) -> None:
        for name in self._files:
            self._writer.remove(name)


def find_whole(part: Path, receipts: Sequence[dict[str, Any]]) -> list[bool]:
    """Tell for each transaction whether its files are all there and whole."""
    return [
        all(_is_whole(part / name, *facts) for name, facts in receipt["files"].items())
        for receipt in receipts
    ]


def remove_others(part: Path, kept: Iterable[str]) -> None:
    """Remove every file but these, and the folders that get empty."""
    wanted = {part / name for name in kept}
    for folder, _, names in os.walk(part, topdown=False):
        for name in names:
            if (path := Path(folder) / name) not in wanted:
                path.unlink()
        if folder != str(part):
            with suppress(OSError):
                Path(folder).rmdir()


def _is_whole(path: Path, size_bytes: int, crc: int) -> bool:
    """Compare the size, and the bytes of files that were not made durable at once."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size != size_bytes:
        return False
    if size_bytes >= _SYNC_AT_ONCE_BYTES:
        return True
    found = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            found = zlib.crc32(block, found)
    return found == crc


def _sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
