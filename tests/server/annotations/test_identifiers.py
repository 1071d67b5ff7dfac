"""What other systems call an object (``ExternalInfo``) comes back where the run leaves no mark of its own."""

from __future__ import annotations

import omero.model as om
from omero.rtypes import rlong, rstring

from omero_rocrate_transfer.model.refs import parse_objects
from omero_rocrate_transfer.server.read.source import ServerSource
from omero_sandbox.testing.seed import create, link, save
from tests.server.annotations.conftest import PLATE, Two, attach, new, values
from tests.server.annotations.test_places import add_plane

LIMS = "LIMS/sample"
RUN = "7d9c1a4e-0000-4000-8000-000000000001"
FOUND = (
    "select e.entityType, e.entityId, e.lsid, e.uuid from {} o join o.details.externalInfo e"
    " order by e.entityId"
)


def identify(two: Two, kind: str, number: int, *, entity: str = LIMS, uuid: str | None = None) -> None:
    one = two.source.query.get(kind, number)
    info = om.ExternalInfoI()
    info.entityType, info.entityId, info.lsid = rstring(entity), rlong(number), rstring(f"{kind} µ")
    info.uuid = None if uuid is None else rstring(uuid)
    one.details.externalInfo = info
    save(two.source.client, one)


def test_imported_objects_and_their_parts_get_their_identifiers_back(two: Two) -> None:
    [image] = two.image().images
    plate = two.image(PLATE)
    roi, shape = om.RoiI(), om.PointI()
    roi.image = om.ImageI(image, False)
    roi.addShape(shape)
    save(two.source.client, roi)
    numbers = {"Image": image, "Plate": plate.plates[0], "Fileset": plate.fileset}
    for kind in ("Channel", "Well", "PlateAcquisition", "Roi", "Point"):
        numbers[kind] = values(two.source, f"select max(o.id) from {kind} o")[0][0]
    for kind, number in numbers.items():
        identify(two, kind, number, uuid="x" if kind == "Well" else None)

    two.copy(f"Image:{image}", f"Plate:{plate.plates[0]}", run_id=RUN)

    assert two.omissions == []
    for kind, number in numbers.items():
        expected = [LIMS, number, f"{kind} µ", "x" if kind == "Well" else None]
        assert values(two.target, FOUND.format(kind)) == [expected], kind


def test_those_of_what_the_run_marks_stay_in_the_crate_and_are_counted(two: Two) -> None:
    [image] = two.image().images
    dataset = create(two.source.client, "Dataset", "one")
    link(two.source.client, dataset, om.ImageI(image, False))
    identify(two, "Dataset", dataset.id.val)

    two.copy("Dataset:1", run_id=RUN)

    assert [(one.type, one.count) for one in two.omissions] == [("ExternalInfo", 1)]
    assert "mark" in two.omissions[0].reason
    [[kind, _, _, uuid]] = values(two.target, FOUND.format("Dataset"))
    assert (kind, uuid) == ("omero-rocrate-transfer/run", RUN)
    source = ServerSource(two.source)
    source.read_contents(parse_objects(["Dataset:1"]))
    [identifier] = source.read_container_document().extras.identifiers.values()
    assert (identifier.entity_type, identifier.lsid) == (LIMS, "Dataset µ")


def test_where_the_source_reads_pixels_is_no_place_for_the_target(two: Two) -> None:
    [image] = two.image().images
    identify(two, "Image", image, entity="com.glencoesoftware.ngff:multiscales")

    two.copy(f"Image:{image}", run_id=RUN)

    assert [(one.type, one.count) for one in two.omissions] == [("ExternalInfo", 1)]
    assert "reads pixels" in two.omissions[0].reason
    assert values(two.target, FOUND.format("Image")) == []


def test_an_instrument_of_several_images_gets_its_identifier_once(two: Two) -> None:
    images = [two.image().images[0] for _ in range(2)]
    instrument = save(two.source.client, om.InstrumentI())
    for number in images:
        image = two.source.query.get("Image", number)
        image.instrument = om.InstrumentI(instrument.id.val, False)
        save(two.source.client, image)
    identify(two, "Instrument", instrument.id.val)

    two.copy(*(f"Image:{image}" for image in images), run_id=RUN)

    assert two.omissions == []
    assert len(values(two.target, FOUND.format("Instrument"))) == 1


def test_those_of_planes_are_counted(two: Two) -> None:
    [image] = two.image().images
    [[pixels]] = values(two.source, "select p.id from Pixels p")
    identify(two, "PlaneInfo", add_plane(two.source.client, pixels, 0, 1).id.val)

    two.copy(f"Image:{image}")

    assert [(one.type, one.count) for one in two.omissions] == [("ExternalInfo", 1)]


def test_those_of_shared_annotations_are_counted_once(two: Two) -> None:
    tag = new(two.source.client, "TagAnnotation", textValue=rstring("shared"))
    images = [two.image().images[0] for _ in range(2)]
    for image in images:
        link(two.source.client, om.ImageI(image, False), tag)
    identify(two, "TagAnnotation", tag.id.val)

    two.copy(*(f"Image:{image}" for image in images), run_id=RUN)

    assert [(one.type, one.count) for one in two.omissions] == [("ExternalInfo", 1)]


def test_those_of_attached_files_are_counted_once(two: Two) -> None:
    images = [two.image().images[0] for _ in range(2)]
    dataset = create(two.source.client, "Dataset", "one")
    attached = attach(two.source.client, om.ImageI(images[0], False), "a.txt", b"abc", "text/plain")
    for parent in (om.ImageI(images[1], False), dataset):
        link(two.source.client, parent, attached)
    for image in images:
        link(two.source.client, dataset, om.ImageI(image, False))
    identify(two, "FileAnnotation", attached.id.val)

    two.copy("Dataset:1", run_id=RUN)

    assert [(one.type, one.count) for one in two.omissions] == [("ExternalInfo", 1)]
    assert "mark" in two.omissions[0].reason
