"""Plates of a file as rows."""

from ome_types import model as ome

from omero_rocrate_transfer.sandbox.store import Row
from .model_rows import rgba
from .writer import RowWriter


def add_plate(writer: RowWriter, plate: ome.Plate) -> Row:
    """Insert a plate with its runs, wells and fields; images must be known."""
    row = writer.add(plate, "Plate", name=plate.name or plate.id)
    runs: dict[str, Row] = {}
    for acquisition in plate.plate_acquisitions:
        run = writer.add(acquisition, "PlateAcquisition", plate=row.id)
        runs |= {ref.id: run for ref in acquisition.well_sample_refs}
    for well in plate.wells:
        _add_well(writer, well, row, runs)
    return row


def _add_well(writer: RowWriter, well: ome.Well, plate: Row, runs: dict[str, Row]) -> None:
    given = "color" in well.model_fields_set and well.color is not None
    colour = dict(zip(("red", "green", "blue", "alpha"), rgba(well.color), strict=True)) if given else {}
    status = {"status": well.type} if well.type else {}
    row = writer.add(well, "Well", plate=plate.id, **colour, **status)
    for position, sample in enumerate(well.well_samples):
        if sample.image_ref is None:
            continue  # a position that was never imaged; OMERO's image is not null
        image = writer.known[sample.image_ref.id]
        run = runs.get(sample.id)
        ends = {"well": row.id, "well_index": position, "image": image.id}
        writer.add(sample, "WellSample", **ends, plateAcquisition=run.id if run else None)
