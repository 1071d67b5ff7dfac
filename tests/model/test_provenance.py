from __future__ import annotations

import pytest

from omero_rocrate_transfer.model.contents import (
    Container,
    Contents,
    Group,
    ImageRecord,
    Person,
    SourceInfo,
    TransferUnit,
)
from omero_rocrate_transfer.model.errors import UsageError
from omero_rocrate_transfer.model.provenance import FIELDS, Provenance, parse_fields
from omero_rocrate_transfer.model.refs import ObjectRef

PLATE, IMAGE = ObjectRef("Plate", 3), ObjectRef("Image", 5)
UNIT = TransferUnit(
    ref=ObjectRef("Fileset", 9), images=(ImageRecord(ref=IMAGE, name="i", owner=7, group=4),), plates=(PLATE,)
)
CONTENTS = Contents(
    source=SourceInfo(host="a.b", database_uuid="u", version="5.6", packed="2026-01-01T00:00:00Z"),
    roots=(),
    containers=(Container(ref=PLATE, name="p", owner=8, group=4),),
    units=(UNIT,),
    people=(Person(id=7, login="alice", first_name="A", last_name="L"),),
    groups=(Group(id=4, name="lab", permissions="rw----"),),
)


def test_all_is_everything_but_the_database() -> None:
    assert set(parse_fields(["all"])) == FIELDS.keys() - {"db_id"}
    assert set(parse_fields(["all", "db_id"])) == FIELDS.keys()


def test_fields_come_in_their_own_order_once() -> None:
    assert parse_fields(["version", "img_id", "version"]) == ("img_id", "version")


def test_none_is_nothing_and_stands_alone() -> None:
    assert parse_fields(["none"]) == ()
    with pytest.raises(UsageError, match="none"):
        parse_fields(["none", "md5"])


def test_owner_and_group_are_those_of_the_object() -> None:
    provenance = Provenance(CONTENTS, tuple(FIELDS))
    origins = list(provenance.origins(UNIT))
    assert origins == [(IMAGE, 7, 4), (PLATE, 8, 4)]
    image, plate = (dict(provenance.pairs(*origin)) for origin in origins)
    assert image["origin_image_id"] == "5"
    assert (image["original_user"], image["original_group"]) == ("alice", "lab")
    assert image["packing_timestamp"] == "2026-01-01T00:00:00Z"
    assert (plate["origin_plate_id"], plate["database_id"]) == ("3", "u")


def test_what_is_not_known_is_left_out() -> None:
    plate = dict(Provenance(CONTENTS, tuple(FIELDS)).pairs(PLATE, 8, None))
    assert plate.keys().isdisjoint({"original_user", "original_group", "md5", "origin_image_id"})
