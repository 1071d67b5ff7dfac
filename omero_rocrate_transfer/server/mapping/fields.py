"""The fields of OMERO's classes as plain values, the same for reading, comparing and writing.

`Values` hold what is set, by OMERO's names: str, int, float, bool, bytes; times in ms; quantities as (value,
name of the unit); maps as tuples of pairs; references as `ObjectRef`, or a tuple of them; parts as `Values`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import omero.model
from omero.rtypes import rbool, rdouble, rint, rstring, rtime

from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.session.enumerations import Enumerations

Values = dict[str, Any]

_WRAP: Final[Mapping[str, Callable[[Any], Any]]] = {
    "text": rstring,
    "word": rstring,
    "int": rint,
    "natural": rint,
    "positive": rint,
    "color": rint,
    "float": rdouble,
    "bool": rbool,
    "time": rtime,
}


@dataclass(frozen=True)
class Field:
    """One field of a class.

    Attributes
    ----------
    name
        OMERO's name.
    kind
        ``text``, ``int``, ``float``, ``bool``, ``time``, ``map``, ``bytes``. For a text and integers with
        types of their own in the schema: ``word``, ``natural``, ``positive``, ``color``. With a class in
        `type`: ``enum`` (``enums``: a list in the schema), ``unit`` (``points``: whole ones only in the
        schema), ``ref``, ``links``, ``part``.
    type
        Class of the enumeration (``Immersion``), the quantity (``Length``) or the object (``Objective``).
    attribute
        Name in ome-types; empty where OME 2016-06 has no place for it.
    part
        Of a part, its own fields.
    required
        Whether the OME schema requires it, while OMERO knows null.
    """

    name: str
    kind: str
    type: str = ""
    attribute: str = ""
    part: Spec | None = None
    required: bool = False


@dataclass(frozen=True)
class Spec:
    """The fields of one class, and the class itself on both sides."""

    type: str
    #: Class of ome-types; None where OME 2016-06 has none.
    element: Any
    fields: tuple[Field, ...] = field(repr=False)

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """The fields by OMERO's names."""
        return {one.name: one for one in self.fields}


def one(name: str, kind: str, attribute: str | None = None, *, required: bool = False) -> Field:
    """Describe a field: ``one("lensNA", "float", "lens_na")``, ``one("type", "enum:ArcType")``.

    Without an attribute, OMERO's name in the spelling of Python; the empty one where OME has no place.
    """
    base, _, type_name = kind.partition(":")
    return Field(name, base, type_name, snake(name) if attribute is None else attribute, None, required)


def part(name: str, spec: Spec, attribute: str | None = None) -> Field:
    """Describe a field that holds an object of its own, like ``stageLabel``."""
    return Field(name, "part", spec.type, snake(name) if attribute is None else attribute, spec)


def snake(name: str) -> str:
    """Return ``camelCase`` as ``snake_case``."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def read(thing: Any, spec: Spec, enumerations: Enumerations) -> Values:
    """Return what is set of an object whose parts are loaded."""
    values: Values = {}
    # past the getters, which cost more than everything else in large answers
    members = thing.__dict__
    for one_field in spec.fields:
        if one_field.kind == "links":
            children = [link.child for link in members[f"_{one_field.name}Seq"] or () if link is not None]
            if children:
                values[one_field.name] = tuple(ObjectRef(one_field.type, child.id.val) for child in children)
            continue
        value = members[f"_{one_field.name}"]
        if value is not None:
            values[one_field.name] = _plain(value, one_field, enumerations)
    return values


def _plain(value: Any, one_field: Field, enumerations: Enumerations) -> Any:
    match one_field.kind:
        case "enum" | "enums":
            return enumerations.value(one_field.type, value)
        case "ref":
            return ObjectRef(one_field.type, value.id.val)
        case "part":
            return read(value, spec_of(one_field), enumerations)
    return _READ.get(one_field.kind, _scalar)(value)


def _scalar(value: Any) -> Any:
    return value._val  # noqa: SLF001 -- the getter costs more than the rest


def _quantity(value: Any) -> tuple[float, str]:
    return (value._value, str(value._unit))  # noqa: SLF001 -- as above


def _pairs(value: Any) -> tuple[tuple[str | None, str | None], ...]:
    return tuple((pair.name, pair.value) for pair in value if pair is not None)


_READ: Final[Mapping[str, Callable[[Any], Any]]] = {
    "unit": _quantity,
    "points": _quantity,
    "map": _pairs,
    "bytes": bytes,
}


class Assigner:
    """Sets fields of objects that are to be saved.

    Parameters
    ----------
    refs
        What the objects that `Values` refer to are on the target, under the names of their concrete classes.
    missing
        Called with an enumeration and a value that the target does not have.
    """

    def __init__(
        self,
        enumerations: Enumerations,
        refs: Mapping[ObjectRef, ObjectRef],
        missing: Callable[[str, str], object],
    ) -> None:
        self._enumerations = enumerations
        self._refs = refs
        self._missing = missing

    def new(self, spec: Spec, values: Values) -> Any:
        """Make a new object."""
        made = getattr(omero.model, f"{spec.type}I")()
        self.assign(made, spec, values)
        return made

    def assign(self, thing: Any, spec: Spec, values: Values) -> None:
        """Set all fields of the spec; those that have no value become null."""
        for one_field in spec.fields:
            value = values.get(one_field.name)
            if one_field.kind == "links":
                self._link(thing, one_field, value or ())
            elif one_field.kind == "part":
                self._assign_part(thing, one_field, value)
            else:
                setattr(thing, f"_{one_field.name}", None if value is None else self._made(value, one_field))

    def _assign_part(self, thing: Any, one_field: Field, value: Values | None) -> None:
        spec, current = spec_of(one_field), thing.__dict__[f"_{one_field.name}"]
        # Links cannot be replaced in one save: the new ones would come before the old ones go.
        fixed = any(inner.kind == "links" for inner in spec.fields)
        if value is None or current is None or fixed or not current.isLoaded():
            setattr(thing, f"_{one_field.name}", None if value is None else self.new(spec, value))
        else:
            self.assign(current, spec, value)

    def _made(self, value: Any, one_field: Field) -> Any:
        match one_field.kind:
            case "enum" | "enums":
                return self._enum(one_field.type, value)
            case "unit" | "points":
                return getattr(omero.model, f"{one_field.type}I")(*value)
            case "ref":
                return reference(self._refs[value]) if value in self._refs else None
            case "map":
                return [omero.model.NamedValue(name, text) for name, text in value]
            case "bytes":
                return value
        return _WRAP[one_field.kind](value)

    def _enum(self, type_name: str, value: str) -> Any:
        row = self._enumerations.row(type_name, value)
        if row is None:
            self._missing(type_name, value)
            row = self._enumerations.row(type_name, "Other", "Unknown")
        return row

    def _link(self, thing: Any, one_field: Field, refs: tuple[ObjectRef, ...]) -> None:
        link = getattr(thing, f"link{one_field.name[0].upper()}{one_field.name[1:].removesuffix('Link')}")
        for ref in refs:
            if ref in self._refs:
                link(reference(self._refs[ref]))


def reference(ref: ObjectRef) -> Any:
    """Return an unloaded object."""
    return getattr(omero.model, f"{ref.type}I")(ref.id, False)  # noqa: FBT003 -- a reference


def spec_of(one_field: Field) -> Spec:
    """Return the fields of a part."""
    if one_field.part is None:
        raise TypeError(f"{one_field.name} has no parts")
    return one_field.part
