"""Annotations and ROIs of a file as rows."""

import zlib
from typing import Any
from xml.etree import ElementTree as ET

from ome_types import model as ome

from omero_sandbox.db.store import Row
from omero_sandbox.repository.model_rows import pairs
from omero_sandbox.repository.writer import RowWriter

_VALUES = {
    "CommentAnnotation": "textValue",
    "TagAnnotation": "textValue",
    "LongAnnotation": "longValue",
    "DoubleAnnotation": "doubleValue",
    "BooleanAnnotation": "boolValue",
    "TermAnnotation": "termValue",
}


def add_annotations(writer: RowWriter, annotations: ome.StructuredAnnotations | None) -> None:
    """Insert all annotations but those of files, whose bytes an import does not take over."""
    if annotations is None:
        return
    for name in type(annotations).model_fields:
        for annotation in getattr(annotations, name):
            kind = type(annotation).__name__.replace("XMLAnnotation", "XmlAnnotation")
            if kind != "FileAnnotation":
                writer.add(annotation, kind, **_value(annotation, kind))
                _register_namespace(writer, annotation.namespace)


def _register_namespace(writer: RowWriter, name: str | None) -> None:
    """Make a namespace known, as a database trigger does."""
    if name and writer.store.lookup("Namespace", "name", name) is None:
        writer.store.insert("Namespace", {"name": name}, event=writer.event)


def _value(annotation: Any, kind: str) -> dict[str, Any]:
    if kind == "MapAnnotation":
        return {"mapValue": pairs(annotation.value)}
    if kind == "XmlAnnotation":
        return {"textValue": "".join(map(_xml, annotation.value.any_elements))}
    if kind == "TimestampAnnotation":
        return {"timeValue": round(annotation.value.timestamp() * 1000)}
    return {_VALUES[kind]: annotation.value} if kind in _VALUES else {}


def _xml(element: Any) -> str:
    return ET.tostring(_element(element), encoding="unicode")


def _element(source: Any) -> ET.Element:
    element = ET.Element(source.qname, dict(source.attributes))
    element.text, element.tail = source.text or None, source.tail
    element.extend(map(_element, source.children))
    return element


def add_rois(writer: RowWriter, document: ome.OME) -> None:
    """Insert the ROIs that an image refers to."""
    rois = {roi.id: roi for roi in document.rois}
    for image in document.images:
        for ref in image.roi_refs:
            if ref.id in rois:
                _add_roi(writer, rois[ref.id], writer.known[image.id])


def _add_roi(writer: RowWriter, roi: ome.ROI, image: Row) -> None:
    row = writer.add(roi, "Roi", image=image.id)
    for position, shape in enumerate(roi.union):
        transform = shape.transform and writer.add(shape.transform, "AffineTransform").id
        extra = _mask(shape) if isinstance(shape, ome.Mask) else {}
        values = {"roi": row.id, "roi_index": position, "transform": transform, "textValue": shape.text}
        writer.add(shape, type(shape).__name__, **values, **extra)


def _mask(shape: ome.Mask) -> dict[str, Any]:
    data = shape.bin_data
    compression = getattr(data.compression, "value", "none")
    return {"bytes": zlib.decompress(data.value) if compression == "zlib" else data.value}
