"""OMERO's Pixels and Channels as elements of an OME document."""

from __future__ import annotations

from typing import Any, Final

from ome_types import model
from ome_types.model import Color, UnitsLength, UnitsTime

from omero_rocrate_transfer.model.refs import ObjectRef

_COLOR_PARTS: Final = ("red", "green", "blue", "alpha")


def pixels_element(pixels: Any, host: str) -> model.Pixels:
    """Return the element for Pixels whose type, dimension order, channels and logical channels are loaded.

    The names of pixel types, dimension orders and units are the same in OMERO and in OME 2016-06.
    """
    fields: dict[str, Any] = {}
    for axis in "XYZ":
        fields |= length(f"physical_size_{axis.lower()}", getattr(pixels, f"physicalSize{axis}"))
    fields |= time("time_increment", pixels.timeIncrement)
    if pixels.significantBits is not None:
        fields["significant_bits"] = pixels.significantBits.val
    return model.Pixels(
        id=ObjectRef("Pixels", pixels.id.val).lsid(host),
        dimension_order=pixels.dimensionOrder.value.val,
        type=pixels.pixelsType.value.val,
        size_x=pixels.sizeX.val,
        size_y=pixels.sizeY.val,
        size_z=pixels.sizeZ.val,
        size_c=pixels.sizeC.val,
        size_t=pixels.sizeT.val,
        channels=[_channel(channel, host) for channel in pixels.copyChannels() if channel is not None],
        metadata_only=model.MetadataOnly(),
        **fields,
    )


def length(name: str, quantity: Any) -> dict[str, Any]:
    """Return the two fields of a length, none where it is not set."""
    return _quantity(name, quantity, UnitsLength)


def time(name: str, quantity: Any) -> dict[str, Any]:
    """Return the two fields of a duration, none where it is not set."""
    return _quantity(name, quantity, UnitsTime)


def color(thing: Any) -> dict[str, Any]:
    """Return the colour of a Channel or Well as OME's signed 32-bit RGBA, nothing where a part is not set."""
    parts = [getattr(thing, name) for name in _COLOR_PARTS]
    if any(part is None for part in parts):
        return {}
    rgba = bytes(part.val for part in parts)
    return {"color": Color(int.from_bytes(rgba, "big", signed=True))}


def _quantity(name: str, quantity: Any, units: Any) -> dict[str, Any]:
    if quantity is None:
        return {}
    return {name: quantity.getValue(), f"{name}_unit": units[str(quantity.getUnit())]}


def _channel(channel: Any, host: str) -> model.Channel:
    logical = channel.logicalChannel
    scalars = {
        "name": logical.name,
        "fluor": logical.fluor,
        "nd_filter": logical.ndFilter,
        "pockel_cell_setting": logical.pockelCellSetting,
    }
    fields = {name: value.val for name, value in scalars.items() if value is not None}
    fields |= length("excitation_wavelength", logical.excitationWave)
    fields |= length("emission_wavelength", logical.emissionWave)
    fields |= length("pinhole_size", logical.pinHoleSize)
    return model.Channel(id=ObjectRef("Channel", channel.id.val).lsid(host), **fields, **color(channel))
