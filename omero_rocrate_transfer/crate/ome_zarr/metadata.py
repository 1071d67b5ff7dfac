"""The ``ome`` attributes of OME-Zarr 0.5: multiscales, axes, channels, plate and well."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from omero_rocrate_transfer.crate.ome_zarr.units import ngff_length, ngff_time
from omero_rocrate_transfer.model.rendering import ChannelRendering

if TYPE_CHECKING:
    from ome_types.model import Channel, Image, Pixels

    from omero_rocrate_transfer.model.rendering import Rendering

VERSION: Final = "0.5"
#: Always five axes in this order: exact, and nothing to guess at unpack.
AXES: Final = ("t", "c", "z", "y", "x")
#: Colours of channels that have none, as OMERO gives them: first blue-green-red is avoided, green is common.
_DEFAULT_COLORS: Final = ((0, 0, 255, 255), (0, 255, 0, 255), (255, 0, 0, 255), (255, 255, 255, 255))

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales:
    """Physical size of one pixel step along t, z, y, x, and the NGFF units; 1.0 and None where unknown."""

    t: tuple[float, str | None]
    z: tuple[float, str | None]
    y: tuple[float, str | None]
    x: tuple[float, str | None]


def scales_of(pixels: Pixels) -> Scales:
    """Take the physical sizes of an OME ``Pixels``."""
    return Scales(
        t=_time(pixels.time_increment, pixels.time_increment_unit),
        z=_length(pixels.physical_size_z, pixels.physical_size_z_unit),
        y=_length(pixels.physical_size_y, pixels.physical_size_y_unit),
        x=_length(pixels.physical_size_x, pixels.physical_size_x_unit),
    )


def multiscales(name: str, sizes: Sequence[tuple[int, int]], scales: Scales, method: str) -> Json:
    """Build one ``multiscales`` entry.

    Parameters
    ----------
    sizes
        ``(height, width)`` of each level, largest first; each half of the one before.
    method
        ``"mean"`` or ``"nearest"``: how the levels were made.
    """
    axes: list[Json] = [
        _axis("t", "time", scales.t[1]),
        {"name": "c", "type": "channel"},
        _axis("z", "space", scales.z[1]),
        _axis("y", "space", scales.y[1]),
        _axis("x", "space", scales.x[1]),
    ]
    datasets = [
        {"path": str(level), "coordinateTransformations": _transformations(level, scales, method)}
        for level in range(len(sizes))
    ]
    description = {"mean": "means of 2 x 2 blocks", "nearest": "every second pixel"}[method]
    metadata = {"method": method, "description": description}
    return {"name": name, "type": method, "metadata": metadata, "axes": axes, "datasets": datasets}


def omero(
    image_id: int,
    image: Image,
    dtype: np.dtype[np.generic],
    limits: Sequence[tuple[float, float]],
    rendering: Rendering | None,
) -> Json:
    """Build the transitional ``omero`` block: names, colours and windows of the channels.

    Parameters
    ----------
    limits
        Lowest and highest value of each channel, as seen while its pixels went by.
    rendering
        The owner's settings; without them the window is what the data span.
    """
    chosen = rendering.channels if rendering else [None] * len(limits)
    channels = [
        _channel(index, channel, dtype, limit, shown)
        for index, (channel, limit, shown) in enumerate(
            zip(_pad(image.pixels.channels, len(limits)), limits, _pad(chosen, len(limits)), strict=True)
        )
    ]
    block: Json = {"id": image_id, "name": image.name or "", "version": VERSION, "channels": channels}
    if rendering is not None:
        model = "color" if rendering.model == "rgb" else "greyscale"
        block["rdefs"] = {"defaultT": rendering.default_t, "defaultZ": rendering.default_z, "model": model}
    return block


def _channel(
    index: int,
    channel: Channel | None,
    dtype: np.dtype[np.generic],
    limits: tuple[float, float],
    shown: ChannelRendering | None,
) -> Json:
    lowest, highest = _span(dtype, limits)
    shown = shown or ChannelRendering(start=limits[0], end=limits[1], color=_color(index, channel))
    found: Json = {
        "label": (channel.name if channel is not None else None) or f"Channel {index}",
        "color": "{:02X}{:02X}{:02X}".format(*shown.color),
        "active": shown.active,
        "coefficient": shown.coefficient,
        "family": shown.family,
        "inverted": shown.inverted,
        "window": {"min": lowest, "max": highest, "start": _finite(shown.start), "end": _finite(shown.end)},
    }
    if shown.lookup_table:
        found["lut"] = shown.lookup_table
    return found


def _color(index: int, channel: Channel | None) -> tuple[int, int, int, int]:
    # OME-XML's default colour is white; only a colour that was set says something.
    if channel is not None and "color" in channel.model_fields_set:
        value = int(channel.color) & 0xFFFFFFFF
        return value >> 24, value >> 16 & 255, value >> 8 & 255, value & 255
    return _DEFAULT_COLORS[min(index, 3)]


def _span(dtype: np.dtype[np.generic], limits: tuple[float, float]) -> tuple[float, float]:
    if dtype.kind in "iu":
        info = np.iinfo(np.dtype(f"{dtype.kind}{dtype.itemsize}"))
        return float(info.min), float(info.max)
    return _finite(limits[0]), _finite(limits[1])


def _finite(value: float) -> float:
    # JSON has no infinities; a window that wide means nothing anyway.
    return float(value) if math.isfinite(value) else 0.0


def _transformations(level: int, scales: Scales, method: str) -> list[Json]:
    factor = float(2**level)
    scale = [scales.t[0], 1.0, scales.z[0], scales.y[0] * factor, scales.x[0] * factor]
    found: list[Json] = [{"type": "scale", "scale": scale}]
    if level and method == "mean":
        # The centre of a 2 x 2 block lies half a pixel off the centre of its first pixel.
        shift = (factor - 1) / 2
        translation = [0.0, 0.0, 0.0, scales.y[0] * shift, scales.x[0] * shift]
        found.append({"type": "translation", "translation": translation})
    return found


def _axis(name: str, kind: str, unit: str | None) -> Json:
    return {"name": name, "type": kind} | ({"unit": unit} if unit else {})


def _length(value: float | None, unit: Any) -> tuple[float, str | None]:
    return ngff_length(value, unit.name) if value else (1.0, None)


def _time(value: float | None, unit: Any) -> tuple[float, str | None]:
    return ngff_time(value, unit.name) if value else (1.0, None)


def _pad(items: Sequence[Any], length: int) -> list[Any]:
    return [*items[:length], *[None] * (length - len(items))]


def well(fields: Sequence[tuple[str, int | None]]) -> Mapping[str, Any]:
    """Build the ``well`` attributes: path and acquisition id of each field."""
    images = [
        {"path": path} | ({} if acquisition is None else {"acquisition": acquisition})
        for path, acquisition in fields
    ]
    return {"version": VERSION, "well": {"images": images, "version": VERSION}}


def render_group(ome: Mapping[str, Any]) -> bytes:
    """Return the text of a group's ``zarr.json`` with the given ``ome`` attributes."""
    group = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}}
    return json.dumps(group, indent=2, ensure_ascii=False, allow_nan=False).encode()
