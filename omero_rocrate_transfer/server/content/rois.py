"""ROIs and their shapes, read in pages as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from omero_rocrate_transfer.server.content.fields import Spec, Values, read
from omero_rocrate_transfer.server.content.shapes import ROI, SHAPES
from omero_rocrate_transfer.server.enumerations import Enumerations
from omero_rocrate_transfer.server.queries import IDS_PER_QUERY, Reader

_COUNTS: Final = (
    "select r.image.id, count(r.id) from Roi r where r.image.id in (:ids)"
    " group by r.image.id order by r.image.id"
)
_IDS: Final = "select r.id, r.image.id from Roi r where r.image.id in (:ids) order by r.id"
# By ids: a limit on a query that fetches a list would load everything (Hibernate QueryTranslatorImpl).
_ROIS: Final = (
    "select r from Roi r join fetch r.details.owner left outer join fetch r.shapes s"
    " left outer join fetch s.transform"
    " where r.id in (:ids)"
)
# The bits of a mask come with it, and an answer has a limit (Ice.MessageSizeMax).
_MASKS: Final = (
    "select m.id, m.roi.id, m.width, m.height from Mask m where m.roi.image.id in (:ids) order by m.id"
)
_BYTES_PER_QUERY: Final = 16_000_000


@dataclass(slots=True)
class ShapeContent:
    """One shape."""

    id: int
    spec: Spec
    values: Values


@dataclass(slots=True)
class RoiContent:
    """One ROI, its shapes in their order."""

    id: int
    values: Values
    #: Login.
    owner: str
    shapes: list[ShapeContent] = field(default_factory=list)


def count_rois(reader: Reader, images: Iterable[int]) -> dict[int, int]:
    """Return how many ROIs each image has, by id; images without any are missing."""
    return dict(reader.rows(_COUNTS, images, doing="Counting ROIs"))


def read_rois(
    reader: Reader, enumerations: Enumerations, images: Iterable[int]
) -> dict[int, list[RoiContent]]:
    """Read the ROIs of images, by the id of the image, in the order of their own."""
    image_of: dict[int, int] = dict(reader.rows(_IDS, images, doing="Reading ROIs"))
    found: dict[int, list[RoiContent]] = {}
    read_so_far: dict[int, RoiContent] = {}
    for batch in _batches(image_of, _mask_sizes(reader, set(image_of.values()))):
        for roi in reader.objects(_ROIS, batch, doing="Reading ROIs", size=len(batch)):
            read_so_far[roi.id.val] = _roi(roi, enumerations)
    for one, image in image_of.items():
        # deleted in between, if it is missing
        if one in read_so_far:
            found.setdefault(image, []).append(read_so_far[one])
    return found


def _mask_sizes(reader: Reader, images: Iterable[int]) -> dict[int, int]:
    """Return the bytes of all masks of a ROI, by its id."""
    sizes: dict[int, int] = {}
    for _, roi, width, height in reader.rows(_MASKS, images, doing="Reading masks"):
        sizes[roi] = sizes.get(roi, 0) + round(abs((width or 0) * (height or 0)) / 8)
    return sizes


def _batches(rois: Iterable[int], sizes: Mapping[int, int]) -> Iterator[list[int]]:
    batch: list[int] = []
    size = 0
    for one in rois:
        if batch and (len(batch) == IDS_PER_QUERY or size + sizes.get(one, 0) > _BYTES_PER_QUERY):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += sizes.get(one, 0)
    if batch:
        yield batch


def _roi(roi: Any, enumerations: Enumerations) -> RoiContent:
    content = RoiContent(roi.id.val, read(roi, ROI, enumerations), roi.details.owner.omeName.val)
    for shape in roi.copyShapes():
        if shape is not None:
            spec = SHAPES[type(shape).__name__.removesuffix("I")]
            content.shapes.append(ShapeContent(shape.id.val, spec, read(shape, spec, enumerations)))
    return content
