"""Folder, zip and tar behind one pair of ports: writers that stream, readers that never extract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omero_rocrate_transfer.crate.archives.base import DEFAULT_LIMITS, Limits
from omero_rocrate_transfer.crate.archives.folder_reader import FolderReader
from omero_rocrate_transfer.crate.archives.folder_writer import FolderWriter
from omero_rocrate_transfer.crate.archives.tar_reader import TarReader
from omero_rocrate_transfer.crate.archives.tar_writer import TarWriter
from omero_rocrate_transfer.crate.archives.zip_reader import ZipReader
from omero_rocrate_transfer.crate.archives.zip_writer import ZipWriter
from omero_rocrate_transfer.model.errors import NotFoundError, UnsafeCrateError

if TYPE_CHECKING:
    from pathlib import Path

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader, ArchiveWriter

_MAGIC_BYTES = 512


def create_archive(path: Path) -> ArchiveWriter:
    """Create the archive that the suffix of the path asks for: ``.zip``, ``.tar``, else a folder.

    Raises
    ------
    RefusedError
        Something is there already.
    NotFoundError
        The folder above is missing or not writable.
    """
    return _choose_writer(path)(path)


def count_parallel(path: Path) -> int:
    """Return how many transactions the archive at that path takes at the same time."""
    return _choose_writer(path).max_parallel


def _choose_writer(path: Path) -> type[FolderWriter | TarWriter | ZipWriter]:
    match path.suffix.lower():
        case ".zip":
            return ZipWriter
        case ".tar":
            return TarWriter
    return FolderWriter


def open_archive(path: Path, limits: Limits = DEFAULT_LIMITS) -> ArchiveReader:
    """Open an archive by what it is, whatever its suffix, and check all its names and members.

    Raises
    ------
    NotFoundError
        Nothing is there, or it is not readable.
    UnsafeCrateError
        It is no archive, or breaks a rule.
    """
    if path.is_dir():
        return FolderReader(path, limits)
    magic = _read_magic(path)
    if magic.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return ZipReader(path, limits)
    if magic[257:262] == b"ustar":
        return TarReader(path, limits)
    raise UnsafeCrateError(
        f"{path} is neither a folder nor a zip nor a tar.",
        hint="Where it is compressed, decompress it first.",
    )


def _read_magic(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise UnsafeCrateError(f"{path} is no regular file.", hint="Name a folder, a .zip or a .tar.")
    try:
        with path.open("rb") as file:
            return file.read(_MAGIC_BYTES)
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}.", hint="Check the path.") from error
