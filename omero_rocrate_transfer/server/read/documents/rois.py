"""ROIs and their shapes, read in pages as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from omero_rocrate_transfer.server.mapping.fields import Spec, Values, read
from omero_rocrate_transfer.server.mapping.shapes import ROI, SHAPES
from omero_rocrate_transfer.server.session.enumerations import Enumerations
from omero_rocrate_transfer.server.session.queries import IDS_PER_QUERY, Reader

#: Where the images of a unit have more ROIs than this in all, these stand in pages of at most so many.
ROIS_PER_PAGE = 5000

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
_MASKS: Final = "select m.id, m.roi.id, m.width, m.height from Mask m where {of} in (:ids) order by m.id"
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


def need_pages(count: int) -> bool:
    """Tell whether so many ROIs of one unit stand in pages."""
    return count > ROIS_PER_PAGE


def count_rois(reader: Reader, images: Iterable[int]) -> dict[int, int]:
    """Return how many ROIs each image has, by id; images without any are missing."""
    return dict(reader.rows(_COUNTS, images, doing="Counting ROIs"))


def read_rois(
    reader: Reader, enumerations: Enumerations, images: Iterable[int]
) -> dict[int, list[RoiContent]]:
    """Read the ROIs of images, by the id of the image, in the order of their own."""
    found: dict[int, list[RoiContent]] = {}
    for image, roi in iter_rois(reader, enumerations, images):
        found.setdefault(image, []).append(roi)
    return found


def iter_rois(
    reader: Reader, enumerations: Enumerations, images: Iterable[int]
) -> Iterator[tuple[int, RoiContent]]:
    """Yield the ROIs of images with the ids of these, in the order of their own, batch by batch."""
    image_of = _images_of_rois(reader, images)
    sizes = _mask_sizes(reader, "m.roi.image.id", set(image_of.values()))
    yield from _read(reader, enumerations, image_of, sizes)


def iter_roi_pages(reader: Reader, images: Iterable[int]) -> Iterator[dict[int, int]]:
    """Yield the ids of ROIs with those of their images, page by page, in the order of images and ROIs."""
    order = list(images)
    by_image: dict[int, list[int]] = {one: [] for one in order}
    for roi, image in _images_of_rois(reader, order).items():
        by_image[image].append(roi)
    page: dict[int, int] = {}
    for image, rois in by_image.items():
        for roi in rois:
            page[roi] = image
            if len(page) == ROIS_PER_PAGE:
                yield page
                page = {}
    if page:
        yield page


def read_roi_page(
    reader: Reader, enumerations: Enumerations, page: Mapping[int, int]
) -> dict[int, list[RoiContent]]:
    """Read the ROIs of one page, by the id of the image."""
    found: dict[int, list[RoiContent]] = {}
    for image, roi in _read(reader, enumerations, page, _mask_sizes(reader, "m.roi.id", page)):
        found.setdefault(image, []).append(roi)
    return found


def _images_of_rois(reader: Reader, images: Iterable[int]) -> dict[int, int]:
    return dict(reader.rows(_IDS, images, doing="Reading ROIs"))


def _read(
    reader: Reader, enumerations: Enumerations, image_of: Mapping[int, int], sizes: Mapping[int, int]
) -> Iterator[tuple[int, RoiContent]]:
    for batch in _batches(image_of, sizes):
        objects = reader.objects(_ROIS, batch, doing="Reading ROIs", size=len(batch))
        found = {roi.id.val: _roi(roi, enumerations) for roi in objects}
        for one in batch:
            # deleted in between, if it is missing
            if one in found:
                yield image_of[one], found[one]


def _mask_sizes(reader: Reader, of: str, ids: Iterable[int]) -> dict[int, int]:
    """Return the bytes of all masks of a ROI, by its id."""
    sizes: dict[int, int] = {}
    for _, roi, width, height in reader.rows(_MASKS.format(of=of), ids, doing="Reading masks"):
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
    # they hold each other: thousands would wait for somebody to look for garbage
    roi.clearShapes()
    return content
