"""Writes objects of ome-types as XML: the same as xsdata does, in a quarter of its time.

xsdata asks of every value of every object how it is to be written; here each class is looked at once. Names,
order and the text of unusual values are still xsdata's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from ome_types.model import XMLAnnotation
from pydantic import BaseModel
from xsdata.formats.converter import converter
from xsdata.formats.dataclass.serializers.writers.native import XmlEventWriter
from xsdata_pydantic_basemodel.bindings import SerializerConfig, XmlContext, XmlSerializer

from omero_rocrate_transfer.crate.vocabulary import OME as NAMESPACE

#: Makes the text of a value.
Render = Callable[[Any], str]

_ROOT: Final = {
    "xmlns": NAMESPACE,
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xsi:schemaLocation": f"{NAMESPACE} {NAMESPACE}/ome.xsd",
}
_CONTEXT: Final = XmlContext()
#: Types whose text needs no look at the field.
_RENDER: Final[Mapping[type, Render]] = {str: str, int: str, bool: lambda value: "true" if value else "false"}


@dataclass(frozen=True, slots=True)
class _Member:
    """One field of a class, and its name in XML."""

    field: str
    name: str
    #: Of the text, such as ``base64``.
    format: str | None

    def render(self, value: Any) -> str:
        """Return the text of a value."""
        known = _RENDER.get(type(value))
        return str(converter.serialize(value, format=self.format)) if known is None else known(value)


@dataclass(frozen=True, slots=True)
class _Layout:
    """What a class looks like in XML."""

    attributes: tuple[_Member, ...]
    #: Elements, the text (without a name) among them.
    content: tuple[_Member, ...]


def write_xml(document: BaseModel) -> str:
    """Return a document as XML, without a declaration; what was not set is left out.

    Text that XML cannot hold is in it as it is.
    """
    parts: list[str] = []
    root = "".join(f' {name}="{value}"' for name, value in _ROOT.items())
    _write(document, type(document).__name__, parts, root)
    return "".join(parts)


def _write(thing: BaseModel, name: str, parts: list[str], attributes: str = "") -> None:
    if isinstance(thing, XMLAnnotation):
        parts.append(_render_open(thing))
        return
    layout = _layout(type(thing))
    values, given = thing.__dict__, thing.__pydantic_fields_set__
    parts.append(f"<{name}{attributes}")
    for member in layout.attributes:
        value = values[member.field]
        if value is not None and member.field in given:
            parts.append(f" {member.name}={quoteattr(member.render(value))}")
    end = len(parts)
    parts.append(">")
    for member in layout.content:
        value = values[member.field]
        if isinstance(value, list):
            # whether a list was set is not known, since it may have been filled later
            for one in value:
                _write_member(one, member, parts)
        elif value is not None and (member.field in given or (isinstance(value, BaseModel) and value)):
            _write_member(value, member, parts)
    if len(parts) == end + 1:
        parts[end] = "/>"
    else:
        parts.append(f"</{name}>")


def _write_member(value: Any, member: _Member, parts: list[str]) -> None:
    if isinstance(value, BaseModel):
        _write(value, member.name, parts)
    elif member.name:
        parts.append(f"<{member.name}>{escape(member.render(value))}</{member.name}>")
    else:
        parts.append(escape(member.render(value)))


@cache
def _layout(element: type[BaseModel]) -> _Layout:
    meta = _CONTEXT.build(element)
    return _Layout(
        attributes=tuple(map(_member, meta.get_attribute_vars())),
        content=tuple(map(_member, meta.get_element_vars())),
    )


def _member(var: Any) -> _Member:
    return _Member(var.name, "" if var.is_text else var.local_name, var.format)


def _render_open(thing: XMLAnnotation) -> str:
    """Leave to xsdata what may hold elements of any namespace."""
    # indentation would change the text
    config = SerializerConfig(indent="", xml_declaration=False, ignore_unset_attributes=False)
    # the other writer, taken wherever lxml is installed, refuses characters that XML cannot hold
    serializer = XmlSerializer(config=config, context=_CONTEXT, writer=XmlEventWriter)
    return str(serializer.render(thing, ns_map={None: NAMESPACE}))
