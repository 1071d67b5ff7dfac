"""ROIs: those that the import made and the document has are kept, the others made or removed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import omero.model
from ome_types import OME, model

from omero_rocrate_transfer.model.errors import UnsafeCrateError
from omero_rocrate_transfer.model.extras import ExtraObject, Extras
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.content.elements import from_json, values_of
from omero_rocrate_transfer.server.content.fields import Spec, Values
from omero_rocrate_transfer.server.content.restore.target import Target, frozen
from omero_rocrate_transfer.server.content.rois import RoiContent
from omero_rocrate_transfer.server.content.shapes import ROI, SHAPES

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


class SourceRois:
    """The ROIs of a document, one after the other."""

    def __init__(self, document: OME, extras: Extras) -> None:
        self._elements = {roi.id: roi for roi in document.rois}
        self._fields = extras.fields
        self._order = extras.shapes
        self._outside: dict[str, list[ExtraObject]] = defaultdict(list)
        for one in extras.objects:
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


class RoiRestorer:
    """Restores the ROIs of one document.

    Parameters
    ----------
    complete
        Whether ROIs that the document does not have shall go.
    needed
        LSIDs of shapes of which it must be known what they became.
    """

    def __init__(self, target: Target, *, complete: bool, needed: Collection[str]) -> None:
        self._target = target
        self._complete = complete
        self._needed = needed
        #: What ROIs and needed shapes became, by LSID.
        self.made: dict[str, ObjectRef] = {}
        #: LSIDs of those that no import had made.
        self.new: set[str] = set()

    def restore(self, wanted: Wanted, there: Mapping[int, Sequence[RoiContent]]) -> None:
        """Make the ROIs of images as wanted.

        Parameters
        ----------
        wanted, there
            By the id of the image on the target.
        """
        pending: list[SourceRoi] = []
        gone: list[int] = []
        new = self._new(wanted, there, pending, gone)
        for ids in self._target.insert(new, doing=_DOING):
            self._note(pending, ids)
        if self._complete:
            self._target.delete("Roi", gone)

    def _new(
        self,
        wanted: Wanted,
        there: Mapping[int, Sequence[RoiContent]],
        pending: list[SourceRoi],
        gone: list[int],
    ) -> Iterator[Any]:
        """Yield those ROIs to insert that no existing one equals; notes them in `pending`."""
        assigner = self._target.assigner()
        for image, rois in wanted:
            known: dict[Any, list[RoiContent]] = defaultdict(list)
            for content in there.get(image, ()):
                shapes = [(shape.spec, shape.values) for shape in content.shapes]
                known[_canonical(content.values, shapes)].append(content)
            for roi in rois:
                wanted_shapes = (
                    [(spec, self._target.translated(values)) for _, spec, values in roi.shapes]
                    if known
                    else []
                )
                same = known and known.get(_canonical(roi.values, wanted_shapes))
                if same:
                    self._keep(roi, same.pop(0))
                    continue
                made = assigner.new(ROI, roi.values)
                made.setImage(omero.model.ImageI(image, False))  # noqa: FBT003 -- a reference
                for _, spec, values in roi.shapes:
                    made.addShape(assigner.new(spec, values))
                pending.append(roi)
                yield made
            gone += [content.id for contents in known.values() for content in contents]

    def _keep(self, roi: SourceRoi, content: RoiContent) -> None:
        self.made[roi.lsid] = ObjectRef("Roi", content.id)
        for (lsid, spec, _), shape in zip(roi.shapes, content.shapes, strict=True):
            self.made[lsid] = ObjectRef(spec.type, shape.id)

    def _note(self, pending: list[SourceRoi], ids: Sequence[int]) -> None:
        """Note what became of those that were just inserted, the first in `pending`."""
        needed: dict[tuple[int, int], tuple[str, Spec]] = {}
        for roi, number in zip(pending, ids, strict=False):
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


def _canonical(values: Values, shapes: Iterable[tuple[Spec, Values]]) -> Any:
    return (frozen(values), tuple((spec.type, frozen(values)) for spec, values in shapes))
