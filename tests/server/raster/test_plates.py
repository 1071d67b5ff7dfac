"""Plates whose files are withheld, and images without files: from one server to another as pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omero.sys import ParametersI

from omero_rocrate_transfer.model.choices import PixelsPolicy
from omero_rocrate_transfer.model.contents import Contents
from omero_rocrate_transfer.model.errors import RefusedError
from omero_rocrate_transfer.model.refs import ObjectRef, parse_objects
from omero_rocrate_transfer.model.results import UnitResult
from omero_rocrate_transfer.server.read.source import ServerSource
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.write.sink import ServerSink
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import real_input, seed
from tests.server.raster.arrays import read_back

_PLACES = (
    "select w.row, w.column, index(s), s.posX.value, a.name, s.image.name, s.image.id, s.id from Well w"
    " join w.wellSamples s left outer join s.plateAcquisition a where w.plate.id = :id order by w.id, s.id"
)


@dataclass
class Two:
    """Two servers under the default download policy, which keeps files of plates back."""

    source: Connection
    target: Connection

    def copy(
        self, *texts: str, pixels: PixelsPolicy = PixelsPolicy.ORIGINAL, **options: Any
    ) -> tuple[Contents, list[UnitResult], dict[ObjectRef, ObjectRef]]:
        source, sink = ServerSource(self.source, pixels=pixels), ServerSink(self.target, **options)
        contents = source.read_contents(parse_objects(texts))
        made = list(sink.begin(contents, source.read_container_document))
        results = [sink.write_unit(source.open(unit)) for unit in contents.units]
        made += [mapping for result in results for mapping in result.mappings]
        return contents, results, {one.source: one.target for one in made}

    def plate(self, folder: Path, rows: int, columns: int) -> int:
        data = real_input.plate(folder, rows, columns)
        return seed.import_fileset(self.source.client, data.folder, data.files).plates[0]


@pytest.fixture
def two(sandbox_factory: Callable[..., SandboxServer], open_connection: Callable[..., Connection]) -> Two:
    return Two(open_connection(server=sandbox_factory()), open_connection(server=sandbox_factory()))


def places(connection: Connection, plate: int) -> dict[tuple[Any, ...], int]:
    """Return the image at each row, column, field, position, acquisition and name."""
    rows = connection.query.projection(_PLACES, ParametersI().addId(plate))
    values: list[list[Any]] = [[None if value is None else value.val for value in row] for row in rows]
    return {tuple(place): image for *place, image, _ in values}


def stored(connection: Connection, hql: str, number: int) -> list[Any]:
    (row,) = connection.query.projection(hql, ParametersI().addId(number))
    return [None if value is None else value.val for value in row]


def check_plate(two: Two, source: int, target: int) -> None:
    before, after = places(two.source, source), places(two.target, target)
    assert before.keys() == after.keys()
    for place, image in before.items():
        assert read_back(two.source, image).tobytes() == read_back(two.target, after[place]).tobytes()
    facts = (
        "select p.name, p.description, p.rows, p.columns, p.rowNamingConvention, p.columnNamingConvention"
        " from Plate p where p.id = :id"
    )
    assert stored(two.source, facts, source) == stored(two.target, facts, target)
    run = "select a.name, a.startTime, a.maximumFieldCount from PlateAcquisition a where a.plate.id = :id"
    assert stored(two.source, run, source) == stored(two.target, run, target)


def test_a_plate_of_96_wells_with_two_fields_travels_under_the_default_policy(
    two: Two, tmp_path: Path
) -> None:
    plate = two.plate(tmp_path, 8, 12)
    screen = seed.create(two.source.client, "Screen", "Screen 1")
    seed.link(two.source.client, screen, seed.reference("Plate", plate))

    contents, (result,), made = two.copy(f"Screen:{screen.id.val}")

    (unit,) = contents.units
    assert (unit.ref, len(unit.images), unit.files) == (ObjectRef("Plate", plate), 192, ())
    assert unit.pixels_reason == "the server's download policy keeps the original files back"
    assert unit.pixels_size_bytes == 192 * 16 * 20
    assert contents.omissions == ()
    assert result.omissions == ()
    assert result.planes_verified == 192
    new = made[unit.ref]
    check_plate(two, plate, new.id)
    linked = "select l.parent.id, l.parent.name from ScreenPlateLink l where l.child.id = :id"
    assert stored(two.target, linked, new.id) == [made[ObjectRef("Screen", screen.id.val)].id, "Screen 1"]
    assert len([ref for ref in made if ref.type == "Well"]) == 96


def test_a_failure_in_a_plate_leaves_nothing_of_it(two: Two, tmp_path: Path) -> None:
    plate = two.plate(tmp_path, 1, 2)
    source, sink = ServerSource(two.source), ServerSink(two.target)
    contents = source.read_contents([ObjectRef("Plate", plate)])
    sink.begin(contents, source.read_container_document)
    (unit,) = contents.units
    reader = source.open(unit)
    document = reader.document()
    # two wells at one place, which OMERO refuses
    wells = document.ome.plates[0].wells
    wells[-1].column = wells[0].column
    reader.document = lambda: document  # type: ignore[method-assign]

    with pytest.raises(RefusedError, match=f"Creating the plate of Plate:{plate}"):
        sink.write_unit(reader)

    for kind in ("Plate", "Image", "Well", "PlateAcquisition"):
        assert two.target.query.projection(f"select o.id from {kind} o", None) == []


def test_one_image_of_a_plate_travels_alone(two: Two, tmp_path: Path) -> None:
    plate = two.plate(tmp_path, 1, 1)
    first = next(iter(places(two.source, plate).values()))

    contents, _, made = two.copy(f"Image:{first}")

    assert [unit.ref for unit in contents.units] == [ObjectRef("Image", first)]
    new = made[ObjectRef("Image", first)]
    assert read_back(two.target, new.id).tobytes() == read_back(two.source, first).tobytes()


def test_everything_travels_as_pixels_on_request(two: Two, tmp_path: Path) -> None:
    data = real_input.multi_series(tmp_path)
    imported = seed.import_fileset(two.source.client, data.folder, data.files)
    dataset = seed.create(two.source.client, "Dataset", "d")
    for image in imported.images:
        seed.link(two.source.client, dataset, seed.reference("Image", image))

    contents, results, made = two.copy(f"Dataset:{dataset.id.val}", pixels=PixelsPolicy.ZARR)

    # images of a dataset come in the order of their ids, which need not be that of the file
    images = [ObjectRef("Image", image) for image in sorted(imported.images)]
    assert [unit.ref for unit in contents.units] == images
    assert {unit.pixels_reason for unit in contents.units} == {"pixels were asked for"}
    for image in imported.images:
        new = made[ObjectRef("Image", image)].id
        assert read_back(two.target, new).tobytes() == read_back(two.source, image).tobytes()
        facts = "select i.name, i.description, i.acquisitionDate from Image i where i.id = :id"
        assert stored(two.target, facts, new) == stored(two.source, facts, image)
    assert sum(result.planes_verified for result in results) == sum(
        int(np.prod(series.pixels().shape[:3])) for series in data.series
    )


def test_files_and_pixels_travel_on_request(two: Two, tmp_path: Path) -> None:
    data = real_input.multi_series(tmp_path)
    imported = seed.import_fileset(two.source.client, data.folder, data.files)

    contents = ServerSource(two.source, pixels=PixelsPolicy.BOTH).read_contents(
        [ObjectRef("Image", imported.images[0])]
    )

    (unit,) = contents.units
    assert unit.ref == ObjectRef("Fileset", imported.fileset)
    assert unit.pixels
    assert unit.files
    assert unit.pixels_size_bytes == sum(series.pixels().nbytes for series in data.series)
