"""Instruments with all parts, and the settings with which images and channels refer to them."""

from __future__ import annotations

from dataclasses import dataclass, field

from omero_sandbox.db.store import Row
from tests.worlds.rows import Rows

_SOURCES = ("Arc", "Filament", "LightEmittingDiode", "GenericExcitationSource")


@dataclass
class Instrument:
    """An instrument and its parts."""

    row: Row
    objectives: list[Row] = field(default_factory=list)
    detectors: list[Row] = field(default_factory=list)
    sources: list[Row] = field(default_factory=list)
    dichroics: list[Row] = field(default_factory=list)
    filters: list[Row] = field(default_factory=list)
    filter_sets: list[Row] = field(default_factory=list)
    otfs: list[Row] = field(default_factory=list)

    @property
    def annotatable(self) -> list[Row]:
        """All that annotations can hang on."""
        parts = (self.objectives, self.detectors, self.sources, self.dichroics, self.filters)
        return [self.row, *(row for rows in parts for row in rows)]


def add_instrument(rows: Rows) -> Instrument:
    """Add an instrument with up to two parts of each kind."""
    draw = rows.draw
    microscope = rows.add("Microscope") if draw.chance(0.7) else None
    made = Instrument(rows.add("Instrument", microscope=microscope and microscope.id))

    def parts(kind: str) -> list[Row]:
        return [rows.add(kind, instrument=made.row) for _ in range(draw.integer(0, 2))]

    made.objectives, made.detectors, made.dichroics = parts("Objective"), parts("Detector"), parts("Dichroic")
    made.sources = [row for kind in draw.some(_SOURCES, 2) for row in parts(kind)]
    for _ in range(draw.integer(0, 2)):
        pump = draw.pick(made.sources).id if made.sources and draw.chance(0.5) else None
        made.sources.append(rows.add("Laser", instrument=made.row, pump=pump))
    for _ in range(draw.integer(0, 3)):
        limits = rows.add("TransmittanceRange").id if draw.chance(0.6) else None
        made.filters.append(rows.add("Filter", instrument=made.row, transmittanceRange=limits))
    made.filter_sets = [_add_filter_set(rows, made) for _ in range(draw.integer(0, 2))]
    made.otfs = [_add_otf(rows, made) for _ in range(draw.integer(0, 2) if made.objectives else 0)]
    return made


def _add_otf(rows: Rows, made: Instrument) -> Row:
    draw = rows.draw
    cube = draw.pick(made.filter_sets).id if made.filter_sets and draw.chance(0.5) else None
    return rows.add(
        "OTF", instrument=made.row, objective=draw.pick(made.objectives), filterSet=cube, path=draw.name()
    )


def _add_filter_set(rows: Rows, made: Instrument) -> Row:
    draw = rows.draw
    dichroic = draw.pick(made.dichroics).id if made.dichroics and draw.chance(0.7) else None
    row = rows.add("FilterSet", instrument=made.row, dichroic=dichroic)
    for way in ("Excitation", "Emission"):
        for one in draw.some(made.filters, 2):
            rows.add(f"FilterSet{way}FilterLink", parent=row, child=one)
    return row


def use_instrument(rows: Rows, image: Row, made: Instrument) -> None:
    """Let an image and its channels refer to an instrument."""
    draw = rows.draw
    changes = {"instrument": made.row.id}
    if made.objectives and draw.chance(0.8):
        settings = rows.add("ObjectiveSettings", objective=draw.pick(made.objectives))
        changes["objectiveSettings"] = settings.id
    rows.change(image, **changes)
    for pixels in rows.store.children(image, "pixels"):
        for channel in rows.store.children(pixels, "channels"):
            logical = rows.store.get("LogicalChannel", channel.values["logicalChannel"])
            if logical is not None and draw.chance(0.7):
                _use_parts(rows, logical, made)


def _use_parts(rows: Rows, logical: Row, made: Instrument) -> None:
    draw = rows.draw
    changes = {}
    if made.detectors and draw.chance(0.6):
        changes["detectorSettings"] = rows.add("DetectorSettings", detector=draw.pick(made.detectors)).id
    if made.sources and draw.chance(0.6):
        changes["lightSourceSettings"] = rows.add("LightSettings", lightSource=draw.pick(made.sources)).id
    if made.filter_sets and draw.chance(0.5):
        changes["filterSet"] = draw.pick(made.filter_sets).id
    if made.otfs and draw.chance(0.5):
        changes["otf"] = draw.pick(made.otfs).id
    if draw.chance(0.5):
        changes["lightPath"] = _add_light_path(rows, made).id
    rows.change(logical, **changes)


def _add_light_path(rows: Rows, made: Instrument) -> Row:
    draw = rows.draw
    dichroic = draw.pick(made.dichroics).id if made.dichroics and draw.chance(0.7) else None
    row = rows.add("LightPath", dichroic=dichroic)
    for position, one in enumerate(draw.some(made.filters, 3)):
        rows.add("LightPathExcitationFilterLink", parent=row, parent_index=position, child=one)
    for one in draw.some(made.filters, 2):
        rows.add("LightPathEmissionFilterLink", parent=row, child=one)
    return row
