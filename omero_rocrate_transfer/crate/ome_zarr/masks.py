"""Masks among the ROIs of an OME document, as the label image of an OME-Zarr wants them."""

from __future__ import annotations

import zlib
from bz2 import decompress as decompress_bz2
from typing import TYPE_CHECKING

from omero_rocrate_transfer.crate.ome_zarr.labels import LabelMask

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ome_types import model


def list_masks(rois: Mapping[str, model.ROI], image: model.Image) -> list[LabelMask]:
    """Return the masks of one image, numbered from 1 in the order of its ROIs.

    A mask whose bits do not fill its rectangle is left out: the ROI itself travels in the OME-XML anyway.

    Parameters
    ----------
    rois
        Those of the document, by their ids.
    """
    found: list[LabelMask] = []
    for ref in image.roi_refs:
        for mask in _iter_masks(rois.get(ref.id)):
            label = _make_label(mask, len(found) + 1)
            if label is not None:
                found.append(label)
    return found


def _iter_masks(roi: model.ROI | None) -> Iterator[model.Mask]:
    from ome_types import model

    if roi is not None and roi.union is not None:
        yield from (shape for shape in roi.union if isinstance(shape, model.Mask))


def _make_label(mask: model.Mask, number: int) -> LabelMask | None:
    width, height = round(mask.width), round(mask.height)
    bits = _decode(mask.bin_data)
    if width < 1 or height < 1 or len(bits) < -(-width * height // 8):
        return None
    return LabelMask(
        label=number,
        x=round(mask.x),
        y=round(mask.y),
        width=width,
        height=height,
        bits=bits,
        t=mask.the_t,
        z=mask.the_z,
        color=_color(mask),
        text=mask.text,
    )


def _decode(data: model.BinData) -> bytes:
    try:
        match data.compression.value:
            case "zlib":
                return zlib.decompress(data.value)
            case "bzip2":
                return decompress_bz2(data.value)
    except (zlib.error, OSError, ValueError):
        return b""
    return data.value


def _color(mask: model.Mask) -> tuple[int, int, int, int] | None:
    if mask.fill_color is None:
        return None
    value = int(mask.fill_color) & 0xFFFFFFFF
    return value >> 24, value >> 16 & 255, value >> 8 & 255, value & 255
