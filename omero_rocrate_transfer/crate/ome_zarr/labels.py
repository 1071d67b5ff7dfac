"""Masks as a label image: what other programs show over the pixels.

The masks themselves travel exactly, as ROIs in the OME-XML; where masks overlap the later one is seen here.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from omero_rocrate_transfer.crate.ome_zarr import metadata
from omero_rocrate_transfer.crate.ome_zarr.halving import halve_nearest
from omero_rocrate_transfer.crate.ome_zarr.metadata import render_group
from omero_rocrate_transfer.crate.ome_zarr.options import ZarrOptions
from omero_rocrate_transfer.crate.ome_zarr.writer import write_pixels

if TYPE_CHECKING:
    from omero_rocrate_transfer.crate.ome_zarr.metadata import Scales
    from omero_rocrate_transfer.crate.ome_zarr.stores import WriteMember

#: Name of the label image below ``labels/``.
NAME: Final = "masks"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMask:
    """One mask: bits over a rectangle of some planes."""

    #: Value of its pixels in the label image, from 1.
    label: int
    #: Left and upper edge, width and height in whole pixels.
    x: int
    y: int
    width: int
    height: int
    #: One bit a pixel, row by row without padding, most significant first.
    bits: bytes
    #: Planes it stands in; None means all of them.
    t: int | None = None
    z: int | None = None
    #: Red, green, blue, alpha, each 0 to 255.
    color: tuple[int, int, int, int] | None = None
    text: str | None = None


class LabelReader:
    """Paints masks as pixels; a `PixelsReader` of type int32 with one channel.

    Parameters
    ----------
    shape
        Of the image, in axes t, c, z, y, x; the channels are left out.
    """

    tile_size = (1024, 1024)

    def __init__(self, shape: tuple[int, int, int, int, int], masks: Sequence[LabelMask]) -> None:
        size_t, _, size_z, size_y, size_x = shape
        self.shape: tuple[int, int, int, int, int] = (size_t, 1, size_z, size_y, size_x)
        self.dtype: np.dtype[np.generic] = np.dtype("i4")
        self._masks = masks

    def read_tile(
        self, t: int, c: int, z: int, x: int, y: int, width: int, height: int
    ) -> npt.NDArray[np.generic]:
        """Return one tile, shape ``(height, width)``: 0 where there is no mask."""
        del c
        tile = np.zeros((height, width), self.dtype)
        for mask in self._masks:
            if mask.t in {None, t} and mask.z in {None, z}:
                _paint(tile, mask, x, y)
        return tile

    def close(self) -> None:
        """Nothing is kept open."""


def write_labels(
    write: WriteMember,
    prefix: str,
    shape: tuple[int, int, int, int, int],
    masks: Sequence[LabelMask],
    scales: Scales,
    options: ZarrOptions,
) -> None:
    """Write the label image of an image, below its ``labels`` group.

    Parameters
    ----------
    prefix
        Name of the image's group, ending with a slash.
    shape
        Of the image, in axes t, c, z, y, x.
    """
    place = f"{prefix}labels/{NAME}/"
    silent = replace(options, on_bytes=lambda _: None)
    written = write_pixels(write, place, LabelReader(shape, masks), silent, halve=halve_nearest)
    ome: dict[str, Any] = {
        "version": metadata.VERSION,
        "multiscales": [metadata.multiscales(NAME, written.sizes, scales, "nearest")],
        "image-label": {
            "version": metadata.VERSION,
            "colors": [{"label-value": mask.label, "rgba": list(_color(mask))} for mask in masks],
            "properties": [
                {"label-value": mask.label} | ({"text": mask.text} if mask.text else {}) for mask in masks
            ],
            "source": {"image": "../../"},
        },
    }
    write(f"{place}zarr.json", render_group(ome))
    write(f"{prefix}labels/zarr.json", render_group({"version": metadata.VERSION, "labels": [NAME]}))


def _paint(tile: npt.NDArray[Any], mask: LabelMask, x: int, y: int) -> None:
    left, right = max(mask.x, x, 0), min(mask.x + mask.width, x + tile.shape[1])
    upper, lower = max(mask.y, y, 0), min(mask.y + mask.height, y + tile.shape[0])
    if left >= right or upper >= lower:
        return
    first, last = (upper - mask.y) * mask.width, (lower - mask.y) * mask.width
    # Rows follow each other without padding, so the first row wanted may begin inside a byte.
    some = np.frombuffer(mask.bits, "u1")[first // 8 : -(-last // 8)]
    bits = np.unpackbits(some)[first % 8 : first % 8 + last - first]
    rows = np.zeros(last - first, "u1")
    rows[: len(bits)] = bits
    inside = rows.reshape(-1, mask.width)[:, left - mask.x : right - mask.x].astype(bool)
    tile[upper - y : lower - y, left - x : right - x][inside] = mask.label


def _color(mask: LabelMask) -> tuple[int, int, int, int]:
    if mask.color is not None:
        return mask.color
    # Steps of the golden ratio round the colour wheel keep neighbours apart.
    red, green, blue = colorsys.hsv_to_rgb(mask.label * 0.618034 % 1.0, 0.8, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255), 255
