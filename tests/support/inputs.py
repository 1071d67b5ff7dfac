"""Inputs by size and number: written by the tests that need them, the same in every run."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import h5py
import numpy as np
import omero.model as om
from ome_types import to_xml
from ome_types.model import TiffData
from omero.rtypes import rstring
from omero.sys import ParametersI

from omero_sandbox.testing import real_tiff, seed
from omero_sandbox.testing.real_input import RealInput

MIB = 1024 * 1024
#: What OMERO's clients send and read at once.
BLOCK = 4 * MIB
_NUMPY = real_tiff.DTYPES
#: Larger planes are written as pyramids, in tiles of this width and height (omero-romio).
_MAX_PLANE, _TILE = 3192, 256


def write_bytes(path: Path, size: int) -> Path:
    """Write a file whose bytes cannot be compressed, and are others for each size."""
    dice = random.Random(size)  # noqa: S311 - the same bytes in every run
    with path.open("wb") as file:
        for start in range(0, size, MIB):
            file.write(dice.randbytes(min(MIB, size - start)))
    return path


def with_companions(folder: Path, sizes: tuple[int, ...]) -> RealInput:
    """Write an OME-TIFF and files that no reader opens, but that belong to its fileset."""
    series = (real_tiff.Series("with companions", "uint16", (1, 1, 2, 16, 24)),)
    real_tiff.write_ome_tiff(folder / "image.ome.tif", series, real_tiff.document(series))
    names = [write_bytes(folder / f"companion {size}.bin", size).name for size in sizes]
    return RealInput(folder, ("image.ome.tif", *names), series, 1)


def many_files(folder: Path, count: int) -> RealInput:
    """Write a ``.companion.ome`` file, and beside it one small TIFF for each plane.

    A ``.pattern`` file would be shorter, but for that Bio-Formats makes all its readers for each of the files
    again whenever it opens the image, and leaves a folder in the server's scratch folder with every one.
    """
    series = real_tiff.Series("many files", "uint8", (1, 1, count - 1, 8, 12))
    folder.mkdir(parents=True)
    digits = len(str(count))
    names = [f"plane{number:0{digits}}.tif" for number in range(1, count)]
    for name, plane in zip(names, series.pixels().reshape(-1, 8, 12), strict=True):
        real_tiff.write_planes(folder / name, [plane], "")
    made = real_tiff.document((series,))
    made.images[0].pixels.tiff_data_blocks = [
        TiffData(
            ifd=0,
            first_z=z,
            plane_count=1,
            uuid=TiffData.UUID(value=f"urn:uuid:{uuid5(NAMESPACE_URL, name)}", file_name=name),
        )
        for z, name in enumerate(names)
    ]
    (folder / "all.companion.ome").write_text(to_xml(made), encoding="utf-8")
    return RealInput(folder, ("all.companion.ome", *names), (series,), 1)


def many_series(folder: Path, number: int, count: int) -> RealInput:
    """Write an OME-TIFF with many tiny images, all of different names."""
    series = tuple(
        real_tiff.Series(f"image {number}.{place}", "uint8", (1, 1, 1, 4, 4)) for place in range(count)
    )
    name = f"series {number}.ome.tif"
    real_tiff.write_ome_tiff(folder / name, series, real_tiff.document(series))
    return RealInput(folder, (name,), series, count)


def table(path: Path, images: list[int]) -> Path:
    """Write a table as omero-py's HdfStorage lays it out: a row for each image."""
    data = np.zeros(len(images), np.dtype([("Image", "<i8"), ("Area", "<f8")]))
    data["Image"], data["Area"] = images, np.arange(len(images)) + 0.5
    with h5py.File(path, "w") as file:
        group = file.create_group("OME")
        group.create_dataset("Measurements", data=data, chunks=True, maxshape=(None,))
        types = ["::omero::grid::ImageColumn", "::omero::grid::DoubleColumn"]
        group.create_dataset("ColumnTypes", data=np.array(types, "S"))
    return path


def image_without_files(client: Any, name: str, type_name: str, size_x: int, size_y: int) -> int:
    """Make an image of one plane whose pixels never were in a file, as scripts do."""
    kind = client.sf.getQueryService().findByString("PixelsType", "value", type_name)
    service = client.sf.getPixelsService()
    image = service.createImage(size_x, size_y, 1, 1, [0], kind, name, "made of pixels").val
    hql = "select p from Pixels p where p.image.id = :id"
    pixels = client.sf.getQueryService().findByQuery(hql, ParametersI().addId(image))
    plane = _plane(name, type_name, size_y, size_x)
    with closing(client.sf.createRawPixelsStore()) as store:
        store.setPixelsId(pixels.id.val, False)
        if max(size_x, size_y) <= _MAX_PLANE:
            store.setPlane(plane.tobytes(), 0, 0, 0)
        else:
            _write_tiles(store, plane)
        store.save()
    return int(image)


def _plane(name: str, type_name: str, height: int, width: int) -> np.ndarray[Any, Any]:
    """Return a big-endian plane, as servers keep them."""
    series = real_tiff.Series(name, type_name, (1, 1, 1, height, width))
    return series.pixels()[0, 0, 0].astype(np.dtype(_NUMPY[type_name]).newbyteorder(">"))


def _write_tiles(store: Any, plane: np.ndarray[Any, Any]) -> None:
    height, width = plane.shape
    for y in range(0, height, _TILE):
        for x in range(0, width, _TILE):
            tile = plane[y : y + _TILE, x : x + _TILE]
            store.setTile(tile.tobytes(), 0, 0, 0, x, y, tile.shape[1], tile.shape[0])


def many_rois(client: Any, image: int, count: int) -> None:
    """Draw on an image: each ROI has a name and a place of its own."""
    update = client.sf.getUpdateService()
    for start in range(0, count, 1000):
        rois = []
        for number in range(start, min(count, start + 1000)):
            roi = om.RoiI()
            roi.image, roi.name = seed.reference("Image", image), rstring(f"cell {number}")
            place = {"x": float(number % 97), "y": float(number // 97), "width": 3.0, "height": 4.0}
            roi.addShape(seed.shape("Rectangle", f"text {number}", z=0, t=0, **place))
            rois.append(roi)
        update.saveArray(rois)
