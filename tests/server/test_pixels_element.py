"""Pixels and channels of OMERO in an OME document."""

import pytest
from ome_types import model
from omero.model import ChannelI, DimensionOrderI, LengthI, LogicalChannelI, PixelsI, PixelsTypeI, TimeI
from omero.model.enums import UnitsLength
from omero.rtypes import rdouble, rint, rstring

from omero_rocrate_transfer.server.pixels_element import length, pixels_element

HOST = "omero.example.org"


def pixels(kind: str = "uint16") -> PixelsI:
    made = PixelsI(3, True)
    made.pixelsType = PixelsTypeI()
    made.pixelsType.value = rstring(kind)
    made.dimensionOrder = DimensionOrderI()
    made.dimensionOrder.value = rstring("XYZCT")
    for axis, size in zip("XYZCT", (7, 5, 3, 1, 2), strict=True):
        setattr(made, f"size{axis}", rint(size))
    return made


def channel(**fields: object) -> ChannelI:
    made = ChannelI(9, True)
    made.logicalChannel = LogicalChannelI(8, True)
    for name, value in fields.items():
        setattr(made if name in {"red", "green", "blue", "alpha"} else made.logicalChannel, name, value)
    return made


@pytest.mark.parametrize("kind", ["bit", "int8", "uint32", "float", "double", "complex", "double-complex"])
def test_every_pixel_type_has_the_same_name_in_both_models(kind: str) -> None:
    element = pixels_element(pixels(kind), HOST)

    assert element.type.value == kind
    assert (element.size_x, element.size_y, element.size_z, element.size_c, element.size_t) == (7, 5, 3, 1, 2)
    assert element.id == "urn:lsid:omero.example.org:Pixels:3"


@pytest.mark.parametrize("unit", [str(unit) for unit in UnitsLength._enumerators.values()])
def test_every_unit_of_length_has_a_counterpart(unit: str) -> None:
    assert length("width", LengthI(2.5, unit)) == {"width": 2.5, "width_unit": model.UnitsLength[unit]}


def test_sizes_and_time_keep_their_units() -> None:
    source = pixels()
    source.physicalSizeX = LengthI(0.25, "NANOMETER")
    source.timeIncrement = TimeI(3.0, "MINUTE")

    element = pixels_element(source, HOST)

    assert (element.physical_size_x, element.physical_size_x_unit) == (0.25, model.UnitsLength.NANOMETER)
    assert (element.time_increment, element.time_increment_unit) == (3.0, model.UnitsTime.MINUTE)
    assert element.physical_size_y is None


def test_channels_keep_name_wavelengths_and_colour() -> None:
    source = pixels()
    source.addChannel(
        channel(
            name=rstring("Hœchst"),
            emissionWave=LengthI(461.0, "NANOMETER"),
            ndFilter=rdouble(0.5),
            red=rint(255), green=rint(128), blue=rint(0), alpha=rint(255),
        )
    )  # fmt: skip

    (element,) = pixels_element(source, HOST).channels

    assert (element.name, element.emission_wavelength, element.nd_filter) == ("Hœchst", 461.0, 0.5)
    assert element.color.as_int32() == int.from_bytes(bytes((255, 128, 0, 255)), "big", signed=True)


def test_unset_colour_stays_unset() -> None:
    source = pixels()
    source.addChannel(channel(red=rint(1)))

    (element,) = pixels_element(source, HOST).channels

    assert "color" not in element.model_fields_set
