"""Fields of ROIs and of the shapes in them (omero-model roi.ome.xml, OME 2016-06 schema)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ome_types import model

from omero_rocrate_transfer.server.mapping.fields import Field, Spec, one, part

TRANSFORM: Final = Spec(
    "AffineTransform",
    model.AffineTransform,
    tuple(one(name, "float", required=True) for name in ("a00", "a10", "a01", "a11", "a02", "a12")),
)
ROI: Final = Spec("Roi", model.ROI, (one("name", "text"), one("description", "text")))
_COMMON: Final = (
    one("theZ", "natural"),
    one("theT", "natural"),
    one("theC", "natural"),
    one("locked", "bool"),
    part("transform", TRANSFORM),
    one("fillColor", "color"),
    one("fillRule", "word"),
    one("strokeColor", "color"),
    one("strokeDashArray", "text"),
    one("strokeWidth", "unit:Length"),
    one("fontFamily", "word"),
    one("fontSize", "points:Length"),
    one("fontStyle", "word"),
    one("textValue", "text", "text"),
)
_MARKERS: Final = (one("markerStart", "word"), one("markerEnd", "word"))


def _numbers(*names: str) -> tuple[Field, ...]:
    return tuple(one(name, "float", required=True) for name in names)


def _shape(type_name: str, element: Any, *fields: Field) -> Spec:
    return Spec(type_name, element, (*_COMMON, *fields))


_ALL: Final = (
    _shape("Label", model.Label, *_numbers("x", "y")),
    _shape("Point", model.Point, *_numbers("x", "y")),
    _shape("Rectangle", model.Rectangle, *_numbers("x", "y", "width", "height")),
    _shape("Ellipse", model.Ellipse, *_numbers("x", "y", "radiusX", "radiusY")),
    _shape("Line", model.Line, *_numbers("x1", "y1", "x2", "y2"), *_MARKERS),
    _shape("Polyline", model.Polyline, one("points", "text", required=True), *_MARKERS),
    _shape("Polygon", model.Polygon, one("points", "text", required=True)),
    _shape(
        "Mask",
        model.Mask,
        *_numbers("x", "y", "width", "height"),
        one("bytes", "bytes", "bin_data", required=True),
        one("pixels", "ref:Pixels", ""),
    ),
    # OME 2016-06 has no element for it
    _shape("Path", None, one("d", "text", "")),
)
SHAPES: Final[Mapping[str, Spec]] = {spec.type: spec for spec in _ALL}
