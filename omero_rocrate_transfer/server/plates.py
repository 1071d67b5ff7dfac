"""OMERO's plates and their wells as elements of an OME document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ome_types import model

from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.pixels_element import color, length
from omero_rocrate_transfer.server.queries import Reader
from omero_rocrate_transfer.server.times import utc

_PLATES: Final = "select p from Plate p where p.id in (:ids)"
_WELL_IDS: Final = "select w.plate.id, w.id from Well w where w.plate.id in (:ids) order by w.plate.id, w.id"
_WELLS: Final = "select w from Well w left outer join fetch w.wellSamples where w.id in (:ids)"
_ACQUISITIONS: Final = "select a from PlateAcquisition a where a.plate.id in (:ids)"
_TEXTS: Final = {
    "description": "description",
    "status": "status",
    "external_identifier": "externalIdentifier",
}
_CONVENTIONS: Final = {
    "row_naming_convention": "rowNamingConvention",
    "column_naming_convention": "columnNamingConvention",
}
_WELL_TEXTS: Final = {
    "type": "type",
    "external_description": "externalDescription",
    "external_identifier": "externalIdentifier",
}


def read_plates(reader: Reader, ids: Sequence[int], host: str) -> dict[int, model.Plate]:
    """Read plates with their wells, in batches."""
    wells: dict[int, list[Any]] = {one: [] for one in ids}
    plate_of = {well: plate for plate, well in reader.rows(_WELL_IDS, ids, doing="Reading wells")}
    for well in reader.objects(_WELLS, plate_of, doing="Reading wells"):
        wells[plate_of[well.id.val]].append(well)
    plates = reader.objects(_PLATES, ids, doing="Reading plates")
    runs: dict[int, list[Any]] = {one: [] for one in ids}
    for run in reader.objects(_ACQUISITIONS, ids, doing="Reading plate acquisitions"):
        runs[run.plate.id.val].append(run)
    return {plate.id.val: _plate(plate, wells[plate.id.val], runs[plate.id.val], host) for plate in plates}


def _plate(plate: Any, wells: list[Any], runs: list[Any], host: str) -> model.Plate:
    fields = _texts(plate, _TEXTS) | _conventions(plate)
    if plate.defaultSample is not None:
        fields["field_index"] = plate.defaultSample.val
    fields |= {name: value.val for name in ("rows", "columns") if (value := getattr(plate, name)) is not None}
    fields |= length("well_origin_x", plate.wellOriginX) | length("well_origin_y", plate.wellOriginY)
    elements = []
    fields_before = 0
    for well in sorted(wells, key=lambda one: (one.row.val, one.column.val)):
        elements.append(_well(well, fields_before, host))
        fields_before += len(elements[-1].well_samples)
    ref = ObjectRef("Plate", plate.id.val)
    acquisitions = [_acquisition(run, wells, host) for run in sorted(runs, key=lambda one: one.id.val)]
    return model.Plate(
        id=ref.lsid(host), name=plate.name.val, wells=elements, plate_acquisitions=acquisitions, **fields
    )


def _conventions(plate: Any) -> dict[str, Any]:
    """Return how rows and columns are named, where OME-XML knows that way."""
    known = {convention.value for convention in model.NamingConvention}
    named = _texts(plate, _CONVENTIONS)
    return {field: text for field, text in named.items() if text in known}


def _acquisition(run: Any, wells: list[Any], host: str) -> model.PlateAcquisition:
    fields = _texts(run, {"name": "name", "description": "description"})
    for field, moment in (("start_time", run.startTime), ("end_time", run.endTime)):
        if moment is not None:
            fields[field] = utc(moment.val)
    if run.maximumFieldCount is not None and run.maximumFieldCount.val > 0:
        fields["maximum_field_count"] = run.maximumFieldCount.val
    samples = [sample for well in wells for sample in well.copyWellSamples() if sample is not None]
    mine = [one for one in samples if one.plateAcquisition and one.plateAcquisition.id.val == run.id.val]
    refs = [model.WellSampleRef(id=ObjectRef("WellSample", one.id.val).lsid(host)) for one in mine]
    return model.PlateAcquisition(
        id=ObjectRef("PlateAcquisition", run.id.val).lsid(host), well_sample_refs=refs, **fields
    )


def _well(well: Any, fields_before: int, host: str) -> model.Well:
    samples = [sample for sample in well.copyWellSamples() if sample is not None]
    return model.Well(
        id=ObjectRef("Well", well.id.val).lsid(host),
        row=well.row.val,
        column=well.column.val,
        # The index is unique within the plate (OME 2016-06, WellSample.Index).
        well_samples=[_sample(one, fields_before + place, host) for place, one in enumerate(samples)],
        **_texts(well, _WELL_TEXTS),
        **color(well),
    )


def _sample(sample: Any, index: int, host: str) -> model.WellSample:
    position = length("position_x", sample.posX) | length("position_y", sample.posY)
    if sample.timepoint is not None:
        position["timepoint"] = utc(sample.timepoint.val)
    return model.WellSample(
        id=ObjectRef("WellSample", sample.id.val).lsid(host),
        index=index,
        image_ref=model.ImageRef(id=ObjectRef("Image", sample.image.id.val).lsid(host)),
        **position,
    )


def _texts(thing: Any, names: dict[str, str]) -> dict[str, Any]:
    values = {name: getattr(thing, field) for name, field in names.items()}
    return {name: value.val for name, value in values.items() if value is not None}
