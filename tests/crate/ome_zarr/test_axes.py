"""Sizes, places and units: what the metadata say is carried as it is, or counted."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omero_rocrate_transfer.crate.ome_zarr.axes import Calibration, Flaw, parse_axis, read_calibration
from omero_rocrate_transfer.crate.ome_zarr.units import ome_length, ome_time
from tests.crate.ome_zarr.made import axes, scale, translation

UNUSABLE: st.SearchStrategy[Any] = st.sampled_from(
    [0, 0.0, -0.0, -1, -0.5, None, math.nan, math.inf, -math.inf, "0.5", "", True, False, [], {}, 10**400]
)
USABLE = st.integers(1, 10**6) | st.floats(1e-9, 1e9, allow_nan=False)
WORDS = {"t": "TimeIncrement", "c": "Scale", "z": "PhysicalSizeZ", "y": "PhysicalSizeY", "x": "PhysicalSizeX"}


def calibrate(letters: str, *level: object, whole: object = None, unit: object = "micrometer") -> Calibration:
    told = [parse_axis(axis) for axis in axes(letters, unit)]
    multiscale = {} if whole is None else {"coordinateTransformations": whole}
    return read_calibration(told, {"coordinateTransformations": list(level)}, multiscale)


@given(st.lists(st.tuples(st.booleans(), USABLE, UNUSABLE), min_size=5, max_size=5))
def test_sound_axes_keep_their_sizes_and_the_others_are_counted(numbers: list[tuple[bool, Any, Any]]) -> None:
    told = [good if sound else bad for sound, good, bad in numbers]

    found = calibrate("tczyx", scale(*told))

    sound = {
        letter: float(n)
        for letter, n, (is_sound, _, _) in zip("tczyx", told, numbers, strict=True)
        if is_sound
    }
    assert {axis: size for axis, (size, _) in found.sizes.items()} == {
        letter: size for letter, size in sound.items() if letter != "c"
    }
    assert [flaw.type for flaw in found.flaws] == [WORDS[one] for one in "tczyx" if one not in sound]


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        *((0, "0"), (-0.5, "-0.5"), (None, "null"), (math.nan, "NaN"), (math.inf, "Infinity")),
        *(("0.5", "'0.5'"), (True, "true"), ([1], "a list"), ({}, "an object")),
        (10**400, "a number of too many digits"),
    ],
)
def test_an_unusable_number_is_shown(number: object, shown: str) -> None:
    found = calibrate("zyx", scale(number, 0.2, 0.2))

    assert found.flaws == (Flaw("PhysicalSizeZ", f"{shown} is not a valid size"),)
    assert found.sizes == {"y": (0.2, "MICROMETER"), "x": (0.2, "MICROMETER")}


@pytest.mark.parametrize("level", [(), ({"type": "identity"},)])
def test_where_no_scale_is_given_nothing_is_said(level: tuple[object, ...]) -> None:
    assert calibrate("tczyx", *level) == Calibration()
    assert read_calibration([parse_axis(one) for one in axes("zyx")], {}, {}) == Calibration()


@pytest.mark.parametrize(
    "item",
    [
        *(None, 3, "scale", [], {}, {"type": "affine", "affine": [[1, 0], [0, 1]]}, {"type": None}),
        *({"type": "scale"}, {"type": "scale", "scale": 0.5}, {"type": "scale", "path": "scales"}),
        *(scale(0.5, 0.5), scale(1, 1, 1, 1, 1)),
    ],
)
def test_transformations_that_are_not_known_leave_sizes_open_and_are_counted(item: object) -> None:
    found = calibrate("zyx", scale(1, 0.5, 0.5), item)

    assert found.sizes == {}
    assert [flaw.type for flaw in found.flaws] == ["CoordinateTransformation"]


def test_scales_of_level_and_image_are_multiplied() -> None:
    found = calibrate("tyx", scale(1, 2, 2), whole=[scale(0.5, 0.25, 0.125)])

    assert found.sizes == {"t": (0.5, "SECOND"), "y": (0.5, "MICROMETER"), "x": (0.25, "MICROMETER")}


@pytest.mark.parametrize("number", [1e200, 1e-200])
def test_a_product_beyond_what_a_float_holds_is_no_size(number: float) -> None:
    found = calibrate("yx", scale(number, 0.5), whole=[scale(number, 1)])

    assert found.sizes == {"x": (0.5, "MICROMETER")}
    assert [flaw.type for flaw in found.flaws] == ["PhysicalSizeY"]


@pytest.mark.parametrize("unit", [None, "", "  ", "furlong", "foo", 3, ["micrometer"], "second"])
def test_a_size_without_a_known_unit_is_counted_with_its_number(unit: object) -> None:
    found = calibrate("yx", scale(0.13, 0.13), unit=unit)

    assert found.sizes == {}
    assert [flaw.type for flaw in found.flaws] == ["PhysicalSizeY", "PhysicalSizeX"]
    assert all("0.13" in flaw.reason for flaw in found.flaws)


def test_one_without_a_unit_stands_for_unknown() -> None:
    assert calibrate("czyx", scale(1, 1, 1.0, 1), unit=None) == Calibration()


SPELLINGS = {
    "MICROMETER": "um µm μm micron microns Micron micrometer micrometers micrometre Micrometres MICROMETER",
    "NANOMETER": "nm nanometer nanometers nanometre",
    "MILLIMETER": "mm millimeter millimetres",
    "CENTIMETER": "cm centimeter",
    "METER": "m meter metre meters",
    "ANGSTROM": "angstrom angstroms Å \N{ANGSTROM SIGN}",
    "PIXEL": "pixel pixels px",
    "INCH": "inch inches in",
    "FOOT": "foot feet ft",
}
TIMES = {
    "SECOND": "s sec second seconds Second",
    "MILLISECOND": "ms msec millisecond milliseconds",
    "MICROSECOND": "us µs μs microsecond",
    "NANOSECOND": "ns nanosecond",
    "MINUTE": "min minute minutes",
    "HOUR": "h hr hour hours",
    "DAY": "d day days",
}


@pytest.mark.parametrize(
    ("unit", "name"), [(one, name) for name, units in SPELLINGS.items() for one in units.split(" ")]
)
def test_lengths_are_known_in_all_usual_spellings(unit: str, name: str) -> None:
    assert ome_length(unit) == ome_length(f" {unit} ") == name


@pytest.mark.parametrize(
    ("unit", "name"), [(one, name) for name, units in TIMES.items() for one in units.split(" ")]
)
def test_times_are_known_in_all_usual_spellings(unit: str, name: str) -> None:
    assert ome_time(unit) == name


@pytest.mark.parametrize("unit", ["", "foo", "MM", "Pm2", "second", "s", "sizes", "voxel"])
def test_what_is_no_length_is_not_taken_for_one(unit: str) -> None:
    assert ome_length(unit) is None


@pytest.mark.parametrize("unit", ["", "foo", "m", "meter", "S", "MS", "pixel", "hertz"])
def test_what_is_no_time_is_not_taken_for_one(unit: str) -> None:
    assert ome_time(unit) is None


@given(st.text(max_size=12))
def test_any_text_is_a_unit_or_none(text: str) -> None:
    assert {type(ome_length(text)), type(ome_time(text))} <= {str, type(None)}


def test_a_translation_is_the_place_of_the_first_pixel() -> None:
    found = calibrate("czyx", scale(1, 2, 0.5, 0.5), translation(0, 0, 120.5, -3))

    assert found.places == {axis: (n, "MICROMETER") for axis, n in (("z", 0.0), ("y", 120.5), ("x", -3.0))}
    assert found.flaws == ()


def test_a_translation_of_zeros_says_nothing() -> None:
    assert calibrate("zyx", scale(1, 1, 1), translation(0, 0, 0.0)).places == {}


def test_places_are_scaled_with_what_comes_after_them() -> None:
    found = calibrate("yx", scale(1, 1), translation(10, 20), whole=[scale(0.5, 2), translation(1, 0)])

    assert found.places == {"y": (6.0, "MICROMETER"), "x": (40.0, "MICROMETER")}


@given(st.lists(st.tuples(st.booleans(), st.floats(-1e6, 1e6), UNUSABLE), min_size=3, max_size=3))
def test_places_are_carried_or_counted(numbers: list[tuple[bool, float, Any]]) -> None:
    told = [good if sound else bad for sound, good, bad in numbers]
    valid = [isinstance(n, int | float) and not isinstance(n, bool) and abs(n) < 1e300 for n in told]

    found = calibrate("zyx", scale(1, 0.5, 0.5), translation(*told))

    right = {axis: float(n) for axis, n, ok in zip("zyx", told, valid, strict=True) if ok}
    assert {axis: place for axis, (place, _) in found.places.items()} == (
        right if any(right.values()) else {}
    )
    assert [flaw.type for flaw in found.flaws] == [
        f"Position{axis.upper()}" for axis, ok in zip("zyx", valid, strict=True) if not ok
    ]
    assert len(found.sizes) == 3


def test_translations_that_omero_has_no_place_for_are_counted() -> None:
    found = calibrate("tcyx", scale(1, 1, 1, 1), translation(5, 1, 0, 0))

    assert [flaw.type for flaw in found.flaws] == ["DeltaT", "Translation"]


def test_a_place_without_a_unit_is_counted() -> None:
    found = calibrate("yx", scale(1, 1), translation(7, 0), unit=None)

    assert found.flaws == (Flaw("PositionY", "7 has no unit"),)
