"""ROIs: those that the import made and the document has are kept, the others made or removed."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import omero.model
from ome_types import model

from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.errors import UnsafeCrateError
from omero_rocrate_transfer.model.extras import ExtraObject
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.elements import from_json, values_of
from omero_rocrate_transfer.server.mapping.fields import Spec, Values
from omero_rocrate_transfer.server.mapping.shapes import ROI, SHAPES
from omero_rocrate_transfer.server.read.documents.rois import iter_rois
from omero_rocrate_transfer.server.write.restore.target import Target, frozen

_SHAPES: Final = (
    "select r.id, index(s), s.id from Roi r join r.shapes s where r.id in (:ids) order by r.id, s.id"
)
_DOING: Final = "Restoring ROIs"


@dataclass(slots=True)
class SourceRoi:
    """One ROI of a document."""

    lsid: str
    values: Values
    #: LSID, class and values of each shape.
    shapes: list[tuple[str, Spec, Values]] = field(default_factory=list)


#: ROIs by the id of their image on the target.
Wanted = Iterable[tuple[int, Iterator[SourceRoi]]]


#: A ROI that is to be inserted, as it is sent.
Pending = tuple[SourceRoi, Any]


class SourceRois:
    """The ROIs of a document, one after the other."""

    def __init__(self, document: Document) -> None:
        self._elements = {roi.id: roi for roi in document.ome.rois}
        self._fields = document.extras.fields
        self._order = document.extras.shapes
        self._outside: dict[str, list[ExtraObject]] = defaultdict(list)
        for one in document.extras.objects:
            self._outside[one.parent].append(one)

    def of(self, image: model.Image) -> Iterator[SourceRoi]:
        """Yield the ROIs of an image."""
        for ref in image.roi_refs:
            element = self._elements.get(ref.id)
            if element is not None:
                values = values_of(element, ROI, self._fields.get(ref.id))
                yield self._roi(element.id, values, self._ordered(element))
        for one in self._outside.get(image.id, ()):
            if one.type == ROI.type:
                yield self._roi(one.id, from_json(one.fields, ROI), ())

    def _ordered(self, element: model.ROI) -> Iterable[Any]:
        shapes: list[Any] = list(element.union or ())
        place = {lsid: place for place, lsid in enumerate(self._order.get(element.id, ()))}
        return sorted(shapes, key=lambda shape: place.get(shape.id, len(place)))

    def _roi(self, lsid: str, values: Values, shapes: Iterable[Any]) -> SourceRoi:
        roi = SourceRoi(lsid, values)
        for shape in shapes:
            spec = SHAPES[type(shape).__name__]
            roi.shapes.append((shape.id, spec, values_of(shape, spec, self._fields.get(shape.id))))
        for one in sorted(self._outside.get(lsid, ()), key=lambda one: one.index):
            if one.type not in SHAPES:
                raise UnsafeCrateError(f"The extras of a document have a shape of type {one.type!r:.100}.")
            spec = SHAPES[one.type]
            roi.shapes.insert(one.index, (one.id, spec, from_json(one.fields, spec)))
        return roi


class ImportedRois:
    """The ROIs that an import made, known by a digest of what they say: there may be very many."""

    def __init__(self) -> None:
        #: Ids of a ROI and of its shapes, by image and digest.
        self._by_image: dict[int, dict[bytes, list[tuple[int, ...]]]] = {}

    @classmethod
    def read(cls, target: Target, images: Iterable[int]) -> Self:
        """Read those of images, by their ids."""
        found = cls()
        for image, roi in iter_rois(target.reader, target.enumerations, images):
            digest = _digest(roi.values, ((shape.spec, shape.values) for shape in roi.shapes))
            ids = (roi.id, *(shape.id for shape in roi.shapes))
            found._by_image.setdefault(image, {}).setdefault(digest, []).append(ids)
        return found

    def are_on(self, image: int) -> bool:
        """Tell whether an image has any that were not taken."""
        return bool(self._by_image.get(image))

    def take(self, image: int, digest: bytes) -> tuple[int, ...] | None:
        """Take the oldest that says something out; return its id and those of its shapes."""
        same = self._by_image.get(image, {}).get(digest)
        return same.pop(0) if same else None

    @property
    def left(self) -> list[int]:
        """Ids of those that were not taken."""
        return [
            ids[0] for by_digest in self._by_image.values() for each in by_digest.values() for ids in each
        ]


class RoiRestorer:
    """Restores the ROIs of one document.

    Parameters
    ----------
    there
        Those that are kept where the document has the same.
    needed
        LSIDs of shapes of which it must be known what they became.
    """

    def __init__(self, target: Target, there: ImportedRois, *, needed: Collection[str]) -> None:
        self._target = target
        self._there = there
        self._needed = needed
        #: What ROIs and needed shapes became, by LSID.
        self.made: dict[str, ObjectRef] = {}
        #: LSIDs of those that no import had made.
        self.new: set[str] = set()

    def restore(self, wanted: Wanted) -> None:
        """Make the ROIs of images as wanted; what the import made beyond them stays for now."""
        pending: list[Pending] = []
        for ids in self._target.insert(self._new(wanted, pending), doing=_DOING):
            self._note(pending, ids)

    def _new(self, wanted: Wanted, pending: list[Pending]) -> Iterator[Any]:
        """Yield those ROIs to insert that no existing one equals; notes them in `pending`."""
        assigner = self._target.assigner()
        for image, rois in wanted:
            for roi in rois:
                same = self._find(image, roi)
                if same is not None:
                    self._keep(roi, same)
                    continue
                made = assigner.new(ROI, roi.values)
                made.setImage(omero.model.ImageI(image, False))  # noqa: FBT003 -- a reference
                for _, spec, values in roi.shapes:
                    made.addShape(assigner.new(spec, values))
                pending.append((roi, made))
                yield made

    def _find(self, image: int, roi: SourceRoi) -> tuple[int, ...] | None:
        """Return the ids of a ROI that is there and of its shapes, where one says the same."""
        if not self._there.are_on(image):
            return None
        shapes = ((spec, self._target.translated(values)) for _, spec, values in roi.shapes)
        return self._there.take(image, _digest(roi.values, shapes))

    def _keep(self, roi: SourceRoi, ids: tuple[int, ...]) -> None:
        self.made[roi.lsid] = ObjectRef("Roi", ids[0])
        for (lsid, spec, _), number in zip(roi.shapes, ids[1:], strict=True):
            self.made[lsid] = ObjectRef(spec.type, number)

    def _note(self, pending: list[Pending], ids: Sequence[int]) -> None:
        """Note what became of those that were just inserted, the first in `pending`."""
        needed: dict[tuple[int, int], tuple[str, Spec]] = {}
        for (roi, sent), number in zip(pending, ids, strict=False):
            # ROI and shapes hold each other: thousands would wait for somebody to look for garbage
            sent.clearShapes()
            self.made[roi.lsid] = ObjectRef("Roi", number)
            self.new.add(roi.lsid)
            for place, (lsid, spec, _) in enumerate(roi.shapes):
                if lsid in self._needed:
                    needed[number, place] = lsid, spec
        del pending[: len(ids)]
        rois = [number for number, _ in needed]
        for roi_id, place, shape_id in self._target.reader.rows(_SHAPES, rois, doing=_DOING):
            if (roi_id, place) in needed:
                lsid, spec = needed[roi_id, place]
                self.made[lsid] = ObjectRef(spec.type, shape_id)
                self.new.add(lsid)


def _digest(values: Values, shapes: Iterable[tuple[Spec, Values]]) -> bytes:
    """Return a digest that is the same for ROIs that say the same."""
    said = (frozen(values), tuple((spec.type, frozen(each)) for spec, each in shapes))
    return hashlib.sha256(repr(said).encode("utf-8", "surrogatepass")).digest()
