from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ome_types import OME, from_xml, to_xml

from omero_rocrate_transfer.crate.ome_zarr.axes import Calibration
from omero_rocrate_transfer.crate.ome_zarr.elements import find_rendering_flaws, image_element, rendering_of
from omero_rocrate_transfer.crate.ome_zarr.images import ZarrImage
from tests.crate.ome_zarr.support import ArrayReader

LSID = "urn:lsid:omero.example.org:Image:1"


def _image(omero: Any = None, **more: Any) -> ZarrImage:
    return ZarrImage(path="", name="cells", axes="cyx", level_path="0", omero=omero or {}, **more)


def _reader(channels: int = 2, dtype: str = "u2") -> Any:
    return ArrayReader(np.zeros((3, channels, 5, 4, 6), dtype))


def test_sizes_units_and_channels_become_an_image_element() -> None:
    calibration = Calibration(sizes={"x": (0.5, "NANOMETER"), "t": (2.0, "SECOND")})
    channels = {"channels": [{"label": "DAPI", "color": "0000FF"}]}

    element, _ = image_element(_image(channels, calibration=calibration), _reader(), LSID)

    pixels = from_xml(to_xml(OME(images=[element]))).images[0].pixels
    assert (pixels.size_t, pixels.size_c, pixels.size_z, pixels.size_y, pixels.size_x) == (3, 2, 5, 4, 6)
    assert (pixels.physical_size_x, pixels.physical_size_x_unit.name) == (0.5, "NANOMETER")
    assert pixels.physical_size_z is None
    assert (pixels.time_increment, pixels.time_increment_unit.name) == (2.0, "SECOND")
    assert [channel.name for channel in pixels.channels] == ["DAPI", None]
    assert pixels.channels[0].color.as_rgb_tuple() == (0, 0, 255)
    assert "color" not in pixels.channels[1].model_fields_set


@pytest.mark.parametrize(
    ("dtype", "expected"), [("u1", "uint8"), (">i4", "int32"), ("f4", "float"), ("f8", "double")]
)
def test_pixel_types_have_their_ome_names(dtype: str, expected: str) -> None:
    assert image_element(_image(), _reader(dtype=dtype), LSID)[0].pixels.type.value == expected


def test_windows_become_rendering_settings() -> None:
    channel = {"color": "ff0000", "window": {"start": 3, "end": 9.5}, "active": False, "inverted": True}
    omero = {"channels": [channel], "rdefs": {"defaultZ": 4, "defaultT": 99, "model": "greyscale"}}

    found = rendering_of(_image(omero), _reader(1))

    assert found is not None
    assert (found.default_z, found.default_t, found.model) == (4, 0, "greyscale")
    assert found.channels[0].color == (255, 0, 0, 255)
    assert (found.channels[0].start, found.channels[0].end) == (3.0, 9.5)
    assert (found.channels[0].active, found.channels[0].inverted) == (False, True)


def test_incomplete_windows_are_no_rendering_settings() -> None:
    assert rendering_of(_image({"channels": [{"color": "ff0000"}]}), _reader(1)) is None
    assert rendering_of(_image(), _reader(1)) is None


@given(
    st.dictionaries(
        st.sampled_from(["channels", "rdefs"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["label", "color", "window", "start", "end", "family", "lut", "defaultZ"]
                    ),
                    inner,
                )
            ),
        ),
    )
)
def test_whatever_the_omero_block_says_a_valid_element_comes_out(omero: dict[str, Any]) -> None:
    element, _ = image_element(_image(omero), _reader(), LSID)
    rendering_of(_image(omero), _reader())
    find_rendering_flaws(_image(omero), _reader())

    assert element.pixels.size_c == len(element.pixels.channels) == 2
