"""OME documents of units and containers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import ome_types
import pytest

from omero_rocrate_transfer.model.contents import Contents, TransferUnit
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid, parse_objects
from omero_rocrate_transfer.server.read.documents import read_ahead, roi_pages, unit_documents
from omero_rocrate_transfer.server.read.documents.identifiers import attached_annotations
from omero_rocrate_transfer.server.read.source import ServerSource
from omero_rocrate_transfer.server.session.connection import Connection
from omero_sandbox.server import SandboxServer


def documents(connection: Connection, *texts: str) -> list[ome_types.OME]:
    source = ServerSource(connection)
    return [source.open(unit).document().ome for unit in source.read_contents(parse_objects(texts)).units]


def test_document_holds_every_image_of_its_unit_under_its_lsid(connection: Connection, rows: Any) -> None:
    _, images = rows.fileset(images=3)

    (document,) = documents(connection, f"Image:{images[0].id}")

    assert [parse_lsid(image.id) for image in document.images] == [
        ("127.0.0.1", ObjectRef("Image", image.id)) for image in images
    ]
    first = document.images[0]
    assert (first.name, first.pixels.size_x, first.pixels.size_y) == ("image 0", 16, 8)
    assert [channel.name for channel in first.pixels.channels] == ["DAPI"]
    assert first.pixels.metadata_only is not None


def test_document_holds_what_users_wrote_and_when_it_was_taken(connection: Connection, rows: Any) -> None:
    _, (image,) = rows.fileset()
    changes = {"name": "日本 <&> µ", "description": "two\nlines", "acquisitionDate": 1_709_208_000_123}
    rows.store.update(image, changes, event=rows.event)

    (document,) = documents(connection, f"Image:{image.id}")

    (element,) = document.images
    assert (element.name, element.description) == ("日本 <&> µ", "two\nlines")
    assert element.acquisition_date == datetime(2024, 2, 29, 12, 0, 0, 123_000, tzinfo=UTC)
    assert element.experimenter_ref is not None
    (owner,) = document.experimenters
    assert (owner.id, owner.user_name, owner.email) == (element.experimenter_ref.id, "root", None)


def test_document_survives_being_written_and_read(connection: Connection, rows: Any) -> None:
    _, images = rows.fileset(images=2)

    (document,) = documents(connection, f"Image:{images[0].id}")

    text = document.to_xml()
    assert ome_types.from_xml(text).to_xml() == text


def test_container_document_holds_names_and_links(connection: Connection, rows: Any) -> None:
    project = rows.add("Project", name="p", description="d")
    dataset = rows.add("Dataset", name="e")
    screen = rows.add("Screen", name="s")
    _, (image,) = rows.fileset()
    rows.link("ProjectDatasetLink", project, dataset)
    rows.link("DatasetImageLink", dataset, image)
    source = ServerSource(connection)
    source.read_contents(parse_objects([f"Project:{project.id}", f"Screen:{screen.id}"]))

    document = source.read_container_document().ome

    (outer,), (inner,) = document.projects, document.datasets
    assert (outer.name, outer.description, inner.name, inner.description) == ("p", "d", "e", None)
    assert [ref.id for ref in outer.dataset_refs] == [inner.id]
    assert [ref.id for ref in inner.image_refs] == [f"urn:lsid:127.0.0.1:Image:{image.id}"]
    assert [one.name for one in document.screens] == ["s"]
    assert [one.name for one in document.experimenter_groups] == ["system"]


def test_plates_hold_wells_in_order_with_their_fields(
    sandbox_factory: Callable[..., SandboxServer], open_connection: Callable[..., Connection], rows: Any
) -> None:
    server = sandbox_factory(config={"omero.policy.binary_access": "+read,+write,+image,+plate"})
    rows = type(rows)(server.store)
    plate = rows.add("Plate", name="plate", description="one", rows=2, columns=2)
    _, images = rows.fileset(images=4)
    # the second well comes first in the database
    for row, column, fields in ((1, 0, images[2:]), (0, 1, images[:2])):
        well = rows.add("Well", plate=plate.id, row=row, column=column, red=1, green=2, blue=3, alpha=255)
        for place, image in enumerate(fields):
            rows.add("WellSample", well=well.id, well_index=place, image=image.id)

    (document,) = documents(open_connection(server=server), f"Plate:{plate.id}")

    (element,) = document.plates
    assert (element.name, element.description, element.rows, element.columns) == ("plate", "one", 2, 2)
    assert [(well.row, well.column) for well in element.wells] == [(0, 1), (1, 0)]
    shown = [
        sample.image_ref.id for well in element.wells for sample in well.well_samples if sample.image_ref
    ]
    assert shown == [image.id for image in document.images]
    assert [sample.index for well in element.wells for sample in well.well_samples] == [0, 1, 2, 3]
    assert element.wells[0].color.as_int32() == 0x010203FF


def test_documents_can_be_read_in_any_order_and_again(
    connection: Connection, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_ahead, "IDS_PER_QUERY", 3)
    monkeypatch.setattr(read_ahead, "_KEPT", 4)
    images = [rows.fileset()[1][0] for _ in range(10)]
    source = ServerSource(connection)
    units = source.read_contents([ObjectRef("Image", image.id) for image in images]).units

    def shown(unit: TransferUnit) -> list[str]:
        return [image.id for image in source.open(unit).document().ome.images]

    for unit in (*reversed(units), *units, units[4], units[4], *units[::3]):
        assert shown(unit) == [unit.images[0].ref.lsid("127.0.0.1")]


def test_what_readers_share_is_made_once_for_all_units(
    connection: Connection, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_ahead, "IDS_PER_QUERY", 1)
    made: list[Contents] = []

    def note(contents: Contents) -> frozenset[str]:
        made.append(contents)
        return attached_annotations(contents)

    for module in (unit_documents, roi_pages):
        monkeypatch.setattr(module, "attached_annotations", note)
    images = [rows.fileset()[1][0] for _ in range(5)]
    source = ServerSource(connection)
    units = source.read_contents([ObjectRef("Image", image.id) for image in images]).units
    before = len(made)

    for unit in units:
        with source.open(unit) as reader:
            assert len(reader.document().ome.images) == 1

    assert before > 0
    assert len(made) == before
