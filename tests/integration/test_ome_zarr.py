"""OME-Zarrs from elsewhere, by whole command lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from omero.sys import ParametersI

from omero_rocrate_transfer.crate.ome_zarr.inner_crate import render_inner_crate
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read.pixels import ServerPixels
from omero_rocrate_transfer.server.session.connection import Connection
from omero_sandbox.server import SandboxServer
from tests.command_line import CommandLine
from tests.crate.ome_zarr.test_image import FACTS
from tests.crate.ome_zarr.test_reader import SIZES, _write
from tests.crate.pixels.support import make_pixel_world, pack_pixels


class End:
    """One server, its command line, and what is on it."""

    def __init__(self, capsys: pytest.CaptureFixture[str], server: SandboxServer) -> None:
        host = f"tcp://{server.host}"
        self.connection = Connection.login(host, server.port, user="root", password="omero")
        login = ["-s", host, "-p", str(server.port), "-u", "root", "-w", "omero", "-C"]
        self.line = CommandLine(capsys, login)

    def pixels(self, image: int) -> Any:
        reader = ServerPixels(self.connection, ObjectRef("Image", image))
        *planes, height, width = reader.shape
        found = np.empty(reader.shape, reader.dtype)
        for t, c, z in np.ndindex(*planes):
            found[t, c, z] = reader.read_tile(t, c, z, 0, 0, width, height)
        reader.close()
        return found


@pytest.fixture
def end(capsys: pytest.CaptureFixture[str], sandbox_factory: Any) -> Any:
    end = End(capsys, sandbox_factory())
    yield end
    end.connection.close()


def new_ids(home: Path) -> dict[str, int]:
    (path,) = home.glob("*.idmap.json")
    objects = json.loads(path.read_text())["objects"]
    return {one["source"]: int(one["target"].partition(":")[2]) for one in objects}


def test_an_image_comes_with_its_pixels_and_what_its_crate_says(end: End, home: Path, tmp_path: Path) -> None:
    array = _write(tmp_path / "cells.ome.zarr", "czyx", 2)
    (tmp_path / "cells.ome.zarr/ro-crate-metadata.json").write_bytes(render_inner_crate(FACTS))

    done = end.line("unpack", str(tmp_path / "cells.ome.zarr"), "-T", "Dataset:name:Cells", "--json")

    assert (done.summary["done"], done.exit_code) == (1, 0), done.stderr
    image = new_ids(home)["Image:1"]
    assert np.array_equal(end.pixels(image)[0], array.reshape([SIZES[letter] for letter in "czyx"]))
    query = "select a from ImageAnnotationLink l join l.child a where l.parent.id = :id"
    found = end.connection.query.findAllByQuery(query, ParametersI().addId(image))
    pairs = {pair.name: pair.value for one in found for pair in getattr(one, "mapValue", None) or ()}
    assert pairs["Organism"] == "NCBI:txid9606"
    assert pairs["Imaging Method"] == "obo:FBbi_00000369"


def test_a_plate_comes_with_its_wells(end: End, home: Path, tmp_path: Path) -> None:
    pack_pixels(tmp_path / "crate")

    done = end.line("unpack", str(tmp_path / "crate/plate7.ome.zarr"), "--json")

    assert (done.summary["done"], done.exit_code) == (1, 0), done.stderr
    made = new_ids(home)
    arrays = make_pixel_world()[1]
    assert {key.partition(":")[0] for key in made} >= {"Plate", "Image"}
    for number in (1, 2, 3, 4):
        assert np.array_equal(end.pixels(made[f"Image:{number}"]), arrays[ObjectRef("Image", 300 + number)])


def test_a_hostile_one_is_refused_before_anything_is_made(end: End, tmp_path: Path) -> None:
    _write(tmp_path / "x.zarr", "yx", 3)
    group = zarr.open_group(tmp_path / "x.zarr", mode="a")
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [{"axes": ["y", "x"], "datasets": [{"path": "../0"}]}],
    }

    done = end.line("unpack", str(tmp_path / "x.zarr"), exit_code=8)

    assert "has the impossible path '../0'" in done.stderr
