"""Queries come in batches, and what comes without its fields is never taken for what has none."""

from __future__ import annotations

from typing import Any

import omero.model as om
import pytest
from omero.sys import ParametersI

from omero_rocrate_transfer.server.mapping import specs
from omero_rocrate_transfer.server.mapping.fields import read
from omero_rocrate_transfer.server.session import commands
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import UnloadedError
from omero_rocrate_transfer.server.session.queries import batches, by_ids, find_objects


def test_an_object_without_its_fields_is_an_error_that_names_it(connection: Connection) -> None:
    class Query:
        def findAllByQuery(self, *_: Any) -> list[Any]:
            return [om.ImageI(1), om.LaserI(5, False)]

    connection.query = Query()

    with pytest.raises(UnloadedError, match="Reading lasers: Laser:5 came without its fields"):
        find_objects(connection, "select l from Laser l", ParametersI(), {}, doing="Reading lasers")


def test_a_part_without_its_fields_is_an_error_and_not_null(connection: Connection) -> None:
    with pytest.raises(UnloadedError, match="Laser:5 came without its fields"):
        read(om.LaserI(5, False), specs.LIGHT_SOURCES[-1], connection.enumerations)


@pytest.mark.parametrize("name", ["LightSource", "Laser", "LightSettings"])
def test_what_has_references_to_abstract_classes_is_loaded_with_them(name: str) -> None:
    assert " left outer join fetch o." in by_ids(name)


def test_batches_hold_each_thing_once() -> None:
    assert list(batches([3, 1, 3, 2], 2)) == [[3, 1], [2]]
    assert list(batches([], 2)) == []


def test_very_many_are_deleted_batch_by_batch(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(
        commands, "delete_all", lambda _, targets, *__, **___: asked.append(len(targets["Roi"]))
    )

    commands.delete(connection, "Roi", range(2500), connection.group_id)

    assert asked == [1000, 1000, 500]
