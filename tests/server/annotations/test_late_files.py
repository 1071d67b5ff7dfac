"""Tables and figures on their way: ids in them become those of the target."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import omero.model as om
import pytest
from omero.rtypes import rstring

from omero_rocrate_transfer.model.annotations import FIGURE_NAMESPACE, TABLE_TYPE
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.write.annotations import tables
from omero_sandbox.testing.seed import create, link
from tests.server.annotations.conftest import PLATE, Two, attach, values
from tests.server.annotations.test_tables import make


def stored(connection: Any, name: str) -> bytes:
    [[number, size]] = values(connection, f"select f.id, f.size from OriginalFile f where f.name = '{name}'")
    store = connection.session.createRawFileStore()
    store.setFileId(number, connection.context())
    data: bytes = store.read(0, size, connection.context())
    store.close(connection.context())
    return data


def table(folder: Path, ids: dict[str, int]) -> bytes:
    """Return a table with one row."""
    path = folder / "made.h5"
    make(path, rows=1, columns={name: f"{name}Column" for name in ids})
    with h5py.File(path, "r+") as file:
        rows = file["OME/Measurements"][:]
        for name, one in ids.items():
            rows[name] = one
        file["OME/Measurements"][...] = rows
    return path.read_bytes()


def test_a_table_on_a_plate_points_to_the_new_objects(two: Two, tmp_path: Path) -> None:
    two.image()
    imported = two.image(PLATE)
    [[well]] = values(two.source, "select max(w.id) from Well w")
    data = table(tmp_path, {"Image": imported.images[1], "Well": well, "Plate": imported.plates[0]})
    attach(two.source.client, om.PlateI(imported.plates[0], False), "t.h5", data, TABLE_TYPE)

    two.copy(f"Plate:{imported.plates[0]}")

    assert two.omissions == []
    (tmp_path / "got.h5").write_bytes(stored(two.target, "t.h5"))
    with h5py.File(tmp_path / "got.h5") as file:
        [row] = file["OME/Measurements"][:]
    assert row["Image"] == two.made[ObjectRef("Image", imported.images[1])].id
    assert row["Plate"] == two.made[ObjectRef("Plate", imported.plates[0])].id
    place = "select w.row, w.column from Well w where w.id = {}"
    assert values(two.target, place.format(row["Well"])) == values(two.source, place.format(well))
    assert values(two.target, "select f.mimetype from OriginalFile f where f.name = 't.h5'") == [[TABLE_TYPE]]


def test_without_the_library_a_table_travels_as_a_plain_file(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [image] = two.image().images
    data = table(tmp_path, {"Image": image})
    attach(two.source.client, om.ImageI(image, False), "t.h5", data, TABLE_TYPE)
    monkeypatch.setattr(tables, "has_library", lambda: False)

    two.copy(f"Image:{image}")

    assert stored(two.target, "t.h5") == data
    assert [(one.type, one.count) for one in two.omissions] == [("OMERO.table", 1)]
    assert values(two.target, "select f.mimetype from OriginalFile f where f.name = 't.h5'") == [
        ["application/x-hdf5"]
    ]


def test_what_only_says_it_is_a_table_travels_as_a_plain_file(two: Two) -> None:
    [image] = two.image().images
    attach(two.source.client, om.ImageI(image, False), "t.h5", b"no table", TABLE_TYPE)
    two.copy(f"Image:{image}")
    assert stored(two.target, "t.h5") == b"no table"
    assert [(one.type, one.count) for one in two.omissions] == [("OMERO.table", 1)]


def figure(client: Any, name: str, *images: int) -> None:
    data = json.dumps({"panels": [{"imageId": one} for one in images]}).encode()
    attach(client, None, name, data, "application/json", ns=rstring(FIGURE_NAMESPACE))


def test_figures_of_only_these_images_come_with_the_new_ids(two: Two) -> None:
    client = two.source.client
    other, *images = (two.image().images[0] for _ in range(3))
    dataset = create(client, "Dataset", "one")
    for image in images:
        link(client, dataset, om.ImageI(image, False))
    figure(client, "mine", *images)
    figure(client, "others", images[0], other)
    figure(client, "empty")

    two.copy(f"Dataset:{dataset.id.val}", figures=True)

    assert two.omissions == []
    assert values(two.target, "select a.file.name from FileAnnotation a") == [["mine"]]
    panels = json.loads(stored(two.target, "mine"))["panels"]
    assert [panel["imageId"] for panel in panels] == [two.made[ObjectRef("Image", one)].id for one in images]


def test_figures_are_left_out_unless_asked_for(two: Two) -> None:
    [image] = two.image().images
    figure(two.source.client, "mine", image)
    contents = two.copy(f"Image:{image}")
    assert contents.attachment_count == 0
    two.copy(f"Image:{image}", figures=True, restore_figures=False)
    assert [(one.type, one.on_request) for one in two.omissions] == [("OMERO.figure", True)]
    assert values(two.target, "select a.id from FileAnnotation a") == []
