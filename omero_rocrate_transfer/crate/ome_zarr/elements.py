"""OME elements for images of an OME-Zarr that brings no OME-XML of its own."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from ome_types import model

from omero_rocrate_transfer.crate.ome_zarr.axes import Flaw, is_number, show
from omero_rocrate_transfer.model.rendering import ChannelRendering, Rendering

if TYPE_CHECKING:
    from omero_rocrate_transfer.crate.ome_zarr.images import ZarrImage
    from omero_rocrate_transfer.crate.ome_zarr.pixels import ZarrReader

_TYPE_NAMES: Final = {"float32": "float", "float64": "double", "bool": "uint8"}
_COLOR: Final = re.compile(r"#?(?P<rgb>[0-9A-Fa-f]{6})(?:[0-9A-Fa-f]{2})?\Z", re.ASCII)
#: OMERO's limit of ``LogicalChannel.name`` (omero-model, varchar(255)).
_MAX_LABEL: Final = 255
_FAMILIES: Final = frozenset({"linear", "polynomial", "exponential", "logarithmic"})
#: Planes of an image that are described one by one.
_MAX_PLANES: Final = 10_000


def image_element(image: ZarrImage, reader: ZarrReader, image_id: str) -> tuple[model.Image, list[Flaw]]:
    """Return the Image element of one image, and what of its metadata it cannot say.

    It has sizes, physical sizes, names and colours of the channels, and places of the planes.

    Parameters
    ----------
    image_id
        Its LSID.
    """
    size_t, size_c, size_z, size_y, size_x = reader.shape
    name = reader.dtype.newbyteorder("=").name
    flaws = list(image.calibration.flaws)
    channels = [
        _channel(image_id, index, shown, flaws) for index, shown in enumerate(_omero_channels(image, size_c))
    ]
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
        channels=channels,
        planes=_planes(image, reader.shape, flaws),
        **_physical_sizes(image),
    )
    return model.Image(id=image_id, name=image.name, pixels=pixels), flaws


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


def find_rendering_flaws(image: ZarrImage, reader: ZarrReader) -> list[Flaw]:
    """Return what the ``omero`` block says of rendering settings, where they are not complete enough."""
    count = reader.shape[1]
    listed = image.omero.get("channels")
    listed = listed if isinstance(listed, list) else []
    flaws = [
        Flaw("Channel", f"it is described, and the image has {count} channels")
        for shown in listed[count:]
        if shown
    ]
    if rendering_of(image, reader) is not None:
        return [*flaws, *_find_unusable(image, reader)]
    if any(map(_is_rendered, listed[:count])):
        reason = "a channel has no valid colour, or no valid window from start to end"
        flaws.append(Flaw("RenderingDef", reason))
    return flaws


def _find_unusable(image: ZarrImage, reader: ZarrReader) -> Iterator[Flaw]:
    """Yield the settings that are told and not valid; OMERO's own take their place."""
    for shown in _omero_channels(image, reader.shape[1]):
        family, coefficient = shown.get("family"), shown.get("coefficient")
        if family is not None and not _is_family(family):
            yield Flaw("Channel family", f"{show(family)} is not known")
        if coefficient is not None and not is_number(coefficient):
            yield Flaw("Channel coefficient", f"{show(coefficient)} is not a valid number")
    rdefs = image.omero.get("rdefs")
    for key, size in (("defaultZ", reader.shape[2]), ("defaultT", reader.shape[0])):
        told = rdefs.get(key) if isinstance(rdefs, Mapping) else None
        if told is not None and _index(told, size, -1) == -1:
            yield Flaw(f"RenderingDef {key}", f"{show(told)} is not from 0 to {size - 1}")


def _is_family(value: object) -> bool:
    return isinstance(value, str) and value in _FAMILIES


def _is_rendered(shown: object) -> bool:
    """Tell whether a channel block says how a channel is shown, besides its colour."""
    if not isinstance(shown, Mapping):
        return False
    window = shown.get("window")
    window = window if isinstance(window, Mapping) else {}
    told = [window.get("start"), window.get("end"), shown.get("lut")]
    return (
        any(one is not None for one in told) or shown.get("active") is False or shown.get("inverted") is True
    )


def _physical_sizes(image: ZarrImage) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for axis, (step, unit) in image.calibration.sizes.items():
        if axis == "t":
            found |= {"time_increment": step, "time_increment_unit": model.UnitsTime[unit]}
        else:
            found[f"physical_size_{axis}"] = step
            found[f"physical_size_{axis}_unit"] = model.UnitsLength[unit]
    return found


def _planes(image: ZarrImage, shape: tuple[int, int, int, int, int], flaws: list[Flaw]) -> list[model.Plane]:
    """Return the planes with the places that a translation gives them; none where it gives none."""
    places = dict(image.calibration.places)
    if not places:
        return []
    size_t, size_c, size_z = shape[:3]
    if size_t * size_c * size_z > _MAX_PLANES:
        flaws.extend(Flaw(f"Position{axis.upper()}", "the image has too many planes") for axis in places)
        return []
    step, unit = image.calibration.sizes.get("z", (0.0, ""))
    if size_z > 1 and "z" in places and places["z"][1] != unit:
        flaws.append(Flaw("PositionZ", "the size of a step along z is not known"))
        del places["z"]
    fixed: dict[str, Any] = {}
    for axis, (place, name) in places.items():
        fixed |= {f"position_{axis}": place, f"position_{axis}_unit": model.UnitsLength[name]}
    return [
        model.Plane(
            the_t=t,
            the_c=c,
            the_z=z,
            **fixed | ({"position_z": places["z"][0] + z * step} if "z" in places else {}),
        )
        for t, c, z in itertools.product(range(size_t), range(size_c), range(size_z))
    ]


def _omero_channels(image: ZarrImage, count: int) -> Sequence[Mapping[str, Any]]:
    """Return as many channel blocks as there are channels; empty ones where the metadata has none."""
    listed = image.omero.get("channels")
    listed = listed if isinstance(listed, list) else []
    found = [shown if isinstance(shown, Mapping) else {} for shown in listed[:count]]
    return [*found, *[{}] * (count - len(found))]


def _channel(image_id: str, index: int, shown: Mapping[str, Any], flaws: list[Flaw]) -> model.Channel:
    fields: dict[str, Any] = {"id": f"{image_id.replace(':Image:', ':Channel:')}:{index}"}
    label, color = shown.get("label"), shown.get("color")
    if isinstance(label, str) or is_number(label):
        if len(str(label)) > _MAX_LABEL:
            flaws.append(Flaw("Channel name", f"{show(label)} is longer than {_MAX_LABEL} characters"))
        elif label != "":
            fields["name"] = str(label)
    elif label is not None:
        flaws.append(Flaw("Channel name", f"{show(label)} is not a valid name"))
    if (found := _color(shown)) is not None:
        fields["color"] = model.Color(found)
    elif color is not None and color != "":
        flaws.append(Flaw("Channel color", f"{show(color)} is not a valid colour of six hexadecimal digits"))
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
    if not is_number(start) or not is_number(end) or start > end or color is None:
        return None
    family, coefficient = shown.get("family"), shown.get("coefficient")
    known = _is_family(family)
    return ChannelRendering(
        start=float(start),
        end=float(end),
        active=shown.get("active") is not False,
        color=(*color, 255),
        family=str(family) if known else "linear",
        coefficient=float(coefficient) if is_number(coefficient) else 1.0,
        inverted=shown.get("inverted") is True,
        lookup_table=lut if isinstance(lut := shown.get("lut"), str) and lut else None,
    )


def _index(value: object, size: int, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < size else default
