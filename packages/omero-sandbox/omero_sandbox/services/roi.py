"""Regions of interest (omero.api.IRoi; omero-blitz RoiI), without the geometry and statistics of shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import omero
import omero.clients

from omero_sandbox.hql.parameters import Parameters
from omero_sandbox.hql.reader import Reader

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext

# ROIs without shapes are not found: the join to the shapes is an inner one.
_ROIS = "select distinct r from Roi r join fetch r.shapes s"
_FOLDERS = " left outer join fetch r.folderLinks f left outer join fetch f.parent"
_MEASURED = (
    " join r.image i join i.wellSamples ws join ws.well well join well.plate plate "
    "join plate.annotationLinks links join links.child a"
)
_MEASUREMENTS = (
    "select distinct fa from Image i join i.wellSamples ws join ws.well well join well.plate plate "
    "join plate.annotationLinks links join links.child fa, Roi roi join roi.annotationLinks rlinks "
    "join rlinks.child rfa where fa.ns = :ns and rfa.id = fa.id and i.id = :id and i.id = roi.image.id"
)


class RoiService:
    """One method per operation."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    def findByImage(self, call: Call, imageId: int, opts: Any) -> Any:
        """Give the ROIs of an image that have shapes."""
        return _find(call, _FOLDERS, ["r.image.id = :id"], opts, id=imageId)

    def findByRoi(self, call: Call, roiId: int, opts: Any) -> Any:
        """Give one ROI if it has shapes."""
        return _find(call, "", ["r.id = :id"], opts, id=roiId)

    def findByPlane(self, call: Call, imageId: int, z: int, t: int, opts: Any) -> Any:
        """Give the ROIs with shapes on a plane, with these shapes only."""
        where = ["r.image.id = :id", "(s.theZ is null or s.theZ = :z)", "(s.theT is null or s.theT = :t)"]
        return _find(call, _FOLDERS, where, opts, id=imageId, z=z, t=t)

    def getMeasuredRois(self, call: Call, imageId: int, annotationId: int, opts: Any) -> Any:
        """Give the ROIs of an image whose plate has a measurement."""
        return _find(
            call, _MEASURED, ["a.id = :annotation", "i.id = :id"], None, id=imageId, annotation=annotationId
        )

    def getMeasuredRoisMap(self, call: Call, imageId: int, annotationIds: list[int], opts: Any) -> Any:
        """Give the ROIs of an image by measurement."""
        return {each: self.getMeasuredRois(call, imageId, each, opts) for each in annotationIds}

    def getRoiMeasurements(self, call: Call, imageId: int, opts: Any) -> list[Any]:
        """Give the measurements of an image's plate that are linked to its ROIs."""
        ns = omero.constants.namespaces.NSMEASUREMENT
        return Reader(call).objects(_MEASUREMENTS, id=imageId, ns=ns)


def _find(call: Call, joins: str, where: list[str], opts: Any, **values: Any) -> Any:
    offset, limit = 0, None
    if opts is not None:
        offset, limit = (opts.offset.val if opts.offset else 0), (opts.limit.val if opts.limit else None)
        for kind, wanted in (("owner", opts.userId), ("group", opts.groupId)):
            if wanted is not None:
                where = [*where, f"r.details.{kind}.id = :{kind}"]
                values[kind] = wanted.val
    reader = Reader(call)
    text = f"{_ROIS}{joins} where {' and '.join(where)} order by r.id"
    rois = reader.load(reader.answer(text, Parameters(values, offset, limit)))
    return _result(rois, opts)


def _result(rois: list[Any], opts: Any) -> Any:
    """Sort the shapes by plane; -1 stands for shapes on all planes."""
    by_z: dict[int, list[Any]] = {}
    by_t: dict[int, list[Any]] = {}
    for roi in rois:
        for shape in filter(None, roi.copyShapes()):
            by_z.setdefault(-1 if shape.theZ is None else shape.theZ.val, []).append(shape)
            by_t.setdefault(-1 if shape.theT is None else shape.theT.val, []).append(shape)
    return omero.api.RoiResult(opts, rois, by_z, by_t)
