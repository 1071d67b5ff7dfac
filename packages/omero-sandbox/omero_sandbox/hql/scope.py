"""Sources of a query (classes and joins) and the paths that start at them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import omero

from omero_sandbox.db.schema import resolve
from omero_sandbox.db.store import Row
from omero_sandbox.hql.kinds import CLASS, LONG, Kind, Property, property_of
from omero_sandbox.hql.run import Compiled, Run
from omero_sandbox.hql.tree import Path


class UncompilableError(Exception):
    """The query names something that is not there, or uses it in a way Hibernate refuses."""


@dataclass(eq=False)
class Source:
    """A class of the from clause, or a join along ``property`` of ``parent``.

    Attributes
    ----------
    slot : int
        Position of its current value in ``Run.values``.
    condition : Compiled or None
        Of the ``with`` clause.
    """

    slot: int
    kind: Kind
    parent: Source | None = None
    property: Property | None = None
    outer: bool = False
    fetch: bool = False
    condition: Compiled | None = None

    def current(self, run: Run) -> Any:
        """Row, entry or quantity of the moment; None if an outer join found nothing."""
        return run.values[self.slot]

    def expand(self, run: Run) -> Iterable[Any]:
        """Give the values of the join for its parent's; of a collection the visible ones only."""
        owner = run.values[self.parent.slot] if self.parent else None
        if owner is None or self.property is None:
            return ()
        match self.property.kind.category:
            case "collection":
                return members(run, self.property, owner)
            case "entries":
                return self.property.read(owner) or ()
            case "quantity" | "counts":
                return (self.property.read(owner),)
            case _:
                target = dereference(run, self.property, owner)
                return () if target is None else (target,)


def members(run: Run, collection: Property, owner: Row) -> list[Row]:
    """Visible members of a collection; none if only another subtype has it."""
    if collection.name not in owner.model.fields:
        return []
    return [row for row in run.store.children(owner, collection.name) if run.visible(row)]


def dereference(run: Run, reference: Property, owner: Row) -> Row | None:
    """Row that a reference of a row points at."""
    target = reference.read(owner)
    return None if target is None else run.store.get(reference.kind.name, target)


class Scope:
    """Sources and aliases of one query; a subquery's scope has the outer query's as parent."""

    def __init__(self, parent: Scope | None = None) -> None:
        self.parent = parent
        self.sources: list[Source] = []
        self.slots: count[int] = parent.slots if parent else count()
        self._aliases: dict[str, Source] = {}
        self.named: list[Source] = []  # without those of implicit joins
        self._implicit: dict[tuple[int, str], Source] = {}

    # -- from clause --------------------

    def add_class(self, name: str, alias: str | None) -> Source:
        """Add a class of the from clause."""
        try:
            model = resolve(name)
        except omero.ApiUsageException:
            raise UncompilableError(f"{name} is not mapped") from None
        return self._name(Source(next(self.slots), Kind("entity", model.name)), alias)

    def add_join(self, path: Path, alias: str | None, *, outer: bool, fetch: bool) -> Source:
        """Add an explicit join."""
        if len(path.names) == 1:
            raise UncompilableError(f"Path expected for join: {path}")
        start, names = self._start(path)
        parent, properties, kind = self._follow(start, names)
        if not properties or kind.category not in {"entity", "collection", "entries", "quantity", "counts"}:
            raise UncompilableError(f"cannot join {path}: it is no association")
        source = Source(next(self.slots), _element(kind), parent, properties[0], outer, fetch)
        return self._name(source, alias)

    def _name(self, source: Source, alias: str | None) -> Source:
        if alias in self._aliases:
            raise UncompilableError(f"Duplicate definition of alias '{alias}'")
        if alias:
            self._aliases[alias] = source
        self.sources.append(source)
        self.named.append(source)
        return source

    def find(self, alias: str) -> Source | None:
        """Source of an alias, also of an outer query."""
        found = self._aliases.get(alias)
        return self.parent.find(alias) if found is None and self.parent else found

    # -- paths --------------------

    def compile(self, path: Path, *, joined: bool = False) -> Compiled:
        """Resolve a path; going through a reference joins it, so rows without one are lost.

        Parameters
        ----------
        path : Path
        joined : bool
            The path is selected: a reference or collection at its end is joined too.

        Raises
        ------
        UncompilableError
            There is no such alias, property or class.
        """
        literal = self._class(path)
        if literal is not None:
            return Compiled(lambda _: literal, CLASS)
        start, names = self._start(path)
        source, properties, kind = self._follow(start, names)
        if joined and kind.category in {"entity", "collection"} and properties:
            source = self._join(source, properties[0])
            properties, kind = [], source.kind
        if not properties:
            return _whole(source, kind)
        return _part(source, properties, kind)

    def _class(self, path: Path) -> str | None:
        if self.find(path.names[0]):
            return None
        try:
            return resolve(str(path)).java_name
        except omero.ApiUsageException:
            return None

    def _start(self, path: Path) -> tuple[Source, Sequence[str]]:
        found = self.find(path.names[0])
        if found:
            return found, path.names[1:]
        scope: Scope | None = self
        while scope:
            for source in scope.named:
                if property_of(source.kind, path.names[0]):
                    return source, path.names
            scope = scope.parent
        raise UncompilableError(f"Invalid path: '{path}'")

    def _follow(self, source: Source, names: Sequence[str]) -> tuple[Source, list[Property], Kind]:
        """Properties left to read from the last source: one, or a quantity and its part."""
        properties: list[Property] = []
        kind = source.kind
        for position, name in enumerate(names):
            found = property_of(kind, name)
            if found is None:
                raise UncompilableError(f"could not resolve property: {name} of: {_describe(kind)}")
            rest = names[position + 1 :]
            if found.many and rest:
                raise UncompilableError(f"illegal attempt to dereference collection {name} with {rest[0]}")
            kind = found.kind
            if kind.category == "entity" and list(rest) == ["id"]:
                return source, [found], LONG
            if kind.category == "entity" and rest:
                source, properties = self._join(source, found), []
            elif kind.category != "details":
                properties.append(found)
        if kind.category == "details":
            raise UncompilableError("details cannot be used as a value")
        return source, properties, kind

    def _join(self, parent: Source, reference: Property) -> Source:
        """Inner join of an implicit path, shared by all paths that take it."""
        key = parent.slot, reference.name
        if key not in self._implicit:
            joined = Source(next(self.slots), _element(reference.kind), parent, reference)
            self._implicit[key] = joined
            self.sources.append(joined)
        return self._implicit[key]


def _element(kind: Kind) -> Kind:
    match kind.category:
        case "collection":
            return Kind("entity", kind.name)
        case "entries":
            return Kind("entry")
        case _:
            return kind


def _describe(kind: Kind) -> str:
    return (
        kind.model.java_name
        if kind.category in {"entity", "collection", "details"}
        else kind.name or kind.category
    )


def _whole(source: Source, kind: Kind) -> Compiled:
    column = (source, None) if kind.category == "entity" else None
    return Compiled(source.current, kind, frozenset({source.slot}), column)


def _part(source: Source, properties: list[Property], kind: Kind) -> Compiled:
    slot, first = source.slot, properties[0]
    column: tuple[Source, str | None] | None = None
    if first.name == "id" and first.field is None:
        column = (source, None)
    elif first.kind.category == "entity" and first.field:
        column = (source, first.name)

    def evaluate(run: Run) -> Any:
        value = run.values[slot]
        if value is not None and kind.category == "entity":
            return dereference(run, first, value)
        if value is not None and kind.category == "collection":
            return members(run, first, value)
        for each in properties:
            value = None if value is None else each.read(value)
        return value

    return Compiled(evaluate, kind, frozenset({slot}), column)
