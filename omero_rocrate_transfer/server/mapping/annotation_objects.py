"""Annotations of an OME document, and their extras, as objects of OMERO that can be saved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import omero.model
from ome_types import to_xml
from omero.rtypes import rbool, rdouble, rlong, rstring, rtime

from omero_rocrate_transfer.model.document import Document, structured_annotations
from omero_rocrate_transfer.model.errors import GET_AGAIN, UnsafeCrateError
from omero_rocrate_transfer.model.extras import AnnotationFacts
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.annotation_kinds import CLASSES, AnnotationClass
from omero_rocrate_transfer.server.mapping.times import milliseconds

_TYPES: Final[dict[str, Any]] = {
    "LongAnnotation": rlong,
    "DoubleAnnotation": rdouble,
    "BooleanAnnotation": rbool,
    "TimestampAnnotation": rtime,
}
_NOTHING: Final = AnnotationFacts()

#: A value in Python: a text, a number, pairs, or None.
Value = str | int | float | bool | tuple[tuple[str | None, str | None], ...] | None


@dataclass(frozen=True, slots=True)
class SourceAnnotation:
    """One annotation of a document, whatever its class."""

    lsid: str
    kind: AnnotationClass
    namespace: str | None
    description: str | None
    name: str | None
    #: Of a FileAnnotation always None: its file is no value.
    value: Value
    element: Any
    facts: AnnotationFacts

    @property
    def content(self) -> tuple[Any, ...]:
        """All that users see of it: two with the same content look the same to them."""
        # NaN is not equal to itself, but its text is.
        value = repr(self.value) if isinstance(self.value, float) else self.value
        return self.kind.omero, self.namespace, self.description, self.name, value

    def new(self) -> Any:
        """Return the annotation as an unsaved object of OMERO."""
        made = getattr(omero.model, f"{self.kind.omero}I")()
        for field, text in (("ns", self.namespace), ("description", self.description), ("name", self.name)):
            setattr(made, field, None if text is None else rstring(text))
        if self.kind.omero != "FileAnnotation" and self.kind.value is not None and self.value is not None:
            setattr(made, self.kind.value, self._value())
        return made

    def _value(self) -> Any:
        if isinstance(self.value, tuple):
            return [omero.model.NamedValue(name, text) for name, text in self.value]
        return _TYPES.get(self.kind.omero, rstring)(self.value)


def reference(ref: ObjectRef) -> Any:
    """Return an object of OMERO that only says which one it is."""
    return getattr(omero.model, f"{ref.type}I")(ref.id, False)  # noqa: FBT003 -- a reference


def new_link(link_type: str, parent: ObjectRef, annotation: ObjectRef) -> Any:
    """Return the unsaved link from an object to an annotation."""
    made = getattr(omero.model, f"{link_type}I")()
    made.setParent(reference(parent))
    made.setChild(reference(annotation))
    return made


def iter_annotations(document: Document) -> Iterator[SourceAnnotation]:
    """Yield the annotations of a document.ome.

    Raises
    ------
    UnsafeCrateError
        A value in the document.extras.annotations is no value of its class.
    """
    structured = structured_annotations(document.ome)
    for kind in CLASSES:
        for element in getattr(structured, kind.list):
            facts = document.extras.annotations.facts.get(element.id, _NOTHING)
            yield SourceAnnotation(
                lsid=element.id,
                kind=kind,
                namespace=element.namespace if facts.namespace is None else facts.namespace,
                description=element.description if facts.description is None else facts.description,
                name=facts.name,
                value=None if facts.null else _value_of(kind, element, facts),
                element=element,
                facts=facts,
            )


def value_of_object(annotation: Any, kind: AnnotationClass) -> Value:
    """Return the value of a loaded annotation of OMERO."""
    if kind.value is None or kind.omero == "FileAnnotation":
        return None
    value = getattr(annotation, kind.value)
    if value is None:
        return None
    if kind.omero == "MapAnnotation":
        return tuple((pair.name, pair.value) for pair in value if pair is not None)
    plain: Value = value.val
    return plain


def _value_of(kind: AnnotationClass, element: Any, facts: AnnotationFacts) -> Value:
    match kind.omero:
        case "ListAnnotation" | "FileAnnotation":
            return None
        case "MapAnnotation":
            return facts.pairs or tuple((pair.k, pair.value) for pair in element.value.ms)
        case "XmlAnnotation" if facts.text is None:
            return _xml_text(element)
        case "TimestampAnnotation" if facts.text is None:
            return milliseconds(element.value)
    if facts.text is None:
        value: Value = element.value
        return value
    return _value_of_text(kind, facts.text)


def _value_of_text(kind: AnnotationClass, text: str) -> Value:
    try:
        match kind.omero:
            case "DoubleAnnotation":
                return float(text)
            case "TimestampAnnotation":
                return int(text)
    except ValueError:
        raise UnsafeCrateError(f"{text!a:.100} is no value of a {kind.ome}.", hint=GET_AGAIN) from None
    return text


def _xml_text(element: Any) -> str:
    """Return what a XMLAnnotation holds, in a document of somebody who keeps no extras."""
    text = to_xml(element, indent=0)
    inner = text.partition("<Value>")[2].rpartition("</Value>")[0]
    return inner.strip()
