"""What IMetadata loads of channels and instruments (omero-server MetadataImpl)."""

from __future__ import annotations

from typing import Any

from omero_sandbox.hql.reader import Reader

_RANGED: dict[str, Any] = {"type": {}, "transmittanceRange": {}}
_FILTERS: dict[str, Any] = {
    "dichroic": {},
    "excitationFilterLink": {"child": _RANGED},
    "emissionFilterLink": {"child": _RANGED},
}
_OBJECTIVE: dict[str, Any] = {"immersion": {}, "correction": {}}
_LIGHT_SOURCE: dict[str, Any] = {"type": {}, "laserMedium": {}, "pulse": {}}
_PUMPED: dict[str, Any] = {**_LIGHT_SOURCE, "pump": _LIGHT_SOURCE, "instrument": {}}

_CHANNEL: dict[str, Any] = {
    "mode": {},
    "illumination": {},
    "contrastMethod": {},
    "detectorSettings": {"detector": {"type": {}}, "binning": {}},
    "lightSourceSettings": {"microbeamManipulation": {}, "lightSource": _PUMPED},
    "otf": {"pixelsType": {}, "objective": _OBJECTIVE, "filterSet": {"dichroic": {}}},
    "filterSet": _FILTERS,
    "lightPath": _FILTERS,
}
_INSTRUMENT: dict[str, Any] = {
    "microscope": {"type": {}},
    "objective": _OBJECTIVE,
    "detector": {"type": {}},
    "filter": _RANGED,
    "filterSet": {"dichroic": {}},
    "dichroic": {},
    "otf": {"pixelsType": {}, "objective": _OBJECTIVE, "filterSet": {}},
    "lightSource": _LIGHT_SOURCE,
}
# The server looks the light sources up once more by type, and has no query for GenericExcitationSource.
_LIGHT_SOURCES = frozenset({"Laser", "Filament", "Arc", "LightEmittingDiode"})


def channels(reader: Reader, ids: list[int]) -> list[Any]:
    """Build logical channels with all that belongs to their acquisition."""
    rows = reader.rows("select c from LogicalChannel c where c.id in (:ids)", ids=ids)
    return [reader.marshaller.entity(row, _CHANNEL) for (row,) in rows]


def instrument(reader: Reader, id: int) -> Any:
    """Build an instrument with all its parts but generic light sources, or give None."""
    rows = reader.rows("select i from Instrument i where i.id = :id", id=id)
    if not rows:
        return None
    row = rows[0][0]
    made = reader.marshaller.entity(row, _INSTRUMENT)
    sources = [each for each in reader.store.children(row, "lightSource") if each.type in _LIGHT_SOURCES]
    reader.marshaller.set_collection(row, "lightSource", sources)
    return made
