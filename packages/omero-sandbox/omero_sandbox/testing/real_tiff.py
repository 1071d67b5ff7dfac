"""OME-TIFFs with known pixels, written with tifffile and ome-types."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tifffile
from ome_types import OME, to_xml
from ome_types import model as ome

ByteOrder = Literal["<", ">"]

ACQUIRED = datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)
_COLOURS = ("red", "lime", "blue", "magenta", "cyan")


@dataclass(frozen=True)
class Series:
    """One image.

    Attributes
    ----------
    name : str
    type : str
        OME pixel type, such as ``uint16`` or ``float``.
    shape : tuple of int
        Sizes of (T, C, Z, Y, X).
    physical_size : tuple of float
        Pixel size in µm of (X, Y, Z).
    """

    name: str
    type: str = "uint16"
    shape: tuple[int, int, int, int, int] = (1, 2, 2, 32, 48)
    physical_size: tuple[float, float, float] = (0.325, 0.325, 1.5)

    def pixels(self) -> np.ndarray:
        """Return the values: shape (T, C, Z, Y, X), random over the whole range, the same on every run."""
        rng = np.random.default_rng(np.frombuffer(self.name.encode(), np.uint8).astype(np.int64))
        dtype = np.dtype(DTYPES[self.type])
        if dtype.kind == "f":
            return rng.normal(0, 1000, self.shape).astype(dtype)
        limits = np.iinfo(dtype)
        return rng.integers(limits.min, limits.max, self.shape, dtype=dtype, endpoint=True)


DTYPES = {
    "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4",
    "float": "f4", "double": "f8",
}  # fmt: skip


def document(series: tuple[Series, ...]) -> OME:
    """Describe images whose planes follow each other in one file, XYZCT order."""
    made = OME(images=[_image(number, each) for number, each in enumerate(series)])
    offset = 0
    for image, each in zip(made.images, series, strict=True):
        count = each.shape[0] * each.shape[1] * each.shape[2]
        image.pixels.tiff_data_blocks = [ome.TiffData(ifd=offset, plane_count=count)]
        offset += count
    return made


def _image(number: int, series: Series) -> ome.Image:
    t, c, z, y, x = series.shape
    size_x, size_y, size_z = series.physical_size
    pixels = ome.Pixels(
        id=f"Pixels:{number}",
        type=ome.PixelType(series.type),
        dimension_order=ome.Pixels_DimensionOrder.XYZCT,
        size_x=x,
        size_y=y,
        size_z=z,
        size_c=c,
        size_t=t,
        physical_size_x=size_x,
        physical_size_y=size_y,
        physical_size_z=size_z,
        channels=[_channel(number, index) for index in range(c)],
    )
    return ome.Image(
        id=f"Image:{number}",
        name=series.name,
        description=f"Test image {series.name}",
        acquisition_date=ACQUIRED,
        pixels=pixels,
    )


def _channel(image: int, index: int) -> ome.Channel:
    return ome.Channel(
        id=f"Channel:{image}:{index}",
        name=f"Channel {index}",
        color=ome.Color(_COLOURS[index % len(_COLOURS)]),
        samples_per_pixel=1,
        emission_wavelength=450.0 + 50 * index,
    )


def write_ome_tiff(path: Path, series: tuple[Series, ...], made: OME, byteorder: ByteOrder = "<") -> None:
    """Write the planes of all series, in XYZCT order, with the document in the first page.

    Parameters
    ----------
    path : Path
        Its folder is made if needed.
    series : tuple of Series
    made : OME
    byteorder : {"<", ">"}
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    planes = [plane for each in series for plane in each.pixels().reshape(-1, *each.shape[3:])]
    write_planes(path, planes, to_xml(made), byteorder)


def write_planes(path: Path, planes: list[np.ndarray], description: str, byteorder: ByteOrder = "<") -> None:
    """Write one page per plane; the description stands in the first, in UTF-8."""
    options: dict[str, Any] = {"photometric": "minisblack", "metadata": None, "contiguous": False}
    with tifffile.TiffWriter(path, byteorder=byteorder, ome=False) as writer:
        for number, plane in enumerate(planes):
            text = description.encode("utf-8") if number == 0 else None
            writer.write(plane, description=text, software="", **options)
