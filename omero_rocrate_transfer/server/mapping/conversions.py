"""Single values of OMERO as an OME document has them, and back."""

from __future__ import annotations

import base64
import math
import re
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import EnumType
from functools import cache
from typing import Any, Final

from ome_types import model
from pydantic import TypeAdapter, ValidationError

from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid
from omero_rocrate_transfer.server.mapping.fields import Field, Spec
from omero_rocrate_transfer.server.mapping.times import milliseconds, utc

#: Characters that XML 1.0 cannot hold (2.2 "Characters").
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
#: These, and those that its parsers change.
_NOT_XML: Final = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_UNITS: Final = {
    "Length": model.UnitsLength,
    "Time": model.UnitsTime,
    "Power": model.UnitsPower,
    "Pressure": model.UnitsPressure,
    "Temperature": model.UnitsTemperature,
    "Frequency": model.UnitsFrequency,
    "ElectricPotential": model.UnitsElectricPotential,
}
#: From year 1 to 9999: more is in no XML.
_EARLIEST_MS: Final = -62_135_596_800_000
_LATEST_MS: Final = 253_402_300_799_999
#: What the schema's numbers of type xsd:float can be, beside zero; OMERO's have double precision.
_SMALLEST: Final = 2.0**-126
_LARGEST: Final = (2 - 2.0**-23) * 2.0**127


def parse_ref(lsid: str) -> ObjectRef | None:
    """Return the object that an id in a document names; None where it is no LSID."""
    parsed = parse_lsid(lsid)
    return None if parsed is None else parsed[1]


def legible(text: str) -> str:
    """Return a text as XML can hold it, for names and descriptions that are kept exactly elsewhere."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


def _is_plain(text: str) -> bool:
    """Tell whether XML keeps a text; an empty one would be read as null, blanks at its ends may get lost."""
    return bool(text) and text == text.strip() and _NOT_XML.search(text) is None


def quantity(attribute: str, value: tuple[float, str], field: Field) -> dict[str, Any] | None:
    """Return both arguments of a quantity, None where the schema lacks the unit or the number."""
    number, unit = value
    units = _UNITS[field.type].__members__
    if not math.isfinite(number) or unit not in units:
        return None
    if field.kind == "points":  # whole numbers from 0 on only (OME 2016-06, Shape.FontSize)
        if number < 0 or not number.is_integer():
            return None
        number = int(number)
    return {attribute: number, f"{attribute}_unit": units[unit]}


def fits(value: Any, spec: Spec, attribute: str) -> bool:
    """Tell whether a number is in the range of the schema, which is often narrower than OMERO's."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return True
    if isinstance(value, float) and value and not _SMALLEST <= abs(value) <= _LARGEST:
        return False
    validator = _validator(spec.element, attribute)
    if validator is None:
        return True
    try:
        validator.validate_python(value)
    except ValidationError:
        return False
    return True


@cache
def _validator(element: Any, attribute: str) -> TypeAdapter[Any] | None:
    """Return what knows the range of an attribute, None where the schema sets none."""
    field = element.model_fields[attribute]
    return TypeAdapter(typing.Annotated[field.annotation, *field.metadata]) if field.metadata else None


def same(value: Any, *_: object) -> Any:
    """Return the value, which a document has as it is."""
    return value


def _text(value: str, *_: object) -> str | None:
    return value if _is_plain(value) else None


def _word(value: str, spec: Spec, attribute: str) -> Any:
    return _words(spec.element, attribute).get(value)


def _word_in_list(value: str, spec: Spec, attribute: str) -> list[Any] | None:
    word = _word(value, spec, attribute)
    return None if word is None else [word]


def _moment(value: int, *_: object) -> datetime | None:
    return utc(value) if _EARLIEST_MS <= value <= _LATEST_MS else None


def _number(value: float, *_: object) -> float | None:
    return value if math.isfinite(value) else None


def _positive(value: int, *_: object) -> int | None:
    return value if value > 0 else None


def _natural(value: int, *_: object) -> int | None:
    return value if value >= 0 else None


def _map(value: tuple[tuple[str | None, str | None], ...], *_: object) -> model.Map | None:
    if not all(name and text and _is_plain(name) and _is_plain(text) for name, text in value):
        return None
    return model.Map(ms=[model.Map.M(k=name or "", value=text or "") for name, text in value])


def binary(data: bytes, *_: object) -> model.BinData:
    """Return the element for bytes."""
    # the length is that of the text (OME 2016-06, BinData.Length)
    return model.BinData(value=data, big_endian=True, length=len(base64.b64encode(data)))


@cache
def _words(element: Any, attribute: str) -> Mapping[str, Any]:
    """Return the words that the schema knows for an attribute."""
    return {word.value: word for word in class_of(element, attribute, EnumType)}


@cache
def class_of(element: Any, attribute: str, kind: type) -> Any:
    """Return the class that an attribute of an element takes."""
    annotation = element.model_fields[attribute].annotation
    found = typing.get_args(annotation) or (annotation,)
    return next(one for one in found if isinstance(one, kind) and one is not type(None))


def _ref_of(value: Any) -> ObjectRef | None:
    return parse_ref(value if isinstance(value, str) else value.id)


#: What a document says for a value, None where it cannot.
SAID: Final[Mapping[str, Callable[[Any, Spec, str], Any]]] = {
    "text": _text,
    "enum": _word,
    "word": _word,
    "enums": _word_in_list,
    "time": _moment,
    "float": _number,
    "natural": _natural,
    "positive": _positive,
    "map": _map,
    "bytes": binary,
}
#: The value for what a document says.
PLAIN: Final[Mapping[str, Callable[[Any], Any]]] = {
    "text": str,
    "enum": lambda word: str(word.value),
    "word": lambda word: str(word.value),
    # OMERO takes one of them only
    "enums": lambda words: str(words[0].value) if words else None,
    "int": int,
    "natural": int,
    "positive": int,
    "bool": bool,
    "float": float,
    "time": milliseconds,
    "color": lambda color: color.as_int32(),
    "map": lambda pairs: tuple((pair.k, pair.value) for pair in pairs.ms),
    "bytes": lambda data: bytes(data.value),
    "ref": _ref_of,
    "links": lambda refs: tuple(ref for each in refs if (ref := _ref_of(each)) is not None),
}
