"""A crate as a folder."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.archives.base import counted
from omero_rocrate_transfer.crate.archives.output import Output, disk_errors, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

#: Smaller files are made durable together at the end: one by one, a disk manages a few hundred per second.
_SYNC_AT_ONCE_BYTES: Final = 1 << 20


class FolderWriter:
    """Writes a new folder; every file has its own name only once it is whole."""

    max_parallel = 4

    def __init__(self, path: Path) -> None:
        with disk_errors(path):
            path.mkdir()
        self._path = path
        #: Files under their own names, in the order of writing; True where still to be made durable.
        self._files: dict[str, bool] = {}
        self._folders: dict[Path, None] = {path: None}
        self._committed = False

    @contextmanager
    def transaction(self) -> Iterator[_FolderTransaction]:
        """Open a transaction; several may be open at the same time."""
        transaction = _FolderTransaction(self)
        try:
            yield transaction
        except BaseException:
            transaction.roll_back()
            raise

    def write(self, name: str, size_bytes: int, blocks: Iterable[bytes], *, durable: bool = False) -> None:
        """Write one file under a temporary name, then give it its own; large ones are made durable before."""
        path = self._path / name
        self._make_folders(path.parent)
        output = Output(path, path.with_name(f".{path.name}.part"))
        try:
            for block in counted(name, size_bytes, blocks):
                output.write(block)
            durable = durable or size_bytes >= _SYNC_AT_ONCE_BYTES
            output.publish(durable=durable)
        finally:
            output.discard()
        self._files[name] = not durable

    def remove(self, name: str) -> None:
        """Remove a file that `write` wrote."""
        if self._files.pop(name, None) is not None:
            (self._path / name).unlink(missing_ok=True)

    def commit(self, last: tuple[str, int, Iterable[bytes]]) -> None:
        """Make all files durable, then write the last one."""
        with disk_errors(self._path):
            for name, waits in self._files.items():
                if waits:
                    _sync_file(self._path / name)
            self._sync_folders()
        self.write(*last, durable=True)
        with disk_errors(self._path):
            sync_folder(self._path)
            sync_folder(self._path.parent)
        self._committed = True

    def abort(self) -> None:
        """Remove the files and folders of this run, the last written first."""
        if self._committed:
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
        self._names: list[str] = []

    def add(self, name: str, size_bytes: int, blocks: Iterable[bytes]) -> None:
        """Stream one file into the folder."""
        self._writer.write(name, size_bytes, blocks)
        self._names.append(name)

    def roll_back(self) -> None:
        for name in self._names:
            self._writer.remove(name)


def _sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
