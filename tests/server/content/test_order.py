"""What belongs together is found by its place or its content: the ids of a server give no order."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import omero.model as om
import pytest
from ome_types import OME
from ome_types import model as ome
from omero.rtypes import rdouble, rint, rstring

from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read.documents.images import read_images, read_instruments
from omero_rocrate_transfer.server.read.documents.plates import PlateContent, read_plates
from omero_rocrate_transfer.server.read.images import read_images as read_rows
from omero_rocrate_transfer.server.read.pixels import ServerPixels
from omero_rocrate_transfer.server.read.source import ServerSource
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.queries import Reader
from omero_rocrate_transfer.server.write.annotations.existing import read_existing
from omero_rocrate_transfer.transfer.engine import Engine
from omero_rocrate_transfer.transfer.events import Compared
from omero_rocrate_transfer.transfer.verify.compare import Comparison, Side
from omero_sandbox.testing import real_input, real_tiff, seed
from tests.server.content.conftest import Two
from tests.server.scatter import scatter_ids

real_plate = real_input._plate


@pytest.fixture(autouse=True)
def backwards(two: Two) -> None:
    """Number everything new on the target backwards."""
    scatter_ids(two.sandboxes[1])


def differences(two: Two, ids: dict[ObjectRef, ObjectRef], *roots: ObjectRef) -> list[Compared]:
    """Compare what was copied as ``verify`` does."""
    here, there = ServerSource(two.source), ServerSource(two.target)
    sides = [
        Side(source=here, contents=here.read_contents(roots)),
        Side(source=there, contents=there.read_contents([ids[root] for root in roots])),
    ]
    events = list(Comparison(*sides, became=ids).run(Engine()))
    compared = [one for one in events if isinstance(one, Compared)]
    assert compared
    return [one for one in compared if one.symbol != "="]


def import_microscope(connection: Connection, folder: Path, *, pumped: bool = True) -> int:
    """Import an image with two lasers, one of which the other may pump, three objectives and three planes."""
    series = (real_tiff.Series("rich", "uint8", (3, 1, 1, 16, 16)),)
    document: OME = real_tiff.document(series)
    (image,) = document.images
    lasers = [ome.Laser(id=f"LightSource:{n}", model=name) for n, name in enumerate(("pump", "main"))]
    lenses = [ome.Objective(id=f"Objective:{n}", lens_na=1 + n / 10) for n in range(3)]
    filters = [ome.Filter(id=f"Filter:{n}", model=f"filter {n}") for n in range(2)]
    sets = [
        ome.FilterSet(id=f"FilterSet:{n}", excitation_filters=[ome.FilterRef(id=f"Filter:{n}")])
        for n in range(2)
    ]
    document.instruments.append(
        ome.Instrument(id="Instrument:0", lasers=lasers, objectives=lenses, filters=filters, filter_sets=sets)
    )
    image.instrument_ref = ome.InstrumentRef(id="Instrument:0")
    image.objective_settings = ome.ObjectiveSettings(id="Objective:1")
    image.pixels.channels[0].light_source_settings = ome.LightSourceSettings(id="LightSource:1")
    image.pixels.channels[0].filter_set_ref = ome.FilterSetRef(id="FilterSet:1")
    image.pixels.planes.extend(
        ome.Plane(the_z=0, the_c=0, the_t=time, exposure_time=0.5 * time) for time in range(3)
    )
    real_tiff.write_ome_tiff(folder / "rich.ome.tif", series, document)
    made = seed.import_fileset(connection.client, folder, ["rich.ome.tif"]).images[0]
    if not pumped:
        return made
    first, second = connection.query.findAllByQuery("select l from Laser l order by l.model", None)
    first.pump = om.LaserI(second.id.val, False)
    seed.save(connection.client, first)
    return made


def test_an_instrument_of_the_import_is_recognised(two: Two, tmp_path: Path) -> None:
    image = ObjectRef("Image", import_microscope(two.source, tmp_path, pumped=False))

    made = two.copy(image)

    assert len(two.target.query.findAllByQuery("select i from Instrument i", None)) == 1
    assert differences(two, made.ids, image) == []


def test_settings_lead_to_the_same_parts_as_on_the_source(two: Two, tmp_path: Path) -> None:
    image = ObjectRef("Image", import_microscope(two.source, tmp_path))

    made = two.copy(image)

    reader, number = Reader(two.target), made.ids[image].id
    content = read_images(reader, two.target.enumerations, [number])[number]
    [instrument] = read_instruments(reader, two.target.enumerations, content.instruments).values()
    parts: dict[ObjectRef, Any] = {part.ref: part.values for part in instrument.parts}
    logical = content.channels[0].logical
    assert parts[content.image["objectiveSettings"]["objective"]]["lensNA"] == 1.1
    assert parts[logical["lightSourceSettings"]["lightSource"]]["model"] == "main"
    [used] = parts[logical["filterSet"]]["excitationFilterLink"]
    assert parts[used]["model"] == "filter 1"


def test_light_of_another_power_is_set_in_place(two: Two, tmp_path: Path) -> None:
    image = ObjectRef("Image", import_microscope(two.source, tmp_path))
    hql = "select s from LightSettings s join fetch s.lightSource"
    for settings in two.source.query.findAllByQuery(hql, None, two.source.context()):
        settings.attenuation = rdouble(0.25)
        seed.save(two.source.client, settings)

    made = two.copy(image)

    [settings] = two.target.query.findAllByQuery(hql, None, two.target.context())
    assert settings.attenuation.val == 0.25
    assert differences(two, made.ids, image) == []


def test_annotations_on_annotations_on_light_sources_and_shapes_arrive(two: Two, tmp_path: Path) -> None:
    client, end = two.source.client, two.source
    image = import_microscope(end, tmp_path)
    roi = seed.roi(client, image, [seed.shape("Point", x=1, y=2)], "r")
    reader = Reader(end)
    used = read_images(reader, end.enumerations, [image])[image].instruments
    [light] = read_instruments(reader, end.enumerations, used).values()
    laser = next(part.ref.id for part in light.parts if part.spec.type == "Laser")
    [[shape]] = end.query.projection(f"select s.id from Shape s where s.roi.id = {roi}", None, end.context())
    tag = seed.tag(client, "t")
    seed.link(client, seed.reference("Image", image), tag)
    for link, parent in (
        (om.ShapeAnnotationLinkI(), seed.reference("Point", shape.val)),
        (om.LightSourceAnnotationLinkI(), seed.reference("Laser", laser)),
    ):
        link.parent, link.child = parent, seed.reference("TagAnnotation", tag.id.val)
        seed.save(client, link)
    seed.link(client, seed.reference("TagAnnotation", tag.id.val), seed.comment(client, "on the tag"))

    for word, number in (("Annotation", tag.id.val), ("LightSource", laser), ("Shape", shape.val)):
        assert [one.parent.id for one in read_existing(end, word, [number])] == [number]

    made = two.copy(ObjectRef("Image", image))

    assert differences(two, made.ids, ObjectRef("Image", image)) == []
    assert made.omissions == []


def runs_of(connection: Connection) -> dict[str | None, set[tuple[int, int, int]]]:
    """Return the fields of every run, by its name."""
    ids = [row.id.val for row in connection.query.findAllByQuery("select p from Plate p", None)]
    plates: list[PlateContent] = list(read_plates(Reader(connection), connection.enumerations, ids).values())
    return {
        values.get("name"): {
            (well.values["row"], well.values["column"], place)
            for plate in plates
            for well in plate.wells
            for place, sample in enumerate(well.samples)
            if sample.run == number
        }
        for plate in plates
        for number, values in plate.runs
    }


def plate_of_two_runs(rows: int, columns: int, fields: int) -> ome.Plate:
    """Return a plate whose second run took the second field of every well."""
    made = real_plate(rows, columns, fields)
    [first] = made.plate_acquisitions
    second = first.model_copy(update={"id": "PlateAcquisition:0:1"})
    refs = first.well_sample_refs
    first.well_sample_refs, second.well_sample_refs = refs[::2], refs[1::2]
    made.plate_acquisitions.append(second)
    return made


def test_runs_of_a_plate_are_found_by_their_fields(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real_input, "_plate", plate_of_two_runs)
    made = real_input.plate(tmp_path)
    plate = seed.import_fileset(two.source.client, made.folder, made.files).plates[0]
    for number, run in enumerate(two.source.query.findAllByQuery("select a from PlateAcquisition a", None)):
        run.name = rstring(f"run of {number}")
        seed.save(two.source.client, run)

    two.copy(ObjectRef("Plate", plate))

    runs = runs_of(two.source)
    assert {frozenset(place for *_, place in fields) for fields in runs.values()} == {
        frozenset([0]),
        frozenset([1]),
    }
    assert runs_of(two.target) == runs


def test_of_two_pixels_of_an_image_the_first_in_its_list_is_read(two: Two, tmp_path: Path) -> None:
    end = two.target
    (tmp_path / "a&sizeX=20&sizeY=10.fake").write_bytes(b"")
    [image] = seed.import_fileset(end.client, tmp_path, ["a&sizeX=20&sizeY=10.fake"]).images
    full = end.query.findByQuery(
        f"select i from Image i join fetch i.pixels where i.id = {image}", None, end.context()
    )
    first, second = full.getPrimaryPixels(), om.PixelsI()
    for axis, size in zip("XYZCT", (3, 3, 1, 1, 1), strict=True):
        getattr(second, f"setSize{axis}")(rint(size))
    second.pixelsType, second.dimensionOrder, second.sha1 = (
        first.pixelsType,
        first.dimensionOrder,
        rstring("x"),
    )
    full.addPixels(second)
    seed.save(end.client, full)

    with closing(ServerPixels(end, ObjectRef("Image", image))) as pixels:
        assert pixels.shape == (1, 1, 1, 10, 20)
    [row] = read_rows(Reader(end), [image]).values()
    assert row.sizes == (20, 10, 1, 1, 1)
