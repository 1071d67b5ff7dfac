"""OME-Zarrs from elsewhere, by whole command lines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from omero.sys import ParametersI

from omero_rocrate_transfer.crate.ome_zarr.inner_crate import render_inner_crate
from omero_rocrate_transfer.model.refs import ObjectRef
from tests.crate.ome_zarr.test_image import FACTS
from tests.crate.ome_zarr.test_reader import SIZES, _write
from tests.crate.pixels.support import make_pixel_world, pack_pixels
from tests.integration.conftest import Server
from tests.support.servers import read_pixels

Line = Callable[..., Any]


def pixels(server: Server, image: int) -> list[bytes]:
    """Return the digests of the planes of an image."""
    return list(read_pixels(server.client(), image)[1])


def digests(array: np.ndarray[Any, Any]) -> list[bytes]:
    """Return the digests of the planes of an array, as a server gives them."""
    planes = array.reshape(-1, *array.shape[-2:])
    return [
        hashlib.sha256(plane.astype(plane.dtype.newbyteorder(">")).tobytes()).digest() for plane in planes
    ]


def new_ids(home: Path) -> dict[str, int]:
    objects = json.loads((home / "ids.json").read_text())["objects"]
    return {one["source"]: int(one["target"].partition(":")[2]) for one in objects}


def test_an_image_comes_with_its_pixels_and_what_its_crate_says(
    unpack: Line, target_server: Server, home: Path, tmp_path: Path
) -> None:
    array = _write(tmp_path / "cells.ome.zarr", "czyx", 2)
    (tmp_path / "cells.ome.zarr/ro-crate-metadata.json").write_bytes(render_inner_crate(FACTS))

    done = unpack(
        str(tmp_path / "cells.ome.zarr"), "-T", "Dataset:name:Cells", "--json", "--idmap", "ids.json"
    )

    assert (done.summary["done"], done.exit_code) == (1, 0), done.stderr
    image = new_ids(home)["Image:1"]
    assert pixels(target_server, image) == digests(array.reshape([SIZES[letter] for letter in "czyx"]))
    query = "select a from ImageAnnotationLink l join l.child a where l.parent.id = :id"
    found = target_server.client().sf.getQueryService().findAllByQuery(query, ParametersI().addId(image))
    pairs = {pair.name: pair.value for one in found for pair in getattr(one, "mapValue", None) or ()}
    assert pairs["Organism"] == "NCBI:txid9606"
    assert pairs["Imaging Method"] == "obo:FBbi_00000369"


def test_a_plate_comes_with_its_wells(
    unpack: Line, target_server: Server, home: Path, tmp_path: Path
) -> None:
    pack_pixels(tmp_path / "crate")

    done = unpack(str(tmp_path / "crate/plate7.ome.zarr"), "--json", "--idmap", "ids.json")

    assert (done.summary["done"], done.exit_code) == (1, 0), done.stderr
    made = new_ids(home)
    arrays = make_pixel_world()[1]
    assert {key.partition(":")[0] for key in made} >= {"Plate", "Image"}
    for number in (1, 2, 3, 4):
        wanted = digests(arrays[ObjectRef("Image", 300 + number)])
        assert pixels(target_server, made[f"Image:{number}"]) == wanted


def test_a_hostile_one_is_refused_before_anything_is_made(unpack: Line, tmp_path: Path) -> None:
    _write(tmp_path / "x.zarr", "yx", 3)
    group = zarr.open_group(tmp_path / "x.zarr", mode="a")
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [{"axes": ["y", "x"], "datasets": [{"path": "../0"}]}],
    }

    done = unpack(str(tmp_path / "x.zarr"), exit_code=8)

    assert "has the impossible path '../0'" in done.stderr
