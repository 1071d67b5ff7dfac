"""The fields of OMERO's classes as elements of an OME document, and back.

What a document cannot hold goes into `Leftovers` beside it, so that nothing depends on the schema's limits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from ome_types import model

from omero_rocrate_transfer.model.errors import UnsafeCrateError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.conversions import (
    PLAIN,
    SAID,
    binary,
    class_of,
    fits,
    parse_ref,
    quantity,
    same,
)
from omero_rocrate_transfer.server.mapping.fields import Field, Spec, Values, spec_of

#: By OMERO's path from the object, ``"objectiveSettings.medium"``.
Leftovers = dict[str, Any]

#: In the place of a value that is null, where the schema requires one.
_PLACEHOLDERS: Final[Mapping[str, Any]] = {"float": 0.0, "natural": 0, "text": "", "bytes": b""}
#: JSON types of what is left over, by the kind of the field.
_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    **dict.fromkeys(("text", "enum", "enums", "word", "ref"), str),
    **dict.fromkeys(("int", "natural", "positive", "time", "color"), int),
    **dict.fromkeys(("unit", "points", "map"), tuple),
    "bool": bool,
    "float": (float, int, str),
}
_COLORS: Final = ("red", "green", "blue", "alpha")


class ElementMaker:
    """Makes elements of a document.

    Parameters
    ----------
    host
        First part of the LSIDs.
    """

    def __init__(self, host: str) -> None:
        self._host = host

    def arguments(self, spec: Spec, values: Values, left: Leftovers, path: str = "") -> dict[str, Any]:
        """Return the arguments for the class of the element; what they cannot say is put into `left`."""
        made: dict[str, Any] = {}
        for field in spec.fields:
            value = values.get(field.name)
            if value is None:
                if field.required:
                    made |= self._placeholder(field)
                    left[path + field.name] = None
            elif field.kind == "part":
                inner = self.arguments(spec_of(field), value, left, f"{path}{field.name}.")
                made[field.attribute] = spec_of(field).element(**inner)
            elif (arguments := self._arguments(spec, field, value)) is not None:
                made |= arguments
            else:
                left[path + field.name] = value
                if field.required:
                    made |= self._placeholder(field)
        if "red" in spec.by_name:
            _join_color(made, left, path, values)
        return made

    def lsid(self, ref: ObjectRef) -> str:
        """Return the LSID of an object of this server."""
        return ref.lsid(self._host)

    def _placeholder(self, field: Field) -> dict[str, Any]:
        """Return what keeps the place of a value, where the schema requires one."""
        value = _PLACEHOLDERS[field.kind]
        return {field.attribute: binary(value) if field.kind == "bytes" else value}

    def _arguments(self, spec: Spec, field: Field, value: Any) -> dict[str, Any] | None:
        """Return the arguments for one field, None where the document cannot say it."""
        attribute = field.attribute
        if not attribute:
            return None
        if field.kind in {"unit", "points"}:
            made = quantity(attribute, value, field)
            return made if made is not None and fits(made[attribute], spec, attribute) else None
        said = self._reference(spec, field, value) or SAID.get(field.kind, same)(value, spec, attribute)
        return None if said is None or not fits(said, spec, attribute) else {attribute: said}

    def _reference(self, spec: Spec, field: Field, value: Any) -> Any:
        if field.kind == "links":
            return [model.FilterRef(id=self.lsid(ref)) for ref in value]
        if field.kind != "ref":
            return None
        lsid = self.lsid(value)
        return lsid if field.attribute == "id" else class_of(spec.element, field.attribute, type)(id=lsid)


def overridden(values: Values, left: Mapping[str, Any], spec: Spec, path: str = "") -> Values:
    """Return values with those that were left over in their place."""
    result = dict(values)
    for field in spec.fields:
        if field.kind == "part" and field.name in result:
            result[field.name] = overridden(result[field.name], left, spec_of(field), f"{path}{field.name}.")
        elif path + field.name in left:
            value = _from_leftover(left[path + field.name], field)
            if value is None:
                result.pop(field.name, None)
            else:
                result[field.name] = value
    return result


def values_of(element: Any, spec: Spec, left: Mapping[str, Any] | None = None) -> Values:
    """Return the values an element has, with those left over in their place."""
    values = _values_of(element, spec)
    return overridden(values, left, spec) if left else values


def _values_of(element: Any, spec: Spec) -> Values:
    values: Values = {}
    given = element.model_fields_set
    for field in spec.fields:
        if field.attribute in given and (value := getattr(element, field.attribute)) is not None:
            plain = _plain(value, element, field)
            if plain is not None and plain != ():
                values[field.name] = plain
    if "red" in spec.by_name and "color" in given and element.color is not None:
        rgba = int(element.color.as_int32()) & 0xFFFFFFFF
        values |= dict(zip(_COLORS, rgba.to_bytes(4, "big"), strict=True))
    return values


def _plain(value: Any, element: Any, field: Field) -> Any:
    if field.kind in {"unit", "points"}:
        return (float(value), getattr(element, f"{field.attribute}_unit").name)
    if field.kind == "part":
        return _values_of(value, spec_of(field))
    return PLAIN[field.kind](value)


def _join_color(made: dict[str, Any], left: Leftovers, path: str, values: Values) -> None:
    """Say a colour in one number where all four parts are there."""
    parts = [values.get(name) for name in _COLORS]
    if all(part is not None and 0 <= part <= 0xFF for part in parts):
        for name in _COLORS:
            left.pop(path + name)
        rgba = bytes(part for part in parts if part is not None)
        made["color"] = model.Color(int.from_bytes(rgba, "big", signed=True))


def json_values(values: Values, host: str, path: str = "") -> Leftovers:
    """Return values as JSON has them: parts as paths, references as LSIDs, infinity and NaN as text."""
    found: Leftovers = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= json_values(value, host, f"{path}{name}.")
        elif isinstance(value, ObjectRef):
            found[path + name] = value.lsid(host)
        elif isinstance(value, float) and not math.isfinite(value):
            found[path + name] = str(value)
        else:
            found[path + name] = value
    return found


def from_json(left: Mapping[str, Any], spec: Spec, path: str = "") -> Values:
    """Return the values that `json_values` wrote down.

    Raises
    ------
    UnsafeCrateError
        A value does not fit its field.
    """
    values: Values = {}
    for field in spec.fields:
        if field.kind == "part":
            inner = from_json(left, spec_of(field), f"{path}{field.name}.")
            if inner:
                values[field.name] = inner
        elif left.get(path + field.name) is not None:
            values[field.name] = _from_leftover(left[path + field.name], field)
    return values


def _from_leftover(value: Any, field: Field) -> Any:
    """Check a value that came from outside.

    Raises
    ------
    UnsafeCrateError
        It does not fit the field.
    """
    if value is None:
        return None
    kind = _TYPES.get(field.kind)
    if kind is None or not isinstance(value, kind) or (isinstance(value, bool) and field.kind != "bool"):
        raise UnsafeCrateError(f"The extras of a document give {field.name} the value {value!r:.100}.")
    if field.kind == "ref":
        return _from_lsid(str(value), field)
    try:
        return float(str(value)) if field.kind == "float" else value
    except ValueError:
        raise UnsafeCrateError(f"The extras of a document give {field.name} no number.") from None


def _from_lsid(lsid: str, field: Field) -> ObjectRef:
    ref = parse_ref(lsid)
    if ref is None or ref.type != field.type:
        raise UnsafeCrateError(f"The extras of a document say that {field.name} is {lsid!a:.100}.")
    return ref
