"""Plates of an OME-Zarr, and of the OME-XML in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ome_types import model

from omero_rocrate_transfer.crate.ome_zarr.axes import Flaw, is_number, show
from omero_rocrate_transfer.crate.ome_zarr.image import row_name

if TYPE_CHECKING:
    from ome_types import OME

    from omero_rocrate_transfer.crate.ome_zarr.images import ZarrField
    from omero_rocrate_transfer.crate.ome_zarr.reader import ZarrContents
    from omero_rocrate_transfer.crate.ome_zarr.relabel import Labels

#: The 1st of January 1973: smaller numbers are seconds, or no times at all.
_OLDEST: Final = 94_694_400_000
#: OMERO's limit of ``Well.externalIdentifier`` (omero-model, varchar(255)).
_MAX_IDENTIFIER: Final = 255


def find_wells(document: OME) -> dict[tuple[int, int, int], str]:
    """Return the ids of the images of the first plate, by row, column and place in the well."""
    return {
        (well.row, well.column, index): sample.image_ref.id
        for plate in document.plates[:1]
        for well in plate.wells
        for index, sample in enumerate(well.well_samples)
        if sample.image_ref is not None
    }


def plate_element(
    contents: ZarrContents, images: Sequence[str], labels: Labels, name: str
) -> tuple[model.Plate, list[Flaw]]:
    """Return the Plate element of a plate that brings no OME-XML, and what of its metadata it cannot say.

    Parameters
    ----------
    images
        Ids of its images, in their order.
    name
        Of the plate, where it has none itself.
    """
    told = contents.plate or {}
    listed = _list_runs(told.get("acquisitions"))
    told_runs = {place.acquisition for image in contents.images if (place := image.field) is not None}
    # with one acquisition, wells need not say that their fields belong to it (NGFF 0.4, "well")
    only = listed[0] if len(listed) == 1 and told_runs == {None} else None
    wells: dict[tuple[int, int], model.Well] = {}
    runs: dict[int, list[str]] = {}
    for index, (image, identifier) in enumerate(zip(contents.images, images, strict=True)):
        place = image.field
        if place is None:
            raise RuntimeError(f"{image.path} is in no well")
        well = wells.setdefault(
            (place.row, place.column),
            model.Well(
                id=labels.new("Well").lsid(labels.host),
                row=place.row,
                column=place.column,
                external_identifier=_other_name(place, image.path),
            ),
        )
        sample = labels.new("WellSample").lsid(labels.host)
        well.well_samples.append(
            model.WellSample(id=sample, index=index, image_ref=model.ImageRef(id=identifier))
        )
        run = place.acquisition if place.acquisition is not None else only
        if run is not None:
            runs.setdefault(run, []).append(sample)
    given = told.get("name")
    empty = sum(number not in runs for number in listed)
    flaws = [Flaw("PlateAcquisition", "no field belongs to it")] * empty
    plate = model.Plate(
        id=labels.new("Plate").lsid(labels.host),
        name=given if isinstance(given, str) and given else name,
        rows=_count(told.get("rows")),
        columns=_count(told.get("columns")),
        wells=list(wells.values()),
        plate_acquisitions=[_run(number, samples, told, (labels, flaws)) for number, samples in runs.items()],
    )
    return plate, flaws


def _run(
    number: int, samples: list[str], told: Any, made: tuple[Labels, list[Flaw]]
) -> model.PlateAcquisition:
    labels, flaws = made
    listed = told.get("acquisitions")
    known: dict[str, Any] = (
        next((one for one in listed if _is_run(one, number)), {}) if isinstance(listed, list) else {}
    )
    facts: dict[str, Any] = {
        key: known[key] for key in ("name", "description") if isinstance(known.get(key), str)
    }
    for key, name in (("starttime", "start_time"), ("endtime", "end_time")):
        if known.get(key) is None:
            continue
        moment = _moment(known[key])
        if moment is None:
            reason = f"{show(known[key])} is not a valid time in milliseconds"
            flaws.append(Flaw(f"PlateAcquisition {key}", reason))
        else:
            facts[name] = moment
    most = known.get("maximumfieldcount")
    if isinstance(most, int) and not isinstance(most, bool) and 0 < most < 2**31:
        facts["maximum_field_count"] = most
    elif most is not None:
        flaws.append(Flaw("PlateAcquisition maximumfieldcount", f"{show(most)} is not a valid number"))
    return model.PlateAcquisition(
        id=labels.new("PlateAcquisition").lsid(labels.host),
        well_sample_refs=[model.WellSampleRef(id=sample) for sample in samples],
        **facts,
    )


def _moment(value: object) -> datetime | None:
    """Return what milliseconds since 1970 mean, as NGFF has them; seconds would be another day, long ago."""
    if not is_number(value) or value < _OLDEST:
        return None
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _list_runs(listed: object) -> list[int]:
    """Return the ids of the acquisitions of a plate."""
    items = listed if isinstance(listed, list) else []
    ids = (item.get("id") for item in items if isinstance(item, dict))
    return [one for one in ids if isinstance(one, int) and not isinstance(one, bool)]


def _other_name(place: ZarrField, path: str) -> str | None:
    """Return what a well is called, where OMERO, which counts from A and 1, would call it otherwise."""
    row, _, column = path.rpartition("/")[0].partition("/")
    is_same = row.upper() == row_name(place.row) and column.lstrip("0") == str(place.column + 1)
    return None if is_same else f"{row}/{column}"[:_MAX_IDENTIFIER]


def _is_run(item: object, number: int) -> bool:
    return isinstance(item, dict) and item.get("id") == number and not isinstance(item["id"], bool)


def _count(listed: object) -> int | None:
    return len(listed) if isinstance(listed, list) and listed else None
