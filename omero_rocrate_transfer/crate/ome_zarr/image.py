"""Writes one OME-Zarr 0.5 image, or a plate of them: arrays, attributes, OME-XML and inner RO-Crate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.crate.ome_zarr import metadata
from omero_rocrate_transfer.crate.ome_zarr.inner_crate import InnerFacts, render_inner_crate
from omero_rocrate_transfer.crate.ome_zarr.labels import LabelMask, write_labels
from omero_rocrate_transfer.crate.ome_zarr.metadata import render_group
from omero_rocrate_transfer.crate.ome_zarr.options import ZarrOptions
from omero_rocrate_transfer.crate.ome_zarr.stores import WriteMember
from omero_rocrate_transfer.crate.ome_zarr.writer import WrittenPixels, write_pixels
from omero_rocrate_transfer.model.errors import IntegrityError

if TYPE_CHECKING:
    from ome_types.model import Image

    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.model.rendering import Rendering
    from omero_rocrate_transfer.transfer.ports import PixelsReader

#: Rows and columns of a plate; the largest in use has 32 and 48.
_MAX_SIDE: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageToWrite:
    """An image, and what is known of it."""

    ref: ObjectRef
    #: Its element of the unit's OME document.
    element: Image
    rendering: Rendering | None = None
    #: Shown as a label image besides.
    masks: Sequence[LabelMask] = ()


def write_image(
    write: WriteMember, prefix: str, reader: PixelsReader, image: ImageToWrite, options: ZarrOptions
) -> WrittenPixels:
    """Write arrays and group of one image; the group's metadata last, so that it is there when the image is.

    Parameters
    ----------
    prefix
        Name of the group, ending with a slash: ``image205.ome.zarr/`` or ``plate7.ome.zarr/A/1/0/``.
    """
    written = write_pixels(write, prefix, reader, options)
    name = image.element.name or str(image.ref)
    scales = metadata.scales_of(image.element.pixels)
    if image.masks:
        write_labels(write, prefix, reader.shape, image.masks, scales, options)
    omero = metadata.omero(image.ref.id, image.element, reader.dtype, written.limits, image.rendering)
    ome = {
        "version": metadata.VERSION,
        "multiscales": [metadata.multiscales(name, written.sizes, scales, "mean")],
        "omero": omero,
    }
    write(f"{prefix}zarr.json", render_group(ome))
    return written


def write_extras(write: WriteMember, prefix: str, ome_xml: bytes, facts: InnerFacts) -> None:
    """Write the OME-XML and the inner RO-Crate of an image or plate.

    Parameters
    ----------
    ome_xml
        OME document with ``MetadataOnly`` pixels.
    """
    write(f"{prefix}OME/zarr.json", render_group({"version": metadata.VERSION}))
    write(f"{prefix}OME/METADATA.ome.xml", ome_xml)
    write(f"{prefix}ro-crate-metadata.json", render_inner_crate(facts))


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldToWrite:
    """One field of a well (a ``WellSample``) with its image."""

    row: int
    column: int
    #: Id of the ``PlateAcquisition``, where the field belongs to one.
    acquisition: int | None
    image: ImageToWrite


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateToWrite:
    """A plate as OME-Zarr tells it."""

    name: str
    #: Fields in the order of their wells' lists.
    fields: Sequence[FieldToWrite]
    #: Number of rows and columns; None where OMERO does not say.
    rows: int | None = None
    columns: int | None = None
    #: ``id``, and if known ``name``, ``description``, ``starttime``, ``endtime``, ``maximumfieldcount``.
    acquisitions: Sequence[dict[str, Any]] = ()


def write_plate(
    write: WriteMember,
    prefix: str,
    plate: PlateToWrite,
    open_reader: Callable[[ObjectRef], PixelsReader],
    options: ZarrOptions,
) -> dict[ObjectRef, tuple[str, WrittenPixels]]:
    """Write all fields of a plate, then its wells' and its own metadata.

    Returns
    -------
    dict
        Path of the group of each image, and what was written of it.
    """
    for item in plate.fields:
        if max(item.row, item.column) >= _MAX_SIDE:
            raise IntegrityError(
                f"{item.image.ref} is in a well at row {item.row}, column {item.column}, and an OME-Zarr "
                f"names every row and column up to there.",
                hint=f"Correct the well, or pack the plate with its files; {_MAX_SIDE} of each are possible.",
            )
    found: dict[ObjectRef, tuple[str, WrittenPixels]] = {}
    wells: dict[tuple[int, int], list[tuple[str, int | None]]] = {}
    for item in plate.fields:
        paths = wells.setdefault((item.row, item.column), [])
        path = str(len(paths))
        paths.append((path, item.acquisition))
        reader = open_reader(item.image.ref)
        try:
            place = f"{_well_path(item.row, item.column)}/{path}"
            written = write_image(write, f"{prefix}{place}/", reader, item.image, options)
            found[item.image.ref] = place, written
        finally:
            reader.close()
    _write_wells(write, prefix, wells)
    write(f"{prefix}zarr.json", render_group(_plate_metadata(plate, wells)))
    return found


def _write_wells(
    write: WriteMember, prefix: str, wells: dict[tuple[int, int], list[tuple[str, int | None]]]
) -> None:
    for row in sorted({row for row, _ in wells}):
        write(f"{prefix}{row_name(row)}/zarr.json", render_group({"version": metadata.VERSION}))
    for (row, column), fields in wells.items():
        write(f"{prefix}{_well_path(row, column)}/zarr.json", render_group(metadata.well(fields)))


def _plate_metadata(
    plate: PlateToWrite, wells: dict[tuple[int, int], list[tuple[str, int | None]]]
) -> dict[str, Any]:
    rows, columns = (max(place[axis] for place in wells) + 1 if wells else 0 for axis in (0, 1))
    # a plate may say that it has any number of rows, each of which gets a name here
    rows = max(rows, min(plate.rows or 0, _MAX_SIDE))
    columns = max(columns, min(plate.columns or 0, _MAX_SIDE))
    found: dict[str, Any] = {
        "name": plate.name,
        "version": metadata.VERSION,
        "rows": [{"name": row_name(row)} for row in range(rows)],
        "columns": [{"name": str(column + 1)} for column in range(columns)],
        "wells": [
            {"path": _well_path(row, column), "rowIndex": row, "columnIndex": column}
            for row, column in sorted(wells)
        ],
        "field_count": max((len(fields) for fields in wells.values()), default=0),
    }
    if plate.acquisitions:
        found["acquisitions"] = [
            {"maximumfieldcount": _most_fields(item["id"], wells)} | item for item in plate.acquisitions
        ]
    return {"version": metadata.VERSION, "plate": found}


def _most_fields(acquisition: int, wells: dict[tuple[int, int], list[tuple[str, int | None]]]) -> int:
    counts = (sum(1 for _, found in fields if found == acquisition) for fields in wells.values())
    return max(1, *counts)


def row_name(row: int) -> str:
    """Return the letters of a row, from 0: ``A``, ``Z``, ``AA``."""
    name = ""
    number = row + 1
    while number:
        number, letter = divmod(number - 1, 26)
        name = chr(ord("A") + letter) + name
    return name


def _well_path(row: int, column: int) -> str:
    return f"{row_name(row)}/{column + 1}"
