"""Images as one row each, with the size and type of their pixels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Final

from omero_rocrate_transfer.model.contents import ImageRecord
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.times import iso_utc
from omero_rocrate_transfer.server.read.pixels import DTYPES
from omero_rocrate_transfer.server.session.queries import Reader

_IMAGES: Final = (
    "select i.id, i.name, i.description, i.details.owner.id, i.details.group.id,"
    " i.details.creationEvent.time, f.id, p.sizeX, p.sizeY, p.sizeZ, p.sizeC, p.sizeT, t.value, p.id"
    " from Image i left outer join i.fileset f left outer join i.pixels p left outer join p.pixelsType t"
    " where i.id in (:ids) order by i.id, p.id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRow:
    """One image as it stands in the database."""

    ref: ObjectRef
    name: str
    description: str | None
    owner: int
    group: int
    created: str
    has_fileset: bool
    #: X, Y, Z, C, T; empty where the image has no pixels.
    sizes: tuple[int, ...]
    #: OMERO's name of the pixel type.
    pixel_type: str | None

    @property
    def readable(self) -> bool:
        """Whether RawPixelsStore can read the pixels."""
        return not self.unreadable_reason

    @property
    def unreadable_reason(self) -> str:
        """Why RawPixelsStore cannot read the pixels, one clause; empty where it can.

        Complex numbers have no size in bytes there (ome.util.PixelData.getBitDepth), and bits have a width
        of zero bytes in OMERO's own pixel files (RomioPixelBuffer.getByteWidth).
        """
        if self.pixel_type is None:
            return "the image has no pixels"
        if self.pixel_type not in DTYPES or (self.pixel_type == "bit" and not self.has_fileset):
            return f"OMERO gives out no pixels of type {self.pixel_type}"
        return ""

    @property
    def size_bytes(self) -> int:
        """Bytes of all pixels."""
        return prod(self.sizes) * DTYPES[self.pixel_type].itemsize if self.pixel_type in DTYPES else 0

    def record(self, series: int) -> ImageRecord:
        """Return the line of the plan for this image at a place in its unit."""
        return ImageRecord(
            ref=self.ref,
            name=self.name,
            series=series,
            description=self.description,
            owner=self.owner,
            group=self.group,
            created=self.created,
        )


def read_images(reader: Reader, ids: Iterable[int]) -> dict[int, ImageRow]:
    """Read images; of several Pixels only the first counts, as everywhere in OMERO."""
    found: dict[int, ImageRow] = {}
    for one, name, description, owner, group, created, fileset, *rest in reader.rows(
        _IMAGES, ids, doing="Reading images"
    ):
        *sizes, pixel_type, _ = rest
        row = ImageRow(
            ref=ObjectRef("Image", one),
            name=name,
            description=description,
            owner=owner,
            group=group,
            created=iso_utc(created),
            has_fileset=fileset is not None,
            sizes=() if pixel_type is None else tuple(sizes),
            pixel_type=pixel_type,
        )
        found.setdefault(one, row)
    return found
