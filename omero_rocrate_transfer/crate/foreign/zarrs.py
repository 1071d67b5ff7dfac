"""OME-Zarrs in the folders of an RO-Crate of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.model.errors import TransferError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader, Limits
    from omero_rocrate_transfer.crate.ome_zarr.source import ZarrSource

#: What a group of Zarr v2 or v3 has.
_GROUPS: Final = frozenset(["zarr.json", ".zgroup"])


def find_zarr_folders(names: Iterable[str]) -> list[str]:
    """Return the folders of Zarr groups that are in no other group, with a slash at their end."""
    groups = {
        folder + "/"
        for folder, slash, last in (name.rpartition("/") for name in names)
        if slash and last in _GROUPS
    }
    found: list[str] = []
    for folder in sorted(groups):
        if not found or not folder.startswith(found[-1]):
            found.append(folder)
    return found


def open_zarrs(
    archive: ArchiveReader, folders: Sequence[str], limits: Limits
) -> tuple[ZarrSource | None, list[Omission]]:
    """Return the source of those that can be read, None if none can, and what is left out."""
    if not folders:
        return None, []
    # Zarr is only loaded where pixels travel
    from omero_rocrate_transfer.crate.ome_zarr.source import ZarrSource

    def open_some(some: Sequence[str]) -> ZarrSource:
        source = ZarrSource(archive, some, "OME-Zarr", limits)
        source.read_contents(())
        return source

    try:
        return open_some(folders), []
    except TransferError:
        # one of several may be broken
        sound: list[str] = []
        broken: list[Omission] = []
        for folder in folders:
            try:
                open_some([folder])
                sound.append(folder)
            except TransferError as error:
                broken.append(Omission(type="OME-Zarr", count=1, reason=f"{folder}: {error.message}"))
        return (open_some(sound) if sound else None), broken
