"""OMERO's rows for a new image, as one graph made from its element in the OME document."""

from __future__ import annotations

from typing import Any, Final

import omero.model
from ome_types import model
from omero.rtypes import rdouble, rint, rstring, rtime

from omero_rocrate_transfer.model.contents import ImageRecord
from omero_rocrate_transfer.server.mapping.times import milliseconds

#: What stands in ``Pixels.sha1`` until the pixels are saved (ome.logic.PixelsImpl.createImage).
_NO_DIGEST: Final = "Pending..."
#: OMERO's own pixel files cannot hold bits (ome.util.PixelData.getBitDepth, a width of zero bytes).
STORED_AS: Final = {"bit": "uint8"}
_LENGTHS: Final = {
    "excitationWave": "excitation_wavelength",
    "emissionWave": "emission_wavelength",
    "pinHoleSize": "pinhole_size",
}


def image_graph(record: ImageRecord, element: model.Image) -> Any:
    """Return an ``ImageI`` that one save creates with its Pixels, Channels and LogicalChannels.

    Enumerations go by their value, which the server resolves (omero-server MergeEventListener).
    """
    image = omero.model.ImageI()
    image.setName(rstring(record.name))
    if record.description is not None:
        image.setDescription(rstring(record.description))
    if element.acquisition_date is not None:
        image.setAcquisitionDate(rtime(milliseconds(element.acquisition_date)))
    image.addPixels(_pixels(element.pixels))
    return image


def _pixels(element: model.Pixels) -> Any:
    pixels = omero.model.PixelsI()
    for axis in "XYZCT":
        getattr(pixels, f"setSize{axis}")(rint(getattr(element, f"size_{axis.lower()}")))
    kind = element.type.value
    pixels.setPixelsType(_enum("PixelsType", STORED_AS.get(kind, kind)))
    pixels.setDimensionOrder(_enum("DimensionOrder", element.dimension_order.value))
    pixels.setSha1(rstring(_NO_DIGEST))
    if element.significant_bits is not None:
        pixels.setSignificantBits(rint(element.significant_bits))
    for axis in "xyz":
        if (size := quantity("Length", element, f"physical_size_{axis}")) is not None:
            getattr(pixels, f"setPhysicalSize{axis.upper()}")(size)
    pixels.setTimeIncrement(quantity("Time", element, "time_increment"))
    channels = element.channels
    for index in range(element.size_c):
        # One for each plane in C, also where an RGB channel stands for three (OME-XML, SamplesPerPixel).
        pixels.addChannel(_channel(channels[index] if len(channels) == element.size_c else None))
    return pixels


def _channel(element: model.Channel | None) -> Any:
    channel, logical = omero.model.ChannelI(), omero.model.LogicalChannelI()
    channel.setLogicalChannel(logical)
    if element is None:
        return channel
    if "color" in element.model_fields_set:
        set_color(channel, element.color)
    for name in ("name", "fluor"):
        if (text := getattr(element, name)) is not None:
            getattr(logical, f"set{name.capitalize()}")(rstring(text))
    for field, name in _LENGTHS.items():
        getattr(logical, f"set{field[0].upper()}{field[1:]}")(quantity("Length", element, name))
    if element.nd_filter is not None:
        logical.setNdFilter(rdouble(element.nd_filter))
    if element.pockel_cell_setting is not None:
        logical.setPockelCellSetting(rint(element.pockel_cell_setting))
    return channel


def set_color(thing: Any, color: model.Color | None) -> None:
    """Set red, green, blue and alpha of a Channel or Well."""
    if color is None:
        return
    rgba = (int(color) & 0xFFFFFFFF).to_bytes(4, "big")
    for name, part in zip(("Red", "Green", "Blue", "Alpha"), rgba, strict=True):
        getattr(thing, f"set{name}")(rint(part))


def quantity(kind: str, element: Any, name: str) -> Any:
    """Return a ``LengthI`` or ``TimeI`` of a field of an element, None where it is not set."""
    value = getattr(element, name)
    if value is None:
        return None
    return getattr(omero.model, f"{kind}I")(float(value), getattr(element, f"{name}_unit").name)


def _enum(kind: str, value: str) -> Any:
    made = getattr(omero.model, f"{kind}I")()
    made.setValue(rstring(value))
    return made
