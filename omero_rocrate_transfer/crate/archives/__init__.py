"""Folder, zip and tar behind one pair of ports: writers that stream, readers that never extract."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Any

from omero_rocrate_transfer.crate.archives.base import DEFAULT_LIMITS, Limits
from omero_rocrate_transfer.crate.archives.folder_reader import FolderReader
from omero_rocrate_transfer.crate.archives.folder_writer import FolderWriter, find_whole, remove_others
from omero_rocrate_transfer.crate.archives.tar_reader import TarReader
from omero_rocrate_transfer.crate.archives.tar_writer import TarWriter
from omero_rocrate_transfer.crate.archives.zip_reader import ZipReader
from omero_rocrate_transfer.crate.archives.zip_writer import ZipWriter
from omero_rocrate_transfer.model.errors import NotFoundError, UnsafeCrateError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader, ArchiveWriter

_MAGIC_BYTES = 512


def create_archive(path: Path, part: Path | None = None) -> ArchiveWriter:
    """Create the archive that the suffix of the path asks for: ``.zip``, ``.tar``, else a folder.

    Parameters
    ----------
    path
        The name it gets when it is complete.
    part
        The name until then, on the same disk; beside the other by default.

    Raises
    ------
    RefusedError
        Something is there already.
    NotFoundError
        The folder above is missing or not writable.
    """
    return _choose_writer(path)(path, part or path.with_name(f"{path.name}.part"))


def resume_archive(
    path: Path, part: Path, receipts: Sequence[dict[str, Any]]
) -> tuple[ArchiveWriter, list[bool]]:
    """Go on with an archive that an earlier process left, and remove what it left half done.

    Parameters
    ----------
    path, part
        As `create_archive` had them.
    receipts
        Of the transactions that ended and were made durable, in the order of their ends.

    Returns
    -------
    tuple
        The archive, and for each transaction whether it is in there whole.
    """
    writer = _choose_writer(path)
    if issubclass(writer, FolderWriter):
        whole = find_whole(part, receipts)
        kept = [name for receipt in compress(receipts, whole) for name in receipt["files"]]
        remove_others(part, kept)
        return writer(path, part, kept), whole
    size_bytes = part.stat().st_size
    whole = [receipt["end"] <= size_bytes for receipt in receipts]
    end = max((receipt["end"] for receipt in compress(receipts, whole)), default=0)
    return writer(path, part, end), whole


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


def open_archive(path: Path, limits: Limits = DEFAULT_LIMITS, *, foreign: bool = False) -> ArchiveReader:
    """Open an archive by what it is, whatever its suffix, and check all its names and members.

    Parameters
    ----------
    foreign
        Whether another program wrote it: then names may be as any system allows them, tars and zips may have
        the extensions of other programs, and links and the like are passed over.

    Raises
    ------
    NotFoundError
        Nothing is there, or it is not readable.
    UnsafeCrateError
        It is no archive, or breaks a rule.
    """
    if path.is_dir():
        return FolderReader(path, limits, foreign=foreign)
    magic = _read_magic(path)
    if magic.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return ZipReader(path, limits, foreign=foreign)
    if magic[257:262] == b"ustar":
        return TarReader(path, limits, foreign=foreign)
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
