"""The writer says the same as xsdata, the library that ome-types uses, of every class and field."""

from __future__ import annotations

import typing
from datetime import UTC, datetime
from enum import EnumType
from itertools import count
from typing import Any

import pytest
from lxml import etree
from ome_types import OME, model
from pydantic import BaseModel
from xsdata_pydantic_basemodel.bindings import SerializerConfig, XmlSerializer
from xsdata_pydantic_basemodel.compat import AnyElement

from omero_rocrate_transfer.crate.omexml_writer import write_xml

OME_XML = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
#: Deeper than any class that does not hold itself.
DEEPEST = 9
numbers = count()
PLAIN: dict[Any, Any] = {
    str: lambda: f" <&>'\"\t größe {next(numbers)}\n",
    int: lambda: next(numbers),
    float: lambda: next(numbers) / 3 * 10.0 ** (next(numbers) % 40 - 20),
    bool: lambda: next(numbers) % 2 == 0,
    bytes: lambda: bytes([next(numbers) % 256, 0, 255]),
    datetime: lambda: datetime.fromtimestamp(next(numbers) * 1001.001, UTC),
    model.Color: lambda: model.Color(next(numbers) * 1_000_003 % 2**31),
    object: lambda: AnyElement(qname="{urn:x}a", text="t", children=[AnyElement(qname="b")]),
}


def xsdata_xml(document: OME) -> str:
    config = SerializerConfig(indent="", xml_declaration=False, ignore_unset_attributes=True)
    config.schema_location = f"{OME_XML} {OME_XML}/ome.xsd"
    return str(XmlSerializer(config=config).render(document, ns_map={None: OME_XML}))


def canonical(text: str) -> str:
    return str(etree.canonicalize(text, rewrite_prefixes=True))


def make(kind: Any, depth: int) -> Any:
    """Make a value of a type; a model has all of its fields set, as far as the depth allows."""
    options = [one for one in typing.get_args(kind) if one is not type(None)]
    if typing.get_origin(kind) is list:
        return [made for _ in range(2) if (made := make(options[0], depth)) is not None]
    if options:
        return make(options[0], depth)
    if isinstance(kind, EnumType):
        return list(kind)[next(numbers) % len(kind)]
    if kind in PLAIN:
        return PLAIN[kind]()
    if depth == DEEPEST:
        return None
    fields = {name: make(field.annotation, depth + 1) for name, field in kind.model_fields.items()}
    return kind.model_construct(**{name: value for name, value in fields.items() if value is not None})


def document_of(shape: Any) -> OME:
    union: Any = [shape]
    return OME(rois=[model.ROI(id="ROI:1", union=union)])


def classes_in(thing: Any) -> set[type]:
    if isinstance(thing, list):
        return set().union(*map(classes_in, thing))
    if not isinstance(thing, BaseModel):
        return set()
    return {type(thing)}.union(*map(classes_in, thing.__dict__.values()))


def test_every_field_of_every_class_is_written_as_xsdata_writes_it() -> None:
    document = make(OME, 0)

    assert len(classes_in(document)) > 80
    assert canonical(write_xml(document)) == canonical(xsdata_xml(document))


def test_nothing_is_written_of_what_was_not_set() -> None:
    shape = model.Rectangle(id="Shape:1", x=0, y=1, width=2, height=3, stroke_width=None)

    text = write_xml(document_of(shape))

    assert '<Rectangle ID="Shape:1" X="0.0" Y="1.0" Width="2.0" Height="3.0"/>' in text


@pytest.mark.parametrize("value", [1e-300, 1e300, 0.1, -0.0, 123456789.0, 1e16, float("inf"), float("nan")])
def test_numbers_are_written_as_xsdata_writes_them(value: float) -> None:
    document = document_of(model.Point(id="Shape:1", x=value, y=value))

    assert canonical(write_xml(document)) == canonical(xsdata_xml(document))


def test_what_was_added_to_lists_later_is_written() -> None:
    document = OME()
    document.rois.append(model.ROI(id="ROI:1"))
    document.rois[0].union.append(model.Point(id="Shape:1", x=0, y=0))

    assert '<ROI ID="ROI:1"><Union><Point ID="Shape:1" X="0.0" Y="0.0"/></Union></ROI>' in write_xml(document)
