"""Folders, screens, reagents and what plates say besides their images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import omero.model as om
import pytest
from omero.rtypes import rint, rstring, rtime

from omero_rocrate_transfer.crate.omexml import parse_document
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read.documents.plates import PlateContent, read_plates
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.queries import Reader
from omero_sandbox.testing import real_input, seed
from tests.server.content.conftest import Two, find

pytestmark = pytest.mark.filterwarnings("ignore:Path is deprecated:DeprecationWarning")

SCREEN = "select s from Screen s where s.id = :id"
WELL = "select w from Well w where w.plate.id = :id"


def folder(connection: Connection, name: str, parent: Any = None, description: str | None = None) -> Any:
    made = om.FolderI()
    made.name = rstring(name)
    made.description = None if description is None else rstring(description)
    made.parentFolder = parent
    return seed.reference("Folder", seed.save(connection.client, made).id.val)


def put(connection: Connection, kind: str, parent: Any, child: Any) -> None:
    link = getattr(om, f"Folder{kind}LinkI")()
    link.parent, link.child = parent, child
    seed.save(connection.client, link)


def tree(connection: Connection) -> dict[str, str | None]:
    """Return every folder with that above it, by name."""
    hql = "select f.name, p.name, f.id from Folder f left outer join f.parentFolder p order by f.id"
    rows = connection.query.projection(hql, None, connection.context())
    return {name.val: None if parent is None else parent.val for name, parent, _ in rows}


def members(connection: Connection, kind: str) -> list[tuple[str, str | None]]:
    hql = f"select l.parent.name, l.child.name, l.id from Folder{kind}Link l order by l.id"
    rows = connection.query.projection(hql, None, connection.context())
    return sorted((parent.val, None if child is None else child.val) for parent, child, _ in rows)


def test_folders_of_images_and_rois_come_with_all_above_them(two: Two, image: int) -> None:
    top = folder(two.source, "top", description="first")
    middle = folder(two.source, "middle 肝", top)
    low, empty = folder(two.source, "low", middle), folder(two.source, "empty")
    put(two.source, "Image", low, seed.reference("Image", image))
    put(two.source, "Image", top, seed.reference("Image", image))
    roi = seed.roi(two.source.client, image, [seed.shape("Point", x=1, y=2)], "in a folder")
    put(two.source, "Roi", middle, seed.reference("Roi", roi))
    lone = seed.roi(two.source.client, image, [], "without shapes")
    put(two.source, "Roi", low, seed.reference("Roi", lone))
    del empty

    made = two.copy(ObjectRef("Image", image))

    assert tree(two.target) == {"top": None, "middle 肝": "top", "low": "middle 肝"}
    assert [name for name, _ in members(two.target, "Image")] == ["low", "top"]
    assert members(two.target, "Roi") == [("low", "without shapes"), ("middle 肝", "in a folder")]
    assert made.omissions == []


def test_documents_refer_only_to_rois_that_they_have(two: Two, image: int) -> None:
    """A ROI without any shape that OME-XML has is in the extras: the schema wants no ROIRef to it."""
    box = folder(two.source, "box")
    for name, shapes in (("path", [om.PathI()]), ("point", [seed.shape("Point", x=1, y=2)]), ("none", [])):
        roi = seed.roi(two.source.client, image, shapes, name)
        put(two.source, "Roi", box, seed.reference("Roi", roi))

    made = two.copy(ObjectRef("Image", image))

    document = parse_document(made.texts[0].encode(), "the unit")
    assert {ref.id for ref in document.folders[0].roi_refs} == {roi.id for roi in document.rois}
    assert len(document.rois) == 1
    assert members(two.target, "Roi") == [("box", "none"), ("box", "path"), ("box", "point")]


def test_two_copies_of_one_roi_into_folders_stay_two(two: Two, image: int) -> None:
    """Equal ROIs are told apart by their number, not taken for one."""
    box = folder(two.source, "box")
    for _ in range(2):
        roi = seed.roi(two.source.client, image, [seed.shape("Point", x=1, y=2)], "same")
        put(two.source, "Roi", box, seed.reference("Roi", roi))

    two.copy(ObjectRef("Image", image))

    assert members(two.target, "Roi") == [("box", "same"), ("box", "same")]


def plates_of(connection: Connection) -> list[PlateContent]:
    ids = [row.id.val for row in connection.query.findAllByQuery("select p from Plate p", None)]
    return list(read_plates(Reader(connection), connection.enumerations, ids).values())


def told(plate: PlateContent) -> Any:
    """Return what a plate says, without ids."""
    wells = [(well.values, [sample.values for sample in well.samples]) for well in plate.wells]
    return plate.values, [values for _, values in plate.runs], wells


def import_plate(connection: Connection, path: Path) -> tuple[Any, Any]:
    screen = seed.create(connection.client, "Screen", "S")
    made = real_input.plate(path)
    imported = seed.import_fileset(connection.client, made.folder, made.files, screen)
    return screen, find(connection, "select p from Plate p where p.id = :id", imported.plates[0])


def edit_plate(connection: Connection, plate: Any) -> None:
    """Change the plate, one well, its first field, and all runs."""
    plate.status, plate.externalIdentifier = rstring("done"), rstring("P-1")
    plate.rowNamingConvention, plate.defaultSample = rstring("own"), rint(1)
    plate.wellOriginX = om.LengthI(2, "MILLIMETER")
    seed.save(connection.client, plate)
    hql = WELL.replace("where", "join fetch w.wellSamples where")
    well = find(connection, f"{hql} and w.row = 0 and w.column = 0", plate.id.val)
    well.status, well.type, well.externalDescription = rstring("bad"), rstring("control"), rstring("x")
    well.red, well.green, well.blue, well.alpha = rint(1), rint(2), rint(3), rint(255)
    sample = well.copyWellSamples()[0]
    sample.posX, sample.timepoint = om.LengthI(-4, "MICROMETER"), rtime(1_709_208_000_123)
    seed.save(connection.client, well)
    for run in connection.query.findAllByQuery("select a from PlateAcquisition a", None):
        run.name, run.startTime = rstring("night"), rtime(1_700_000_000_000)
        seed.save(connection.client, run)


def test_what_users_wrote_on_plates_and_wells_arrives(two: Two, tmp_path: Path) -> None:
    _, plate = import_plate(two.source, tmp_path)
    edit_plate(two.source, plate)

    made = two.copy(ObjectRef("Plate", plate.id.val))

    (before,), (after,) = plates_of(two.source), plates_of(two.target)
    assert before.wells[0].values["status"] == "bad"
    assert told(after) == told(before)
    assert made.omissions == []


def test_screens_reagents_and_their_wells_arrive(two: Two, tmp_path: Path) -> None:
    screen, plate = import_plate(two.source, tmp_path)
    full = find(two.source, SCREEN, screen.id.val)
    full.type, full.protocolDescription = rstring("RNAi"), rstring("wash\nrinse")
    full.reagentSetIdentifier = rstring("R")
    seed.save(two.source.client, full)
    well = find(two.source, f"{WELL} and w.row = 0 and w.column = 0", plate.id.val)
    for name in ("siRNA", "dye"):
        reagent = om.ReagentI()
        reagent.screen, reagent.name, reagent.reagentIdentifier = screen, rstring(name), rstring(f"#{name}")
        link = om.WellReagentLinkI()
        link.parent = seed.reference("Well", well.id.val)
        link.child = seed.reference("Reagent", seed.save(two.source.client, reagent).id.val)
        seed.save(two.source.client, link)

    made = two.copy(ObjectRef("Screen", screen.id.val))

    target = find(two.target, SCREEN, made.ids[ObjectRef("Screen", screen.id.val)].id)
    assert (target.type.val, target.protocolDescription.val) == ("RNAi", "wash\nrinse")
    assert target.protocolIdentifier is None
    rows = two.target.query.projection(
        "select r.name, r.reagentIdentifier, w.row, w.column from WellReagentLink l join l.child r"
        " join l.parent w where r.screen.id = :id order by r.name desc",
        _id(target.id.val),
    )
    linked = [[value.val for value in row] for row in rows]
    assert linked == [["siRNA", "#siRNA", 0, 0], ["dye", "#dye", 0, 0]]
    assert made.omissions == []


def test_a_screen_with_a_name_that_xml_cannot_hold_costs_its_plates_nothing(two: Two, tmp_path: Path) -> None:
    screen, plate = import_plate(two.source, tmp_path)
    seed.rename(two.source.client, "Screen", screen.id.val, "vertical\x0btab")

    made = two.copy(ObjectRef("Screen", screen.id.val))

    target = find(two.target, SCREEN, made.ids[ObjectRef("Screen", screen.id.val)].id)
    assert target.name.val == "vertical\x0btab"
    assert ObjectRef("Plate", plate.id.val) in made.ids


def _id(number: int) -> Any:
    from omero.sys import ParametersI

    return ParametersI().addId(number)
