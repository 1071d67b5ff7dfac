"""OME elements for images of an OME-Zarr that brings no OME-XML of its own."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from ome_types import model

from omero_rocrate_transfer.crate.ome_zarr.units import ome_length, ome_time
from omero_rocrate_transfer.model.rendering import ChannelRendering, Rendering

if TYPE_CHECKING:
    from omero_rocrate_transfer.crate.ome_zarr.pixels import ZarrReader
    from omero_rocrate_transfer.crate.ome_zarr.reader import ZarrImage

_TYPE_NAMES: Final = {"float32": "float", "float64": "double", "bool": "uint8"}
_COLOR: Final = re.compile(r"#?(?P<rgb>[0-9A-Fa-f]{6})(?:[0-9A-Fa-f]{2})?\Z", re.ASCII)
#: OMERO's limit of a name (omero-model, varchar(255)).
_MAX_NAME: Final = 255


def image_element(image: ZarrImage, reader: ZarrReader, image_id: str) -> model.Image:
    """Return the Image element of one image: sizes, physical sizes, names and colours of its channels.

    Parameters
    ----------
    image_id
        Its LSID.
    """
    size_t, size_c, size_z, size_y, size_x = reader.shape
    name = reader.dtype.newbyteorder("=").name
    pixels = model.Pixels(
        id=image_id.replace(":Image:", ":Pixels:"),
        dimension_order=model.Pixels_DimensionOrder.XYZCT,
        type=model.PixelType(_TYPE_NAMES.get(name, name)),
        size_x=size_x,
        size_y=size_y,
        size_z=size_z,
        size_c=size_c,
        size_t=size_t,
        metadata_only=model.MetadataOnly(),
        channels=[
            _channel(image_id, index, shown) for index, shown in enumerate(_omero_channels(image, size_c))
        ],
        **_physical_sizes(image),
    )
    return model.Image(id=image_id, name=image.name[:_MAX_NAME], pixels=pixels)


def rendering_of(image: ZarrImage, reader: ZarrReader) -> Rendering | None:
    """Return the rendering settings of the ``omero`` block, or None where it has no complete ones."""
    channels = [_channel_rendering(shown) for shown in _omero_channels(image, reader.shape[1])]
    if not channels or any(channel is None for channel in channels):
        return None
    rdefs = image.omero.get("rdefs")
    rdefs = rdefs if isinstance(rdefs, Mapping) else {}
    return Rendering(
        default_z=_index(rdefs.get("defaultZ"), reader.shape[2], reader.shape[2] // 2),
        default_t=_index(rdefs.get("defaultT"), reader.shape[0], 0),
        model="greyscale" if rdefs.get("model") == "greyscale" else "rgb",
        channels=tuple(channel for channel in channels if channel is not None),
    )


def _physical_sizes(image: ZarrImage) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for axis in "xyz":
        step, unit = image.scales.get(axis, (1.0, None))
        if name := ome_length(unit):
            found[f"physical_size_{axis}"] = step
            found[f"physical_size_{axis}_unit"] = model.UnitsLength[name]
    step, unit = image.scales.get("t", (1.0, None))
    if name := ome_time(unit):
        found |= {"time_increment": step, "time_increment_unit": model.UnitsTime[name]}
    return found


def _omero_channels(image: ZarrImage, count: int) -> Sequence[Mapping[str, Any]]:
    """Return as many channel blocks as there are channels; empty ones where the metadata has none."""
    listed = image.omero.get("channels")
    listed = listed if isinstance(listed, list) else []
    found = [shown if isinstance(shown, Mapping) else {} for shown in listed[:count]]
    return [*found, *[{}] * (count - len(found))]


def _channel(image_id: str, index: int, shown: Mapping[str, Any]) -> model.Channel:
    fields: dict[str, Any] = {"id": f"{image_id.replace(':Image:', ':Channel:')}:{index}"}
    if isinstance(label := shown.get("label"), str) and label:
        fields["name"] = label
    if (color := _color(shown)) is not None:
        fields["color"] = model.Color(color)
    return model.Channel(**fields)


def _color(shown: Mapping[str, Any]) -> tuple[int, int, int] | None:
    text = shown.get("color")
    match = _COLOR.match(text) if isinstance(text, str) else None
    if match is None:
        return None
    red, green, blue = bytes.fromhex(match["rgb"])
    return red, green, blue


def _channel_rendering(shown: Mapping[str, Any]) -> ChannelRendering | None:
    window = shown.get("window")
    window = window if isinstance(window, Mapping) else {}
    start, end, color = window.get("start"), window.get("end"), _color(shown)
    if not _is_number(start) or not _is_number(end) or color is None:
        return None
    family, coefficient = shown.get("family"), shown.get("coefficient")
    known = family in {"linear", "polynomial", "exponential", "logarithmic"}
    return ChannelRendering(
        start=float(start),
        end=float(end),
        active=shown.get("active") is not False,
        color=(*color, 255),
        family=str(family) if known else "linear",
        coefficient=float(coefficient) if _is_number(coefficient) else 1.0,
        inverted=shown.get("inverted") is True,
        lookup_table=lut if isinstance(lut := shown.get("lut"), str) and lut else None,
    )


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _index(value: object, size: int, default: int) -> int:
    return value if isinstance(value, int) and 0 <= value < size else default
