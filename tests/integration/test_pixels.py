"""Pixels by whole command lines: out of one server as OME-Zarr, into another one exactly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read.pixels import ServerPixels
from omero_rocrate_transfer.server.session.connection import Connection
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import real_input, seed
from tests.command_line import CommandLine

#: Planes above 32 x 32 pixels go as OME-TIFF.
LOW_LIMIT = {"omero.pixeldata.max_plane_width": "32", "omero.pixeldata.max_plane_height": "32"}


class Ends:
    """Two servers under the default download policy, and command lines for both."""

    def __init__(
        self, capsys: pytest.CaptureFixture[str], source: SandboxServer, target: SandboxServer
    ) -> None:
        self.connections = [
            Connection.login(f"tcp://{one.host}", one.port, user="root", password="omero")
            for one in (source, target)
        ]
        self.lines = [
            CommandLine(
                capsys, ["-s", f"tcp://{one.host}", "-p", str(one.port), "-u", "root", "-w", "omero", "-C"]
            )
            for one in (source, target)
        ]

    def pixels(self, end: int, image: int) -> tuple[Any, bytes]:
        reader = ServerPixels(self.connections[end], ObjectRef("Image", image))
        _, _, _, height, width = reader.shape
        planes = [
            reader.read_tile(t, c, z, 0, 0, width, height).tobytes()
            for t, c, z in np.ndindex(reader.shape[:3])
        ]
        reader.close()
        return (reader.shape, reader.dtype), b"".join(planes)


@pytest.fixture
def open_ends(capsys: pytest.CaptureFixture[str], sandbox_factory: Callable[..., SandboxServer]) -> Any:
    """Start the servers: ``open_ends(config)`` with settings of the target."""
    opened: list[Ends] = []

    def start(config: dict[str, str] | None = None) -> Ends:
        opened.append(Ends(capsys, sandbox_factory(), sandbox_factory(config=config)))
        return opened[-1]

    yield start
    for ends in opened:
        for connection in ends.connections:
            connection.close()


def new_ids(home: Path) -> dict[str, str]:
    (path,) = home.glob("*.idmap.json")
    return {one["source"]: one["target"] for one in json.loads(path.read_text())["objects"]}


@pytest.mark.parametrize("config", [None, LOW_LIMIT], ids=["tiles", "ome-tiff"])
@pytest.mark.parametrize("crate", ["crate", "crate.zip"])
def test_images_come_back_exactly_as_pixels(
    open_ends: Any, home: Path, tmp_path: Path, crate: str, config: dict[str, str] | None
) -> None:
    ends = open_ends(config)
    client = ends.connections[0].client
    images = []
    for write in (real_input.multi_series, real_input.every_type):
        data = write(tmp_path / write.__name__)
        images += seed.import_fileset(client, data.folder, data.files).images
    named = ",".join(map(str, images))

    packed = ends.lines[0]("pack", "--pixels", "zarr", f"Image:{named}", crate, "--json")
    unpacked = ends.lines[1]("unpack", crate, "--json")

    assert packed.summary["done"] == packed.summary["planned"] == len(images), packed.stderr
    assert packed.summary["files"] == 0
    assert unpacked.summary["done"] == len(images), unpacked.stderr
    made = new_ids(home)
    planes = 0
    for image in images:
        new = int(made[f"Image:{image}"].partition(":")[2])
        before, after = ends.pixels(0, image), ends.pixels(1, new)
        assert after == before
        planes += int(np.prod(before[0][0][:3]))
    assert unpacked.summary["planes_verified"] == planes


@pytest.mark.parametrize(
    ("rows", "columns"), [(2, 3), pytest.param(8, 12, marks=pytest.mark.soak, id="96 wells")]
)
def test_a_plate_under_the_default_policy_comes_back(
    open_ends: Any, home: Path, tmp_path: Path, rows: int, columns: int
) -> None:
    ends = open_ends()
    data = real_input.plate(tmp_path / "plate", rows, columns)
    imported = seed.import_fileset(ends.connections[0].client, data.folder, data.files)
    plate = imported.plates[0]

    packed = ends.lines[0]("pack", f"Plate:{plate}", "crate", "--json")
    ends.lines[1]("unpack", "crate", "--json")

    assert packed.lines[0]["pixels"] == [
        {"object": f"Plate:{plate}", "reason": "the server's download policy keeps the original files back"}
    ]
    made = new_ids(home)
    assert f"Plate:{plate}" in made
    for image in imported.images:
        new = int(made[f"Image:{image}"].partition(":")[2])
        assert ends.pixels(1, new) == ends.pixels(0, image)
