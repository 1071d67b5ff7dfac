"""Plates, runs, wells and fields, read with few queries as plain values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from ome_types import model

from omero_rocrate_transfer.server.mapping.fields import Spec, Values, one, read
from omero_rocrate_transfer.server.session.enumerations import Enumerations
from omero_rocrate_transfer.server.session.queries import Reader

_PLATES: Final = "select p from Plate p where p.id in (:ids)"
_RUNS: Final = "select a from PlateAcquisition a where a.plate.id in (:ids)"
_WELL_IDS: Final = "select w.id, w.plate.id from Well w where w.plate.id in (:ids) order by w.id"
_WELLS: Final = (
    "select w from Well w left outer join fetch w.wellSamples left outer join fetch w.reagentLinks l"
    " left outer join fetch l.child where w.id in (:ids)"
)

PLATE: Final = Spec(
    "Plate",
    model.Plate,
    (
        one("rows", "int"),
        one("columns", "int"),
        one("defaultSample", "natural", "field_index"),
        one("rowNamingConvention", "word"),
        one("columnNamingConvention", "word"),
        one("wellOriginX", "unit:Length"),
        one("wellOriginY", "unit:Length"),
        one("status", "text"),
        one("externalIdentifier", "text"),
    ),
)
RUN: Final = Spec(
    "PlateAcquisition",
    model.PlateAcquisition,
    (
        one("name", "text"),
        one("description", "text"),
        one("startTime", "time"),
        one("endTime", "time"),
        one("maximumFieldCount", "positive"),
    ),
)
WELL: Final = Spec(
    "Well",
    model.Well,
    (
        one("row", "natural", required=True),
        one("column", "natural", required=True),
        one("status", "text", ""),
        one("type", "text"),
        one("externalDescription", "text"),
        one("externalIdentifier", "text"),
        *(one(name, "int", "") for name in ("red", "green", "blue", "alpha")),
    ),
)
SAMPLE: Final = Spec(
    "WellSample",
    model.WellSample,
    (
        one("posX", "unit:Length", "position_x"),
        one("posY", "unit:Length", "position_y"),
        one("timepoint", "time"),
    ),
)


@dataclass(slots=True)
class SampleContent:
    """One field of a well."""

    id: int
    image: int
    run: int | None
    values: Values


@dataclass(slots=True)
class WellContent:
    """One well, its fields in their order."""

    id: int
    values: Values
    samples: list[SampleContent] = field(default_factory=list)
    #: Ids of their screens by their own, in order.
    reagents: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class PlateContent:
    """One plate; wells by row and column, runs by their ids."""

    id: int
    name: str
    description: str | None
    values: Values
    wells: list[WellContent] = field(default_factory=list)
    runs: list[tuple[int, Values]] = field(default_factory=list)


def read_plates(reader: Reader, enumerations: Enumerations, ids: Iterable[int]) -> dict[int, PlateContent]:
    """Read plates whole, in batches."""
    plates = {
        plate.id.val: _plate(plate, enumerations)
        for plate in reader.objects(_PLATES, ids, doing="Reading plates")
    }
    plate_of: dict[int, int] = dict(reader.rows(_WELL_IDS, plates, doing="Reading wells"))
    for well in reader.objects(_WELLS, plate_of, doing="Reading wells"):
        plates[plate_of[well.id.val]].wells.append(_well(well, enumerations))
    for run in reader.objects(_RUNS, plates, doing="Reading runs of plates"):
        plates[run.plate.id.val].runs.append((run.id.val, read(run, RUN, enumerations)))
    for plate in plates.values():
        plate.wells.sort(key=lambda well: (place_of(well.values), well.id))
        plate.runs.sort(key=lambda run: run[0])
    return plates


def place_of(well: Values) -> tuple[int, int]:
    """Return row and column of a well, -1 where one is not set."""
    return well.get("row", -1), well.get("column", -1)


def _plate(plate: Any, enumerations: Enumerations) -> PlateContent:
    description = None if plate.description is None else plate.description.val
    return PlateContent(plate.id.val, plate.name.val, description, read(plate, PLATE, enumerations))


def _well(well: Any, enumerations: Enumerations) -> WellContent:
    content = WellContent(well.id.val, read(well, WELL, enumerations))
    for sample in well.copyWellSamples():
        if sample is not None:
            run = None if sample.plateAcquisition is None else sample.plateAcquisition.id.val
            values = read(sample, SAMPLE, enumerations)
            content.samples.append(SampleContent(sample.id.val, sample.image.id.val, run, values))
    reagents = [link.child for link in well.copyReagentLinks() if link is not None]
    content.reagents = dict(sorted((one.id.val, one.screen.id.val) for one in reagents))
    return content
