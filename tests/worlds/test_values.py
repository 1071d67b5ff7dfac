"""Random values are such as the database takes."""

from __future__ import annotations

from omero_sandbox.db import constraints
from omero_sandbox.db.schema import resolve
from omero_sandbox.db.schema.schema import schema
from tests.worlds.values import Draw


def test_drawn_numbers_keep_the_rules_of_their_columns() -> None:
    draw = Draw(0)
    checked = {
        (each.name, field) for each in schema() for field in resolve(each.name).fields.values() if field.check
    }
    assert len(checked) > 10
    for kind, field in sorted(checked, key=str):
        for _ in range(500):
            constraints.check_value(kind, field, draw.value(field))
