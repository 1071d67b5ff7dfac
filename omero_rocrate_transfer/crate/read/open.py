"""Finds out what lies at a path, and opens it as a source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.archives.base import DEFAULT_LIMITS, Limits
from omero_rocrate_transfer.crate.foreign.opening import open_any, open_foreign
from omero_rocrate_transfer.crate.read.source import CrateSource
from omero_rocrate_transfer.crate.vocabulary import LEGACY_METADATA, METADATA

if TYPE_CHECKING:
    from pathlib import Path

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader
    from omero_rocrate_transfer.transfer.ports import Source

#: What a group of Zarr v2 or v3 has.
_GROUPS: Final = ("zarr.json", ".zgroup")
_SUFFIXES: Final = (".zip", ".tar", ".ozx", ".zarr", ".ome")


def open_source(path: Path, limits: Limits = DEFAULT_LIMITS) -> Source:
    """Open a crate of ours, a pack, an RO-Crate of others or OME-Zarrs, in a folder, a zip or a tar.

    Raises
    ------
    NotFoundError
        Nothing is at the path.
    UnsafeCrateError
        It is an archive that breaks a rule.
    """
    archive = open_any(path, limits)
    folders = find_zarrs(archive)
    # an OME-Zarr may have a crate of its own inside, which says nothing of files to import
    foreign = None if folders == [""] else open_foreign(archive, limits)
    if foreign is not None:
        return foreign
    if not folders:
        return CrateSource(path, limits, archive)
    # Zarr is only loaded where pixels travel
    from omero_rocrate_transfer.crate.ome_zarr.source import ZarrSource

    name = path.resolve().name
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return ZarrSource(archive, folders, name or "OME-Zarr", limits)


def find_zarrs(archive: ArchiveReader) -> list[str]:
    """Return the folders of OME-Zarrs: ``""`` where the archive itself is one, else those at its top.

    A crate that holds some is none; an OME-Zarr may hold a crate.
    """
    if any(name in archive.sizes for name in _GROUPS):
        return [""]
    if METADATA in archive.sizes or LEGACY_METADATA in archive.sizes:
        return []
    return sorted(
        {
            f"{folder}/"
            for folder, _, rest in (name.partition("/") for name in archive.sizes)
            if rest in _GROUPS
        }
    )
