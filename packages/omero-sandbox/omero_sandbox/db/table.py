"""Rows of the sandbox's database and the tables that index them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import omero

from omero_sandbox.db.schema import Type, resolve


class Quantity(NamedTuple):
    """A number with an OMERO unit name such as ``MICROMETER``."""

    value: float
    unit: str


@dataclass(slots=True, eq=False)
class Row:
    """One object.

    Attributes
    ----------
    type : str
        Name of the concrete type.
    id : int
        Unique within the root type, so all annotations share one sequence.
    values : dict
        Field name to str, int, float, bool, bytes, ``Quantity``, milliseconds since 1970 (timestamp), id in
        the target's root table (reference) or list of (name, value) pairs (map); ``<reference>_index`` holds
        the list position of an ordered child. A missing key means null.
    owner, group : int or None
        Experimenter and group ids; null for system types.
    created, updated : int
        Event ids.
    external_info : int or None
    version : int or None
        Null for immutable types.
    """

    type: str
    id: int
    values: dict[str, Any]
    owner: int | None
    group: int | None
    created: int
    updated: int
    external_info: int | None = None
    version: int | None = 0

    def get(self, name: str) -> Any:
        """Value of a scalar, unit, map or reference field, or None."""
        return self.values.get(name)

    @property
    def model(self) -> Type:
        """Type of the row."""
        return resolve(self.type)


@dataclass(slots=True)
class Table:
    """Rows of one root type by id, with the referrers by field and target id and the unique values."""

    rows: dict[int, Row] = field(default_factory=dict)
    next_id: int = 1
    references: dict[str, dict[int, dict[int, Row]]] = field(default_factory=dict)
    uniques: dict[tuple[str, tuple[str, ...]], dict[tuple[Any, ...], Row]] = field(default_factory=dict)

    def attach(self, row: Row) -> None:
        """Add a row."""
        self.rows[row.id] = row
        self.index(row)

    def detach(self, row: Row) -> None:
        """Remove a row."""
        del self.rows[row.id]
        self.unindex(row)

    def sort(self) -> None:
        """Bring the rows back into id order."""
        self.rows = dict(sorted(self.rows.items()))

    def check_unique(self, row: Row) -> None:
        """Refuse values that another row has.

        Raises
        ------
        omero.ValidationException
        """
        for index, key in _keys(row):
            holder = self.uniques.get(index, {}).get(key)
            if holder is not None and holder is not row:
                message = f"duplicate key value violates unique constraint of {row.type} on {index[1]}: {key}"
                raise omero.ValidationException(None, None, message)

    def index(self, row: Row) -> None:
        """Enter a row's values into the indexes."""
        for name in _references(row.type):
            target = row.values.get(name)
            if target is not None:
                self.references.setdefault(name, {}).setdefault(target, {})[row.id] = row
        for index, key in _keys(row):
            self.uniques.setdefault(index, {})[key] = row

    def unindex(self, row: Row) -> None:
        """Take a row's values out of the indexes."""
        for name in _references(row.type):
            target = row.values.get(name)
            if target is not None:
                self.references[name][target].pop(row.id, None)
        for index, key in _keys(row):
            holders = self.uniques.get(index, {})
            if holders.get(key) is row:
                del holders[key]


@cache
def _references(type_name: str) -> list[str]:
    return [each.name for each in resolve(type_name).fields.values() if each.kind == "one"]


@cache
def _unique_keys(type_name: str) -> tuple[tuple[str, ...], ...]:
    return resolve(type_name).unique_keys


def _keys(row: Row) -> Iterator[tuple[tuple[str, tuple[str, ...]], tuple[Any, ...]]]:
    """Generate the complete unique keys of a row: a null in one never collides; links count per owner."""
    for names in _unique_keys(row.type):
        values = tuple(row.values.get(name) for name in names)
        if None not in values:
            yield (row.type, names), (*values, row.owner) if row.model.is_link else values
