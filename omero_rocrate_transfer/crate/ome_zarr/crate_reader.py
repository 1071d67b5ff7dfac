"""Reads the OME-Zarrs of a crate where they lie."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from omero_rocrate_transfer.crate.ome_zarr.checked import CheckedPixels
from omero_rocrate_transfer.crate.ome_zarr.members import ArchiveMembers
from omero_rocrate_transfer.crate.ome_zarr.names import name_planes
from omero_rocrate_transfer.crate.ome_zarr.plane_digests import ImagePlanes, parse_planes
from omero_rocrate_transfer.crate.ome_zarr.reader import OmeZarr, ZarrImage
from omero_rocrate_transfer.model.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader
    from omero_rocrate_transfer.crate.read.metadata import CrateIndex
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.transfer.ports import PixelsReader


class CratePixels:
    """The pixels in a crate; safe for several threads.

    Parameters
    ----------
    read
        Returns a described file whole, its digests compared.
    """

    def __init__(self, archive: ArchiveReader, index: CrateIndex, read: Callable[[str], bytes]) -> None:
        self._archive, self._index, self._read = archive, index, read
        self._lock = threading.Lock()
        #: Of the OME-Zarr that was opened last: images of a plate follow each other.
        self._known: tuple[str, dict[ObjectRef, ImagePlanes]] = ("", {})

    def open(self, image: ObjectRef) -> PixelsReader:
        """Open the pixels of one image.

        Raises
        ------
        NotFoundError
            There are none.
        UnsafeCrateError
            They are no OME-Zarr, or not what their digests are of.
        """
        folder = self._index.zarrs.get(image)
        if folder is None:
            raise NotFoundError(f"The crate has no pixels of {image}.", hint="Get the crate again.")
        zarr = OmeZarr(ArchiveMembers(self._archive, folder), folder)
        planes = self._read_planes(folder).get(image)
        found = _find_image(zarr, image) if planes is None else zarr.read_image(planes.path)
        reader = zarr.open_pixels(found)
        return reader if planes is None else CheckedPixels(reader, planes.digests, f"{image} in {folder}")

    def _read_planes(self, folder: str) -> dict[ObjectRef, ImagePlanes]:
        name = name_planes(folder)
        with self._lock:
            if self._known[0] != folder:
                known = parse_planes(self._read(name), name) if name in self._index.files else {}
                self._known = folder, known
            return self._known[1]


def _find_image(zarr: OmeZarr, image: ObjectRef) -> ZarrImage:
    """Return an image without digests: the only one, or the one whose ``omero`` block has its id."""
    images = zarr.read_contents().images
    found = images if len(images) == 1 else [one for one in images if one.omero.get("id") == image.id]
    if len(found) != 1:
        raise NotFoundError(f"The crate does not say where the pixels of {image} are.")
    return found[0]
