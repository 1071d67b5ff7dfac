"""Images: imported ones, ones made of pixels alone, and what users know and change about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omero.rtypes import rstring

from omero_sandbox.db.store import Row
from omero_sandbox.testing import seed
from tests.worlds.files import plane, write_input, write_plate
from tests.worlds.rows import Rows

_TYPES = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "float", "double")


def import_images(rows: Rows, client: Any, folder: Path) -> list[Row]:
    """Import one fileset; return its images in series order."""
    made = write_input(rows.draw, folder)
    imported = seed.import_fileset(client, made.folder, made.files)
    return [_row(rows, "Image", number) for number in imported.images]


def import_plate(rows: Rows, client: Any, folder: Path) -> tuple[Row, list[Row]]:
    """Import a plate; return it and its images."""
    made = write_plate(rows.draw, folder)
    imported = seed.import_fileset(client, made.folder, made.files)
    images = [_row(rows, "Image", number) for number in imported.images]
    return _row(rows, "Plate", imported.plates[0]), images


def create_image(rows: Rows, client: Any) -> Row:
    """Make an image that has never had files, with random pixels (IPixels.createImage, RawPixelsStore)."""
    draw = rows.draw
    kind = draw.pick(_TYPES)
    z, c, t = draw.integer(1, 2), draw.integer(1, 3), draw.integer(1, 2)
    height, width = draw.integer(2, 9), draw.integer(2, 9)
    query = client.sf.getQueryService()
    pixels_type = query.findByString("PixelsType", "value", kind)
    number = client.sf.getPixelsService().createImage(
        width, height, z, t, list(range(c)), pixels_type, draw.name(), draw.text()
    )
    image = _row(rows, "Image", number.val)
    pixels = rows.store.children(image, "pixels")[0]
    store = client.sf.createRawPixelsStore()
    store.setPixelsId(pixels.id, False)
    for at_t in range(t):
        for at_c in range(c):
            for at_z in range(z):
                store.setPlane(plane(draw, kind, height, width).tobytes(), at_z, at_c, at_t)
    store.save()
    store.close()
    # as everybody who looks at the image does
    client.sf.getRenderingSettingsService().resetDefaultsInSet("Image", [image.id])
    return image


def describe(rows: Rows, image: Row) -> None:
    """Give an image, its pixels and channels all that may be known of them."""
    draw = rows.draw
    rows.redraw(image, *draw.some(("acquisitionDate", "archived", "partial", "description"), 4))
    changes = {}
    if draw.chance(0.5):
        changes["stageLabel"] = rows.add("StageLabel").id
    if draw.chance(0.5):
        changes["imagingEnvironment"] = rows.add("ImagingEnvironment").id
    rows.change(image, **changes)
    for pixels in rows.store.children(image, "pixels"):
        sizes = ("physicalSizeX", "physicalSizeY", "physicalSizeZ", "timeIncrement")
        more = ("significantBits", "waveStart", "waveIncrement", "methodology")
        rows.redraw(pixels, *draw.some(sizes, 4), *draw.some(more, 2))
        for channel in rows.store.children(pixels, "channels"):
            describe_channel(rows, channel)
        add_planes(rows, pixels)


def describe_channel(rows: Rows, channel: Row) -> None:
    """Change a channel's colour and what it is."""
    draw = rows.draw
    rows.redraw(channel, *draw.some(("red", "green", "blue", "alpha", "lookupTable"), 5))
    logical = _row(rows, "LogicalChannel", channel.values["logicalChannel"])
    names = [
        field.name
        for field in logical.model.fields.values()
        if field.kind in {"scalar", "unit"} or (field.kind == "one" and field.name in _CHANNEL_ENUMS)
    ]
    rows.redraw(logical, *draw.some(names, len(names)))


_CHANNEL_ENUMS = {"illumination", "contrastMethod", "mode", "photometricInterpretation"}


def add_planes(rows: Rows, pixels: Row) -> list[Row]:
    """Add what is known of some planes."""
    draw = rows.draw
    sizes = [range(pixels.values[f"size{axis}"]) for axis in "ZCT"]
    known = {
        tuple(row.values[f"the{axis}"] for axis in "ZCT") for row in rows.store.children(pixels, "planeInfo")
    }
    places = [(z, c, t) for z in sizes[0] for c in sizes[1] for t in sizes[2] if (z, c, t) not in known]
    return [rows.add("PlaneInfo", pixels=pixels, theZ=z, theC=c, theT=t) for z, c, t in draw.some(places, 4)]


def edit_import(rows: Rows, client: Any, image: Row) -> None:
    """Change what an import made, as users do afterwards."""
    draw = rows.draw
    if draw.chance(0.5):
        seed.rename(client, "Image", image.id, draw.name(), draw.text() if draw.chance(0.5) else None)
    if draw.chance(0.3):
        found = client.sf.getQueryService().get("Image", image.id)
        found.description = rstring(draw.text())
        seed.save(client, found)
    pixels = rows.store.children(image, "pixels")[0]
    if draw.chance(0.3):
        rows.redraw(pixels, "physicalSizeX", "physicalSizeZ")
    for channel in rows.store.children(pixels, "channels"):
        if draw.chance(0.3):
            describe_channel(rows, channel)
    for roi in rows.store.referrers("Roi", "image", image.id):
        edit_roi(rows, roi)
    if draw.chance(0.2):
        describe(rows, image)


def edit_roi(rows: Rows, roi: Row) -> None:
    """Delete or change a ROI that came with a file, or leave it."""
    draw = rows.draw
    if draw.chance(0.3):
        _delete_roi(rows, roi)
    elif draw.chance(0.3):
        rows.redraw(roi, "name", "description")
    elif draw.chance(0.3):
        rows.redraw(draw.pick(rows.store.children(roi, "shapes")), "x", "theZ", "textValue")


def _delete_roi(rows: Rows, roi: Row) -> None:
    """Take a ROI off with its shapes and links, as omero.cmd.Delete2 does."""
    store = rows.store
    for link in store.referrers("RoiAnnotationLink", "parent", roi.id):
        store.delete(link)
    for shape in store.children(roi, "shapes"):
        store.delete(shape)
    store.delete(roi)


def _row(rows: Rows, kind: str, number: int) -> Row:
    found = rows.store.get(kind, number)
    if found is None:
        raise LookupError(f"{kind}:{number}")
    return found
