"""Objects of the OME schema (`ome_types`) as values of OMERO rows, field by field."""

import re
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any

from omero_sandbox.db.schema import Field, resolve
from omero_sandbox.db.store import Quantity, Store

_NAMES: dict[tuple[str, str], str] = {
    ("LogicalChannel", "pinHoleSize"): "pinhole_size",
    ("LogicalChannel", "illumination"): "illumination_type",
    ("LogicalChannel", "excitationWave"): "excitation_wavelength",
    ("LogicalChannel", "emissionWave"): "emission_wavelength",
    ("LogicalChannel", "mode"): "acquisition_mode",
    ("Detector", "offsetValue"): "offset",
    ("DetectorSettings", "offsetValue"): "offset",
    ("ImagingEnvironment", "co2percent"): "co2_percent",
    ("StageLabel", "positionX"): "x",
    ("StageLabel", "positionY"): "y",
    ("StageLabel", "positionZ"): "z",
    ("Plate", "defaultSample"): "field_index",
    ("WellSample", "posX"): "position_x",
    ("WellSample", "posY"): "position_y",
    ("Annotation", "ns"): "namespace",
}
"""Fields that OMERO and the OME schema name differently."""


def scalars(store: Store, source: Any, type_name: str) -> dict[str, Any]:
    """Convert what `source` says about the scalar, unit, map and enumeration fields of a type.

    A required enumeration that the file leaves out, or fills with a word that OMERO lacks, becomes "Unknown"
    or "Other", as the handlers in ``ome.formats.model.handler`` and the enumeration providers do.
    """
    values: dict[str, Any] = {}
    for field in resolve(type_name).fields.values():
        found = _given(source, _attribute(type_name, field.name))
        if field.kind == "scalar" and found is not None:
            values[field.name] = _scalar(found, field)
        elif field.kind == "unit" and found is not None:
            unit = getattr(source, f"{_attribute(type_name, field.name)}_unit")
            values[field.name] = Quantity(float(found), unit.name)
        elif field.kind == "one" and resolve(field.type).is_enum and (found is not None or field.required):
            values[field.name] = enum_id(store, field.type, found)
        elif field.kind == "map" and getattr(found, "ms", None) is not None:
            values[field.name] = pairs(found)
    return values


def enum_id(store: Store, type_name: str, found: Any) -> int | None:
    """Find the row of an enumeration value, else of "Unknown", else of "Other"."""
    word = found.value if isinstance(found, Enum) else found
    rows = (store.enum(type_name, value) for value in (word, "Unknown", "Other") if value is not None)
    return next((row.id for row in rows if row is not None), None)


def pairs(found: Any) -> list[tuple[str, str]]:
    """List the pairs of a map in order, duplicates included."""
    return [(m.k or "", m.value or "") for m in found.ms]


def rgba(color: Any) -> tuple[int, int, int, int]:
    """Split an OME colour into red, green, blue, alpha, 0-255."""
    number = color.as_int32() & 0xFFFFFFFF
    return number >> 24, number >> 16 & 0xFF, number >> 8 & 0xFF, number & 0xFF


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970; a time without a zone counts as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


@cache
def _attribute(type_name: str, name: str) -> str:
    for key in (type_name, resolve(type_name).root):
        if (key, name) in _NAMES:
            return _NAMES[key, name]
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _given(source: Any, attribute: str) -> Any:
    """Value of an attribute unless it is merely the schema's default."""
    return getattr(source, attribute, None) if attribute in source.model_fields_set else None


def _scalar(found: Any, field: Field) -> Any:
    if isinstance(found, Enum):
        found = found.value
    if isinstance(found, datetime):
        return milliseconds(found)
    if hasattr(found, "as_int32"):
        return found.as_int32()
    convert = {"int": int, "long": int, "double": float, "float": float, "boolean": bool}.get(field.type, str)
    return convert(found)
