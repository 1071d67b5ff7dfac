"""Reads a crate back before it gets its name: whatever was written must be readable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.archives import open_archive
from omero_rocrate_transfer.crate.read.files import check_metadata_size, find_metadata
from omero_rocrate_transfer.crate.read.metadata import read_index

if TYPE_CHECKING:
    from pathlib import Path

    from omero_rocrate_transfer.crate.archives.base import Limits

#: Metadata up to this size are read whole; of longer ones, whose index would take more memory than packing
#: itself, only names, members and limits are checked.
MAX_READ_BYTES: Final = 64 << 20


def check_readable(path: Path, limits: Limits) -> None:
    """Check a complete crate with the rules and limits of whoever will read it.

    Raises
    ------
    UnsafeCrateError
        It could not be read again.
    """
    archive = open_archive(path, limits)
    try:
        name = find_metadata(archive)
        if archive.sizes[name] <= MAX_READ_BYTES:
            read_index(archive, limits)
        else:
            check_metadata_size(archive, name, limits)
    finally:
        archive.close()
