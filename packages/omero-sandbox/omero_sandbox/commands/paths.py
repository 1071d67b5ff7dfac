"""Walks along the fields of the model, forwards and backwards, such as ``Dataset.imageLinks.child``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from omero_sandbox.db.schema import Field, resolve
from omero_sandbox.db.store import Row, Store


@dataclass(frozen=True)
class Path:
    """A type, then the names of references and collections to follow from it."""

    start: str
    steps: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Path:
        """Read the dotted form."""
        start, *steps = text.split(".")
        return cls(start, tuple(steps))

    @property
    def end(self) -> str:
        """Type at the far end."""
        name = self.start
        for step in self.steps:
            name = _target(_field(name, step))
        return name

    def follow(self, store: Store, row: Row) -> list[Row]:
        """Rows that ``row`` reaches."""
        rows = [row]
        for step in self.steps:
            rows = [found for each in rows for found in _forward(store, each, step)]
        return rows

    def back(self, store: Store, row: Row) -> list[Row]:
        """Rows that reach ``row``."""
        rows = [row]
        for owner, field in self._backwards:
            rows = [found for each in rows for found in _backward(store, owner, field, each)]
        return rows

    @cached_property
    def _backwards(self) -> list[tuple[str, Field]]:
        """Types and their fields along the path, the last first."""
        name, found = self.start, []
        for step in self.steps:
            field = _field(name, step)
            found.append((name, field))
            name = _target(field)
        return found[::-1]


class Paths:
    """Several paths, found by the type of the row at either end."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._from: dict[str, list[Path]] = {}
        self._to: dict[str, list[Path]] = {}
        for path in map(Path.of, texts):
            for name in resolve(path.start).subtypes:
                self._from.setdefault(name, []).append(path)
            for name in resolve(path.end).subtypes:
                self._to.setdefault(name, []).append(path)

    def follow(self, store: Store, row: Row) -> Iterator[tuple[Path, Row]]:
        """Each path from the row with each row it reaches."""
        for path in self._from.get(row.type, ()):
            for found in path.follow(store, row):
                yield path, found

    def back(self, store: Store, row: Row) -> Iterator[Row]:
        """Rows from which any path reaches the row."""
        for path in self._to.get(row.type, ()):
            yield from path.back(store, row)


def _field(type_name: str, name: str) -> Field:
    return resolve(type_name).fields[name]


def _target(field: Field) -> str:
    if field.target is None:
        raise ValueError(f"{field.name} leads nowhere")
    return field.target


def _forward(store: Store, row: Row, name: str) -> list[Row]:
    field = row.model.fields[name]
    if field.kind == "many":
        return store.children(row, name)
    target = row.get(name)
    found = None if target is None else store.get(_target(field), target)
    return [] if found is None else [found]


def _backward(store: Store, owner: str, field: Field, row: Row) -> list[Row]:
    if field.kind != "many":
        return store.referrers(owner, field.name, row.id)
    holder = None if field.inverse is None else row.get(field.inverse)
    found = None if holder is None else store.get(owner, holder)
    return [] if found is None else [found]
