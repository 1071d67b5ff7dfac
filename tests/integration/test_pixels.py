"""Pixels by whole command lines: out of one server as OME-Zarr, into another one exactly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omero_sandbox.testing import real_input, seed
from tests.integration.conftest import Server
from tests.support.servers import read_pixels

Line = Callable[..., Any]
#: Planes above 32 x 32 pixels go as OME-TIFF.
LOW_LIMIT = {"omero.pixeldata.max_plane_width": "32", "omero.pixeldata.max_plane_height": "32"}
DEFAULT_POLICY = {"omero.policy.binary_access": "+read,+write,+image"}


def new_ids(home: Path) -> dict[str, str]:
    return {one["source"]: one["target"] for one in json.loads((home / "ids.json").read_text())["objects"]}


def expect_same_pixels(source: Server, target: Server, images: list[int], home: Path) -> int:
    """Compare images with what they became; return how many planes they have."""
    made = new_ids(home)
    before, after = source.client(), target.client()
    planes = 0
    for image in images:
        new = int(made[f"Image:{image}"].partition(":")[2])
        (facts, wanted), (found_facts, found) = read_pixels(before, image), read_pixels(after, new)
        assert found_facts == facts
        assert list(found) == list(wanted), f"Image:{image}, {facts}"
        planes += int(np.prod(facts[1:4]))
    return planes


@pytest.mark.parametrize(
    "crate",
    [
        "crate",
        "crate.zip",
        pytest.param("crate", marks=pytest.mark.sandbox(target=LOW_LIMIT), id="as OME-TIFF"),
        pytest.param("crate.zip", marks=pytest.mark.sandbox(target=LOW_LIMIT), id="zip as OME-TIFF"),
    ],
)
def test_images_come_back_exactly_as_pixels(
    crate: str,
    pack: Line,
    unpack: Line,
    source_server: Server,
    target_server: Server,
    home: Path,
    tmp_path: Path,
) -> None:
    client = source_server.client()
    images = []
    for write in (real_input.multi_series, real_input.every_type):
        data = write(tmp_path / write.__name__)
        images += seed.import_fileset(client, data.folder, data.files).images
    named = ",".join(map(str, images))

    packed = pack("--pixels", "zarr", f"Image:{named}", crate, "--json")
    unpacked = unpack(crate, "--json", "--idmap", "ids.json")

    assert packed.summary["done"] == packed.summary["planned"] == len(images), packed.stderr
    assert packed.summary["files"] == 0
    assert unpacked.summary["done"] == len(images), unpacked.stderr
    planes = expect_same_pixels(source_server, target_server, images, home)
    assert unpacked.summary["planes_verified"] == planes


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (2, 3),
        pytest.param(2, 3, marks=pytest.mark.sandbox(source=DEFAULT_POLICY), id="default policy"),
        pytest.param(8, 12, marks=pytest.mark.large, id="96 wells"),
    ],
)
def test_a_plate_under_the_default_policy_comes_back(
    pack: Line,
    unpack: Line,
    source_server: Server,
    target_server: Server,
    home: Path,
    tmp_path: Path,
    rows: int,
    columns: int,
) -> None:
    """If the source gives out the files of plates, the pixels are asked for."""
    data = real_input.plate(tmp_path / "plate", rows, columns)
    imported = seed.import_fileset(source_server.client(), data.folder, data.files)
    plate = imported.plates[0]
    given = source_server.gives_out_plates()
    asked = ("--pixels", "zarr") if given else ()

    packed = pack(f"Plate:{plate}", "crate", *asked, "--json")
    unpack("crate", "--json", "--idmap", "ids.json")

    because = (
        "pixels were asked for" if given else "the server's download policy keeps the original files back"
    )
    assert packed.lines[0]["pixels"] == [{"object": f"Plate:{plate}", "reason": because}]
    assert f"Plate:{plate}" in new_ids(home)
    assert expect_same_pixels(source_server, target_server, imported.images, home) == len(imported.images)
