"""Reads a crate that is a folder; links are refused, not followed."""

from __future__ import annotations

import io
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.archives.base import (
    BLOCK_BYTES,
    Limits,
    check_count,
    check_sizes,
    counted,
    unsafe_member,
)
from omero_rocrate_transfer.crate.names import find_oddity, parse_path
from omero_rocrate_transfer.model.errors import IntegrityError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: A FIFO put there meanwhile must not block us.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
#: Deeper than any OME-Zarr; each level takes an open file.
_MAX_DEPTH: Final = 32


class FolderReader:
    """A folder; every part of a name is opened without following links."""

    def __init__(self, path: Path, limits: Limits, *, foreign: bool = False) -> None:
        self._foreign = foreign
        self.passed_over: dict[str, str] = {}
        self._path = path
        self._limits = limits
        self._count = 0
        self.sizes: dict[str, int] = {}
        with _read_errors(path):
            # the user may name a link to the crate; only what is inside comes from others
            self._root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._closed = False
        try:
            with _read_errors(path):
                self._scan(self._root, "")
            check_sizes(self.sizes, limits, None if foreign else ())
        except BaseException:
            self.close()
            raise

    def iter_blocks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of one file."""
        with self._file(name) as file:
            blocks = iter(lambda: file.read(BLOCK_BYTES), b"")
            yield from counted(name, self.sizes[name], blocks)

    def read(self, name: str, start: int, stop: int) -> bytes:
        """Return some bytes of one file."""
        with self._file(name) as file:
            file.seek(start)
            blocks = iter(lambda: file.read(min(BLOCK_BYTES, stop - file.tell())), b"")
            return b"".join(counted(name, stop - start, blocks))

    def checksum(self, name: str) -> None:
        """Return nothing: a folder has no checksums of its files."""
        del name

    def close(self) -> None:
        """Close the folder."""
        if not self._closed:
            os.close(self._root)
            self._closed = True

    @contextmanager
    def _file(self, name: str) -> Iterator[io.FileIO]:
        with _read_errors(self._path / name):
            handle = self._open(name)
            with io.FileIO(handle, "rb") as file:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise unsafe_member(name, "is no regular file any more")
                yield file

    def _open(self, name: str) -> int:
        *folders, last = name.split("/")
        at = self._root
        try:
            for folder in folders:
                below = os.open(folder, _FOLDER, dir_fd=at)
                self._leave(at)
                at = below
            return os.open(last, _FILE, dir_fd=at)
        finally:
            self._leave(at)

    def _leave(self, handle: int) -> None:
        if handle != self._root:
            os.close(handle)

    def _scan(self, handle: int, prefix: str) -> None:
        if prefix.count("/") > _MAX_DEPTH:
            raise unsafe_member(prefix, f"lies deeper than {_MAX_DEPTH} folders")
        with os.scandir(handle) as entries:
            for entry in entries:
                self._count += 1
                check_count(self._count, self._limits)
                self._take(entry, handle, prefix)

    def _take(self, entry: os.DirEntry[str], handle: int, prefix: str) -> None:
        name = prefix + entry.name
        if not self._foreign:
            parse_path(name)
        elif (oddity := find_oddity(name)) is not None:
            self.passed_over[name] = oddity
            return
        if entry.is_dir(follow_symlinks=False):
            below = os.open(entry.name, _FOLDER, dir_fd=handle)
            try:
                self._scan(below, f"{name}/")
            finally:
                os.close(below)
        elif entry.is_file(follow_symlinks=False):
            self.sizes[name] = entry.stat(follow_symlinks=False).st_size
        elif self._foreign:
            self.passed_over[name] = "it is a link or device"
        else:
            raise unsafe_member(name, "is a link or device; only files and folders are allowed")


@contextmanager
def _read_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
        raise NotFoundError(
            f"{path} cannot be read: {error.strerror}.", hint="Check the path and its permissions."
        ) from error
    except OSError as error:
        raise IntegrityError(f"{path} cannot be read: {error.strerror}.", hint="Check the disk.") from error
