from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from omero_rocrate_transfer.crate.ome_zarr.images import ZarrField
from omero_rocrate_transfer.crate.ome_zarr.reader import OmeZarr
from omero_rocrate_transfer.model.errors import UnsafeCrateError
from tests.crate.ome_zarr.support import FolderMembers, MemoryMembers

SIZES = {"t": 2, "c": 3, "z": 4, "y": 50, "x": 70}


def _axes(letters: str) -> list[dict[str, str]]:
    kinds = {"t": "time", "c": "channel"}
    units = {"t": {"unit": "second"}, "c": {}}
    return [
        {"name": letter, "type": kinds.get(letter, "space")} | units.get(letter, {"unit": "micrometer"})
        for letter in letters
    ]


def _multiscales(letters: str, **more: Any) -> dict[str, Any]:
    scale = {"type": "scale", "scale": [0.5] * len(letters)}
    return {"axes": _axes(letters), "datasets": [{"path": "0", "coordinateTransformations": [scale]}]} | more


def _write(folder: Path, letters: str, zarr_format: int, path: str = "") -> npt.NDArray[Any]:
    shape = [SIZES[letter] for letter in letters]
    array = np.random.default_rng(0).integers(0, 255, shape, dtype="u1")
    group = zarr.open_group(folder / path, mode="w", zarr_format=zarr_format)  # type: ignore[arg-type]
    group.create_array("0", data=array, chunks=tuple(min(32, side) for side in shape))
    if zarr_format == 2:
        group.attrs.update({"multiscales": [_multiscales(letters, version="0.4", name="cells")]})
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": [_multiscales(letters, name="cells")]}
    return array


@pytest.mark.parametrize("text", ["0", "[]", "null", '"a"', "{", '{"zarr_format": 3, "node_type": 0}'])
def test_metadata_of_another_shape_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "zarr.json").write_text(text)

    with pytest.raises(UnsafeCrateError, match="no readable Zarr metadata"):
        OmeZarr(FolderMembers(tmp_path), "x").read_contents()


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("letters", ["yx", "cyx", "zyx", "tyx", "tczyx", "czyx", "tcyx"])
def test_images_of_two_to_five_dimensions_are_read_from_both_zarr_formats(
    tmp_path: Path, letters: str, zarr_format: int
) -> None:
    array = _write(tmp_path, letters, zarr_format)

    opened = OmeZarr(FolderMembers(tmp_path), "x.ome.zarr")
    (image,) = opened.read_contents().images
    reader = opened.open_pixels(image)

    full = array.reshape([SIZES[letter] if letter in letters else 1 for letter in "tczyx"])
    assert reader.shape == full.shape
    t, c, z = (size - 1 for size in full.shape[:3])
    assert np.array_equal(reader.read_tile(t, c, z, 5, 7, 60, 40), full[t, c, z, 7:47, 5:65])
    assert image.name == "cells"
    assert image.calibration.sizes["x"] == (0.5, "MICROMETER")


def test_axes_in_another_order_are_turned(tmp_path: Path) -> None:
    array = _write(tmp_path, "xyc", 3)

    opened = OmeZarr(FolderMembers(tmp_path), "x.ome.zarr")
    reader = opened.open_pixels(opened.read_contents().images[0])

    assert reader.shape == (1, 3, 1, 50, 70)
    assert np.array_equal(reader.read_tile(0, 2, 0, 1, 2, 30, 20), array[1:31, 2:22, 2].T)


def test_a_collection_gives_its_series_in_order(tmp_path: Path) -> None:
    root = zarr.open_group(tmp_path, mode="w", zarr_format=3)
    root.attrs["ome"] = {"version": "0.5", "bioformats2raw.layout": 3}
    for path in ("b", "a"):
        _write(tmp_path, "yx", 3, path)
    ome = zarr.open_group(tmp_path / "OME", mode="w", zarr_format=3)
    ome.attrs["ome"] = {"version": "0.5", "series": ["b", "a"]}

    images = OmeZarr(FolderMembers(tmp_path), "x.ome.zarr").read_contents().images

    assert [image.path for image in images] == ["b", "a"]


def test_a_collection_without_a_list_gives_its_numbered_groups(tmp_path: Path) -> None:
    root = zarr.open_group(tmp_path, mode="w", zarr_format=2)
    root.attrs["bioformats2raw.layout"] = 3
    for path in ("0", "1"):
        _write(tmp_path, "yx", 2, path)

    images = OmeZarr(FolderMembers(tmp_path), "x.ome.zarr").read_contents().images

    assert [image.path for image in images] == ["0", "1"]


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_plate_gives_its_fields_with_their_places(tmp_path: Path, zarr_format: int) -> None:
    plate: dict[str, Any] = {
        "rows": [{"name": "A"}, {"name": "B"}],
        "columns": [{"name": "1"}, {"name": "2"}],
        "wells": [{"path": "B/2"} | ({"rowIndex": 1, "columnIndex": 1} if zarr_format == 3 else {})],
    }
    well: dict[str, Any] = {"images": [{"path": "0", "acquisition": 9}, {"path": "1"}]}
    for path, attributes in (("", {"plate": plate}), ("B/2", {"well": well})):
        group = zarr.open_group(tmp_path / path, mode="w", zarr_format=zarr_format)  # type: ignore[arg-type]
        group.attrs.update({"ome": {"version": "0.5"} | attributes} if zarr_format == 3 else attributes)
    for path in ("B/2/0", "B/2/1"):
        _write(tmp_path, "yx", zarr_format, path)

    contents = OmeZarr(FolderMembers(tmp_path), "p.ome.zarr").read_contents()

    assert contents.plate == plate
    assert [(image.path, image.field) for image in contents.images] == [
        ("B/2/0", ZarrField(row=1, column=1, index=0, acquisition=9)),
        ("B/2/1", ZarrField(row=1, column=1, index=1)),
    ]


def _with_attributes(attributes: Any) -> OmeZarr:
    members = MemoryMembers()
    group = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    members.write("zarr.json", json.dumps(group).encode())
    return OmeZarr(members, "x.ome.zarr")


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"ome": {"version": "0.6", "multiscales": [_multiscales("yx")]}},
        {"ome": {"multiscales": []}},
        {"ome": {"multiscales": {}}},
        {"ome": {"multiscales": [{}]}},
        {"ome": {"multiscales": [_multiscales("yx") | {"axes": ["x", "x", "y"]}]}},
        {"ome": {"multiscales": [_multiscales("yx") | {"axes": ["q", "x", "y"]}]}},
        {"ome": {"multiscales": [_multiscales("yx") | {"datasets": [{"path": "../0"}]}]}},
        {"ome": {"multiscales": [_multiscales("yx") | {"datasets": [{"path": "/0"}]}]}},
        {"ome": {"multiscales": [_multiscales("yx") | {"datasets": [{"path": 3}]}]}},
        {"ome": {"plate": []}},
        {"ome": {"plate": {"wells": [{"path": "../../A/1", "rowIndex": 0, "columnIndex": 0}]}}},
        {"ome": {"plate": {"wells": [{"path": "A/1", "rowIndex": -1, "columnIndex": 0}]}}},
        {"ome": {"plate": {"wells": [{"path": "A/1"}]}}},
    ],
)
def test_unsound_metadata_are_refused_by_name(attributes: Any) -> None:
    with pytest.raises(UnsafeCrateError, match=r"^x\.ome\.zarr "):
        _with_attributes(attributes).read_contents()


@pytest.mark.parametrize("dtype", ["int64", "uint64", "float16", "complex64"])
def test_pixels_that_omero_cannot_store_are_refused(tmp_path: Path, dtype: str) -> None:
    group = zarr.open_group(tmp_path, mode="w", zarr_format=3)
    group.create_array("0", shape=(4, 4), dtype=dtype)
    group.attrs["ome"] = {"version": "0.5", "multiscales": [_multiscales("yx")]}

    opened = OmeZarr(FolderMembers(tmp_path), "x.ome.zarr")
    with pytest.raises(UnsafeCrateError, match="OMERO cannot store"):
        opened.open_pixels(opened.read_contents().images[0])


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["ome", "multiscales", "axes", "datasets", "path", "plate", "wells", "name", "version"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["ome", "multiscales", "plate", "bioformats2raw.layout"]), JSON_VALUES)
)
def test_whatever_the_metadata_say_only_our_own_error_comes_out(attributes: dict[str, Any]) -> None:
    opened = _with_attributes(attributes)
    try:
        contents = opened.read_contents()
        for image in contents.images:
            opened.open_pixels(image)
    except UnsafeCrateError:
        return
    assert contents.images == []
