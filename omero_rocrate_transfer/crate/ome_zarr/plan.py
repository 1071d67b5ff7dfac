"""How pixels of units are written, and what comes of it; loads nothing of Zarr."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omero_rocrate_transfer.crate.entities import PackedFile
    from omero_rocrate_transfer.crate.ome_zarr.options import ZarrOptions
    from omero_rocrate_transfer.model.facts import CrateFacts
    from omero_rocrate_transfer.model.refs import ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelsPlan:
    """How pixels are written, and what is said of them."""

    options: ZarrOptions
    facts: CrateFacts
    #: Of the source.
    host: str
    #: Day of packing, ISO 8601.
    day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedZarr:
    """One OME-Zarr as it lies in the crate."""

    ref: ObjectRef
    #: Its folder, with a slash at its end.
    name: str
    #: Name of the image or plate.
    title: str
    images: tuple[ObjectRef, ...]
    #: The metadata of its group, its own RO-Crate, and the digests of its planes beside it.
    group: PackedFile
    inner: PackedFile
    planes: PackedFile
    #: Lines of the manifest of all its members.
    manifest: bytes
    size_bytes: int

    @property
    def parts(self) -> tuple[str, ...]:
        """``@id`` of what the root lists: the metadata inside the folder are parts of that."""
        return (self.name, self.planes.name)
