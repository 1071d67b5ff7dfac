"""ROIs with shapes of every class, nulls wherever the database takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from omero_sandbox.db.schema import resolve
from omero_sandbox.db.store import Quantity, Row
from tests.worlds.rows import Rows
from tests.worlds.values import Draw

SHAPES = ("Rectangle", "Ellipse", "Point", "Line", "Polyline", "Polygon", "Label", "Mask", "Path")
_STYLES: dict[str, Callable[[Draw], Any]] = {
    "fillRule": lambda draw: draw.pick(("EvenOdd", "NonZero", "even-odd")),
    "fontFamily": lambda draw: draw.pick(("sans-serif", "serif", "monospace", "Arial")),
    "fontStyle": lambda draw: draw.pick(("Normal", "Bold", "Italic", "BoldItalic", "oblique")),
    "fontSize": lambda draw: Quantity(draw.pick((12.0, 0.0, 9.5, 1e6)), draw.pick(("POINT", "PIXEL"))),
    "strokeDashArray": lambda draw: draw.pick(("none", "5 5", "1,2 3")),
    "theZ": lambda draw: draw.integer(0, 3),
    "theT": lambda draw: draw.integer(0, 3),
    "theC": lambda draw: draw.integer(0, 3),
    "fillColor": lambda draw: draw.pick((-1, 0, 255, -256, 2**31 - 1, -(2**31), 0x00FF0080)),
    "strokeColor": lambda draw: draw.pick((-1, 0, 255, -256, 2**31 - 1, -(2**31), 0x11223344)),
    "markerStart": lambda draw: draw.pick(("Arrow", "", "dot")),
    "markerEnd": lambda draw: draw.pick(("Arrow", "", "dot")),
    "points": lambda draw: draw.pick(("0,0 10.5,3 -2,1e3", "", "1,2", "points[0,0 1,1]")),
    "d": lambda draw: draw.pick(("M 0 0 L 10 10 z", "")),
}


def add_roi(rows: Rows, image: Row) -> tuple[Row, list[Row]]:
    """Add a ROI with up to four shapes to an image; return it and the shapes."""
    roi = rows.add("Roi", image=image)
    kinds = [rows.draw.pick(SHAPES) for _ in range(rows.draw.integer(0, 4))]
    return roi, [_add_shape(rows, roi, position, kind) for position, kind in enumerate(kinds)]


def _add_shape(rows: Rows, roi: Row, position: int, kind: str) -> Row:
    draw = rows.draw
    given: dict[str, Any] = {"roi": roi, "roi_index": position, "transform": None}
    for name, chosen in _STYLES.items():
        given[name] = chosen(draw) if draw.chance(0.5) else None
    if draw.chance(0.3):
        given["transform"] = rows.add("AffineTransform").id
    if kind == "Mask":
        given |= _mask(draw)
    known = {*resolve(kind).fields, "roi_index"}
    return rows.add(kind, fill=0.8, **{name: value for name, value in given.items() if name in known})


def _mask(draw: Draw) -> dict[str, Any]:
    """Return a place and its bits, one for each pixel (omero-model roi.ome.xml, Mask.bytes)."""
    if draw.chance(0.1):
        return {"x": None, "width": None, "bytes": None}
    width, height = draw.integer(1, 40), draw.integer(1, 10)
    size = -(-width * height // 8)
    return {
        "x": float(draw.integer(-5, 50)),
        "y": draw.double(),
        "width": float(width),
        "height": float(height),
        "bytes": draw.random.randbytes(size),
    }
