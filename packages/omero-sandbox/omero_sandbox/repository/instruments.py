"""Instruments of a file as rows."""

from typing import Any

from ome_types import model as ome

from omero_sandbox.db.store import Row
from omero_sandbox.repository.model_rows import pairs, scalars
from omero_sandbox.repository.writer import RowWriter

_LIGHT_SOURCES = {
    "arcs": "Arc",
    "filaments": "Filament",
    "lasers": "Laser",
    "light_emitting_diodes": "LightEmittingDiode",
    "generic_excitation_sources": "GenericExcitationSource",
}


def add_instrument(writer: RowWriter, instrument: ome.Instrument) -> Row:
    """Insert an instrument with all its parts; parts are remembered by their ids."""
    microscope = instrument.microscope and writer.add(instrument.microscope, "Microscope").id
    row = writer.add(instrument, "Instrument", microscope=microscope)
    for detector in instrument.detectors:
        writer.add(detector, "Detector", instrument=row.id)
    for objective in instrument.objectives:
        writer.add(objective, "Objective", instrument=row.id)
    _add_light_sources(writer, instrument, row)
    for dichroic in instrument.dichroics:
        writer.add(dichroic, "Dichroic", instrument=row.id)
    for each in instrument.filters:
        span = each.transmittance_range and writer.add(each.transmittance_range, "TransmittanceRange").id
        writer.add(each, "Filter", instrument=row.id, transmittanceRange=span)
    for filter_set in instrument.filter_sets:
        _add_filter_set(writer, filter_set, row)
    return row


def _add_light_sources(writer: RowWriter, instrument: ome.Instrument, row: Row) -> None:
    for attribute, type_name in _LIGHT_SOURCES.items():
        for source in getattr(instrument, attribute):
            extra = {"map": pairs(source.map)} if getattr(source, "map", None) else {}
            writer.add(source, type_name, instrument=row.id, **extra)
    for laser in instrument.lasers:
        if laser.pump is not None:
            writer.store.update(writer.known[laser.id], {"pump": writer.id_of(laser.pump)})


def _add_filter_set(writer: RowWriter, filter_set: ome.FilterSet, instrument: Row) -> None:
    dichroic = writer.id_of(filter_set.dichroic_ref)
    row = writer.add(filter_set, "FilterSet", instrument=instrument.id, dichroic=dichroic)
    for ref in filter_set.excitation_filters:
        writer.link("FilterSetExcitationFilterLink", row, writer.known[ref.id])
    for ref in filter_set.emission_filters:
        writer.link("FilterSetEmissionFilterLink", row, writer.known[ref.id])


def channel_references(writer: RowWriter, channel: ome.Channel) -> dict[str, Any]:
    """Insert the settings of one channel; return the references of its LogicalChannel."""
    return {
        "detectorSettings": _settings(writer, channel.detector_settings, "DetectorSettings", "detector"),
        "lightSourceSettings": _settings(
            writer, channel.light_source_settings, "LightSettings", "lightSource"
        ),
        "filterSet": writer.id_of(channel.filter_set_ref),
        "lightPath": channel.light_path and _add_light_path(writer, channel.light_path).id,
    }


def add_objective_settings(writer: RowWriter, settings: ome.ObjectiveSettings | None) -> int | None:
    """Insert the settings of an image's objective; None if the file has none."""
    return _settings(writer, settings, "ObjectiveSettings", "objective")


def _settings(writer: RowWriter, settings: Any, type_name: str, part: str) -> int | None:
    if settings is None or settings.id not in writer.known:
        return None
    values = scalars(writer.store, settings, type_name)
    return writer.insert(type_name, {**values, part: writer.known[settings.id].id}).id


def _add_light_path(writer: RowWriter, path: ome.LightPath) -> Row:
    row = writer.add(path, "LightPath", dichroic=writer.id_of(path.dichroic_ref))
    for position, ref in enumerate(path.excitation_filters):
        ends = {"parent": row.id, "child": writer.known[ref.id].id, "parent_index": position}
        writer.insert("LightPathExcitationFilterLink", ends)
    for ref in path.emission_filters:
        writer.link("LightPathEmissionFilterLink", row, writer.known[ref.id])
    return row
