"""OMERO's annotations as elements of an OME document, with what the element cannot hold beside it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from threading import Lock
from typing import Any, Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from ome_types import OME, model
from xsdata.exceptions import ParserError
from xsdata_pydantic_basemodel.bindings import XmlParser

from omero_rocrate_transfer.model.document import structured_annotations
from omero_rocrate_transfer.model.extras import AnnotationFacts, FileFacts, Place
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.annotation_kinds import BY_OMERO
from omero_rocrate_transfer.server.mapping.times import EARLIEST_MS, LATEST_MS, iso_utc, utc

#: Keep the place of a value that is not there, or that the element cannot hold.
_PLACE_HOLDERS: Final[dict[str, Any]] = {
    "LongAnnotation": 0,
    "DoubleAnnotation": 0.0,
    "BooleanAnnotation": False,
    "TimestampAnnotation": datetime(1970, 1, 1),  # noqa: DTZ001 -- ome-types writes times without zone
}
_OF_URI: Final = r"""(?:[^\x00-\x20\x7f<>"{}|\\^`%\[\]#\ud800-\udfff\ufffe\uffff]|%[0-9A-Fa-f]{2})*"""
#: An international URI or a reference (RFC 3987), roughly: the schema wants one for namespaces.
_URI: Final = re.compile(rf"(?:[A-Za-z][A-Za-z0-9+.-]*:|(?=[^:/?#]*(?:[/?#]|\Z))){_OF_URI}(?:\#{_OF_URI})?\Z")
_TEMPLATE: Final = (
    '<XMLAnnotation xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
    "<Value>{}</Value></XMLAnnotation>"
)
_PARSING: Final = Lock()
#: What XML 1.0 cannot hold at all (2.2 "Characters").
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def annotation_element(annotation: Any, host: str, *, client_paths: bool) -> tuple[Any, AnnotationFacts]:
    """Return the element for a loaded annotation, and the facts that it cannot hold.

    Parameters
    ----------
    annotation
        With owner, creation event and, for a FileAnnotation, file and hasher loaded.
    host
        For LSIDs.
    client_paths
        Whether the facts tell where an attached file was uploaded from.
    """
    name = class_of(annotation)
    element = getattr(model, BY_OMERO[name].ome)
    fields: dict[str, Any] = {
        "id": ObjectRef("Annotation", annotation.id.val).lsid(host),
        "annotator": ObjectRef("Experimenter", annotation.details.owner.id.val).lsid(host),
    }
    facts: dict[str, Any] = {"created": iso_utc(annotation.details.creationEvent.time.val)}
    for key, text, said in (
        ("namespace", annotation.ns, _uri),
        ("description", annotation.description, _clean),
    ):
        if text is not None:
            fields[key] = said(text.val)
            if fields[key] != text.val:
                facts[key] = text.val
    if annotation.name is not None:
        facts["name"] = annotation.name.val
    value, more = _VALUES.get(name, _plain)(annotation, host)
    if client_paths and (file := more.get("file")) is not None:
        more["file"] = replace(file, path=annotation.file.path.val)
    key = "binary_file" if name == "FileAnnotation" else "value"
    if name != "ListAnnotation":
        fields[key] = value
    return element(**fields), AnnotationFacts(**facts, **more)


def class_of(annotation: Any) -> str:
    """Return the class of a loaded annotation in OMERO."""
    return str(type(annotation).__name__).removesuffix("I")


def iter_annotatable(document: OME, places: Mapping[str, Place]) -> Iterator[tuple[str, Any]]:
    """Yield LSID and element of everything in a document that refers to annotations, but annotations.

    Parameters
    ----------
    places
        Of those that have no ids, by LSID; the others of their kinds are left out.
    """
    yield from ((element.id, element) for element in _iter_with_ids(document))
    if places:
        yield from _iter_at(document, places)


def iter_annotation_elements(document: OME) -> Iterator[Any]:
    """Yield the annotations of a document."""
    structured = structured_annotations(document)
    for kind in BY_OMERO.values():
        yield from getattr(structured, kind.list)


def _iter_at(document: OME, places: Mapping[str, Place]) -> Iterator[tuple[str, Any]]:
    known = {image.pixels.id: image.pixels for image in document.images}
    channels = {channel.id: channel for pixels in known.values() for channel in pixels.channels}
    for lsid, place in places.items():
        if place.of in channels and (path := channels[place.of].light_path) is not None:
            yield lsid, path
        elif place.of in known and 0 <= place.index < len(known[place.of].planes):
            yield lsid, known[place.of].planes[place.index]


def _iter_with_ids(document: OME) -> Iterator[Any]:
    yield from (*document.projects, *document.datasets, *document.folders, *document.images, *document.plates)
    for image in document.images:
        yield from image.pixels.channels
    for plate in document.plates:
        yield from (*plate.wells, *plate.plate_acquisitions)
    for screen in document.screens:
        yield from (screen, *screen.reagents)
    for instrument in document.instruments:
        yield instrument
        yield from (*instrument.detectors, *instrument.objectives, *instrument.filters)
        yield from (*instrument.dichroics, *instrument.light_source_group)
    for roi in document.rois:
        yield roi
        yield from roi.union or ()


def _plain(annotation: Any, _host: str) -> tuple[Any, dict[str, Any]]:
    name = class_of(annotation)
    if name == "ListAnnotation":
        return None, {}
    value = getattr(annotation, BY_OMERO[name].value or "")
    if value is None:
        return _PLACE_HOLDERS.get(name, ""), {"null": True}
    if isinstance(value.val, str) and _NOT_XML.search(value.val):
        return _clean(value.val), {"text": value.val}
    return value.val, {}


def _double(annotation: Any, host: str) -> tuple[Any, dict[str, Any]]:
    value, more = _plain(annotation, host)
    return (value, more) if math.isfinite(value) else (0.0, {"text": repr(value)})


def _timestamp(annotation: Any, host: str) -> tuple[Any, dict[str, Any]]:
    value, more = _plain(annotation, host)
    if more:
        return value, more
    if EARLIEST_MS <= value <= LATEST_MS:
        return utc(value), {}
    return _PLACE_HOLDERS["TimestampAnnotation"], {"text": str(value)}


def _xml(annotation: Any, _host: str) -> tuple[Any, dict[str, Any]]:
    """Keep the exact text: a parser would give other prefixes, and OMERO does not ask for well-formed XML."""
    if annotation.textValue is None:
        return "", {"null": True}
    text = annotation.textValue.val
    try:
        value = _parsed(text)
        if _is_xml(value, text):
            return value, {"text": text}
    except ValueError:
        pass
    return _parsed(f"<Text>{escape(_clean(text))}</Text>"), {"text": text}


def _is_xml(value: Any, text: str) -> bool:
    """Tell whether there are only elements, as the schema wants it: ome-types takes texts and drops some."""
    elements = value.any_elements
    only = all(not isinstance(one, str) and not (one.tail or "").strip() for one in elements)
    return only and (bool(elements) or not text.strip())


def _parsed(text: str) -> Any:
    """Return the value of a XMLAnnotation; ome-types would make a parser for each, at 50 ms."""
    with _PARSING:
        try:
            return _parser().from_string(_TEMPLATE.format(text), model.XMLAnnotation).value
        except ParserError as error:
            raise ValueError(str(error)) from error


@cache
def _parser() -> XmlParser:
    return XmlParser()


def _map(annotation: Any, _host: str) -> tuple[Any, dict[str, Any]]:
    if annotation.mapValue is None:
        return model.Map(), {"null": True}
    pairs = tuple((pair.name, pair.value) for pair in annotation.mapValue if pair is not None)
    value = model.Map(ms=[_pair(name, text) for name, text in pairs])
    exact = all(_fits(name) and _fits(text) for name, text in pairs)
    return value, {} if exact else {"pairs": pairs}


def _pair(name: str | None, text: str | None) -> model.Map.M:
    return model.Map.M(k=None if name is None else _clean(name), value=_clean(text or ""))


def _uri(namespace: str) -> str:
    return namespace if _URI.match(namespace) else quote(namespace, safe="/")


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _fits(text: str | None) -> bool:
    return text is not None and not _NOT_XML.search(text)


def _file(annotation: Any, host: str) -> tuple[Any, dict[str, Any]]:
    file = annotation.file
    if file is None:
        return model.BinaryFile(file_name="", size=0, external=_external(None)), {"null": True}
    digest = None if file.hash is None or file.hasher is None else file.hash.val.lower()
    algorithm = file.hasher.value.val if digest is not None else None
    fields: dict[str, Any] = {"file_name": file.name.val, "size": 0 if file.size is None else file.size.val}
    if file.mimetype is not None:
        fields["mime_type"] = file.mimetype.val
    fields["external"] = _external(digest if algorithm == "SHA1-160" else None)
    facts = FileFacts(id=ObjectRef("OriginalFile", file.id.val).lsid(host), algorithm=algorithm, hex=digest)
    return model.BinaryFile(**fields), {"file": facts}


def _external(sha1: str | None) -> model.External:
    """Return the place of a file, which only its crate knows; the schema asks for a digest."""
    return model.External(href="", sha1=bytes(20) if sha1 is None else bytes.fromhex(sha1))


_VALUES: Final[dict[str, Any]] = {
    "DoubleAnnotation": _double,
    "TimestampAnnotation": _timestamp,
    "XmlAnnotation": _xml,
    "MapAnnotation": _map,
    "FileAnnotation": _file,
}
