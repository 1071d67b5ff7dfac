"""The first step of an import: what a file says, as rows (ome.formats.OMEROMetadataStoreClient)."""

from dataclasses import dataclass
from typing import Any

from ome_types import model as ome

from omero_sandbox.db.store import Quantity, Row
from omero_sandbox.images import Original, Series
from omero_sandbox.repository import colours
from omero_sandbox.repository.annotations import add_annotations, add_rois
from omero_sandbox.repository.instruments import add_instrument, add_objective_settings, channel_references
from omero_sandbox.repository.model_rows import rgba, scalars
from omero_sandbox.repository.plates import add_plate
from omero_sandbox.repository.writer import RowWriter

_NAME_LENGTH = 255
_PLANE_FACTS = ("deltaT", "exposureTime", "positionX", "positionY", "positionZ")


@dataclass(frozen=True)
class Wishes:
    """What the client's ImportSettings ask for.

    Attributes
    ----------
    name
        Name of every image; None takes the name of the file.
    pixel_sizes
        x, y, z in micrometres, used where the file has none.
    """

    name: str | None
    description: str | None
    pixel_sizes: tuple[float, ...]
    file_name: str
    fileset: int


@dataclass
class Imported:
    """Rows that an import made: one Pixels and one Image per series, in order."""

    pixels: list[Row]
    images: list[Row]
    plates: list[Row]


def import_metadata(writer: RowWriter, original: Original, wishes: Wishes) -> Imported:
    """Insert images, plates, instruments, ROIs and annotations of a file."""
    document = original.document
    for instrument in document.instruments:
        add_instrument(writer, instrument)
    imported = Imported([], [], [])
    for index, series in enumerate(original.series):
        image = _add_image(writer, original, series, index, wishes)
        imported.images.append(image)
        imported.pixels.append(_add_pixels(writer, original, series, image, wishes))
    plate_name = (wishes.name or "").strip() or None
    imported.plates = [add_plate(writer, p, plate_name, wishes.file_name) for p in document.plates]
    for plate in imported.plates if wishes.description is not None else []:
        writer.store.update(plate, {"description": wishes.description})
    add_annotations(writer, document.structured_annotations)
    add_rois(writer, document)
    writer.link_annotations()
    return imported


def image_name(wishes: Wishes, name: str | None, index: int, count: int) -> str:
    """Name an image by the rules of ome.formats.model.PixelsProcessor; long names keep their end."""
    chosen = (wishes.name or "").strip() or wishes.file_name
    if count > 1:
        chosen += f" [{(name or '').strip() or index}]"
    return chosen if len(chosen) <= _NAME_LENGTH else "…" + chosen[1 - _NAME_LENGTH :]


def _add_image(writer: RowWriter, original: Original, series: Series, index: int, wishes: Wishes) -> Row:
    image = series.image
    values: dict[str, Any] = {
        "name": image_name(wishes, image.name, index, len(original.series)),
        "series": index,
        "format": _format(writer, original.format),
        "fileset": wishes.fileset,
        "instrument": writer.id_of(image.instrument_ref),
        "objectiveSettings": add_objective_settings(writer, image.objective_settings),
    }
    if wishes.description is not None:
        values["description"] = wishes.description
    if image.imaging_environment is not None:
        values["imagingEnvironment"] = writer.add(image.imaging_environment, "ImagingEnvironment").id
    if image.stage_label is not None:
        values["stageLabel"] = writer.add(image.stage_label, "StageLabel").id
    return writer.add(image, "Image", **values)


def _format(writer: RowWriter, value: str) -> int:
    row = writer.store.enum("Format", value)
    return (row or writer.store.insert("Format", {"value": value})).id


def _add_pixels(writer: RowWriter, original: Original, series: Series, image: Row, wishes: Wishes) -> Row:
    source = series.image.pixels
    wanted = zip(("physicalSizeX", "physicalSizeY", "physicalSizeZ"), wishes.pixel_sizes, strict=False)
    sizes = {name: Quantity(value, "MICROMETER") for name, value in wanted}
    types = {
        "pixelsType": writer.store.lookup("PixelsType", "value", series.pixel_type),
        "dimensionOrder": writer.store.lookup("DimensionOrder", "value", source.dimension_order.value),
    }
    values = {
        **sizes,
        **scalars(writer.store, source, "Pixels"),
        **{name: row.id for name, row in types.items() if row},
        "image": image.id,
        "image_index": 0,
        "sha1": "Pending...",
    }
    row = writer.insert("Pixels", values)
    writer.remember(source, row)
    _add_channels(writer, source, series, row, graphics=original.graphics)
    _add_planes(writer, source, row)
    return row


def _add_channels(
    writer: RowWriter, source: ome.Pixels, series: Series, pixels: Row, *, graphics: bool
) -> None:
    given = [*source.channels[: series.size_c], *[None] * (series.size_c - len(source.channels))]
    channels = [_colour_of(channel) for channel in given]
    logical = [{} if channel is None else _logical(writer, channel) for channel in given]
    colours.complete(channels, logical, graphics=graphics)
    for position, (channel, values, details) in enumerate(zip(given, channels, logical, strict=True)):
        ends = {"pixels": pixels.id, "pixels_index": position}
        row = writer.insert(
            "Channel", {**values, **ends, "logicalChannel": writer.insert("LogicalChannel", details).id}
        )
        if channel is not None:
            writer.remember(channel, row)


def _colour_of(channel: ome.Channel | None) -> dict[str, Any]:
    if channel is None or "color" not in channel.model_fields_set or channel.color is None:
        return {}
    return dict(zip(("red", "green", "blue", "alpha"), rgba(channel.color), strict=True))


def _logical(writer: RowWriter, channel: ome.Channel) -> dict[str, Any]:
    return {**scalars(writer.store, channel, "LogicalChannel"), **channel_references(writer, channel)}


def _add_planes(writer: RowWriter, source: ome.Pixels, pixels: Row) -> None:
    """Insert plane information, but not for planes of which nothing is known (PlaneInfoProcessor)."""
    for plane in source.planes:
        values = scalars(writer.store, plane, "PlaneInfo")
        if any(fact in values for fact in _PLANE_FACTS):
            writer.remember(plane, writer.insert("PlaneInfo", {**values, "pixels": pixels.id}))
