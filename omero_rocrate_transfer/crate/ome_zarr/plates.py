"""Plates of an OME-Zarr, and of the OME-XML in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ome_types import model

if TYPE_CHECKING:
    from ome_types import OME

    from omero_rocrate_transfer.crate.ome_zarr.reader import ZarrContents
    from omero_rocrate_transfer.crate.ome_zarr.relabel import Labels


def find_wells(document: OME) -> dict[tuple[int, int, int], str]:
    """Return the ids of the images of the first plate, by row, column and place in the well."""
    return {
        (well.row, well.column, index): sample.image_ref.id
        for plate in document.plates[:1]
        for well in plate.wells
        for index, sample in enumerate(well.well_samples)
        if sample.image_ref is not None
    }


def plate_element(contents: ZarrContents, images: Sequence[str], labels: Labels, name: str) -> model.Plate:
    """Return the Plate element of a plate that brings no OME-XML.

    Parameters
    ----------
    images
        Ids of its images, in their order.
    name
        Of the plate, where it has none itself.
    """
    told = contents.plate or {}
    wells: dict[tuple[int, int], model.Well] = {}
    runs: dict[int, list[str]] = {}
    for index, (image, identifier) in enumerate(zip(contents.images, images, strict=True)):
        place = image.field
        if place is None:
            raise RuntimeError(f"{image.path} is in no well")
        well = wells.setdefault(
            (place.row, place.column),
            model.Well(id=labels.new("Well").lsid(labels.host), row=place.row, column=place.column),
        )
        sample = labels.new("WellSample").lsid(labels.host)
        well.well_samples.append(
            model.WellSample(id=sample, index=index, image_ref=model.ImageRef(id=identifier))
        )
        if place.acquisition is not None:
            runs.setdefault(place.acquisition, []).append(sample)
    given = told.get("name")
    return model.Plate(
        id=labels.new("Plate").lsid(labels.host),
        name=given if isinstance(given, str) and given else name,
        rows=_count(told.get("rows")),
        columns=_count(told.get("columns")),
        wells=list(wells.values()),
        plate_acquisitions=[_run(number, samples, told, labels) for number, samples in runs.items()],
    )


def _run(number: int, samples: list[str], told: Any, labels: Labels) -> model.PlateAcquisition:
    listed = told.get("acquisitions")
    known: dict[str, Any] = (
        next((one for one in listed if _is_run(one, number)), {}) if isinstance(listed, list) else {}
    )
    texts = {key: known[key] for key in ("name", "description") if isinstance(known.get(key), str)}
    return model.PlateAcquisition(
        id=labels.new("PlateAcquisition").lsid(labels.host),
        well_sample_refs=[model.WellSampleRef(id=sample) for sample in samples],
        **texts,
    )


def _is_run(item: object, number: int) -> bool:
    return isinstance(item, dict) and item.get("id") == number


def _count(listed: object) -> int | None:
    return len(listed) if isinstance(listed, list) and listed else None
