"""Plates of a file as rows."""

from ome_types import model as ome

from omero_sandbox.db.store import Row
from omero_sandbox.repository.model_rows import rgba
from omero_sandbox.repository.writer import RowWriter


def add_plate(writer: RowWriter, plate: ome.Plate, name: str | None, file_name: str) -> Row:
    """Insert a plate with its runs, wells and fields; images must be known.

    Parameters
    ----------
    name
        What the client wants it to be called; else it has the name in the file, else that of the file itself
        (ome.formats.model.WellProcessor).
    """
    rows = max([plate.rows or 1, *(well.row + 1 for well in plate.wells)])
    columns = max([plate.columns or 1, *(well.column + 1 for well in plate.wells)])
    row = writer.add(plate, "Plate", name=name or plate.name or file_name, rows=rows, columns=columns)
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
    row = writer.add(well, "Well", plate=plate.id, **colour)
    for position, sample in enumerate(well.well_samples):
        if sample.image_ref is None:
            continue  # a position that was never imaged; OMERO's image is not null
        image = writer.known[sample.image_ref.id]
        run = runs.get(sample.id)
        ends = {"well": row.id, "well_index": position, "image": image.id}
        writer.add(sample, "WellSample", **ends, plateAcquisition=run.id if run else None)
