"""A compiled query, ready to run any number of times."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from omero_sandbox.db.store import Row
from omero_sandbox.hql.kinds import Kind
from omero_sandbox.hql.operators import column
from omero_sandbox.hql.plan import Plan
from omero_sandbox.hql.run import Compiled, Run
from omero_sandbox.hql.scope import Source


@dataclass
class Answer:
    """Rows of a query and what it loaded.

    Attributes
    ----------
    rows : list of tuple
        One value per column; a ``Row`` for an object.
    kinds : tuple of Kind
    names : tuple of str
        Aliases of the columns, or their positions.
    shape : {"map", "list"} or None
        Of ``select new map(…)``: each row is one value.
    loaded : set of Row
        Objects selected or fetched; every reference to one of these arrives loaded.
    collections : dict
        Members of the fetched collections by id, by owner and field.
    counts : set of (Row, str)
        Owners and fields of the collections whose members were counted.
    """

    rows: list[tuple[Any, ...]]
    kinds: tuple[Kind, ...]
    names: tuple[str, ...]
    shape: Literal["map", "list"] | None
    loaded: set[Row] = field(default_factory=set)
    collections: dict[tuple[Row, str], dict[int, Row]] = field(default_factory=dict)
    counts: set[tuple[Row, str]] = field(default_factory=set)


@dataclass(frozen=True)
class _Record:
    """One row with its sort keys and the current rows of all sources."""

    row: tuple[Any, ...]
    keys: tuple[Any, ...]
    values: list[Any]


@dataclass(frozen=True)
class Statement:
    """A compiled query or subquery.

    Attributes
    ----------
    columns : list of Compiled
    descending : list of bool
        Of the sort keys in ``order``.
    group : list of Compiled or None
        None unless the query groups or aggregates.
    fetches : list of Source
        Fetched joins of entities.
    outer : frozenset of int
        Sources of outer queries that it reads.
    parameters : dict of str to set of Kind
        What each parameter is compared with.
    slots : int
        Sources in the whole query, subqueries included.
    """

    plan: Plan
    columns: list[Compiled]
    names: tuple[str, ...]
    distinct: bool
    shape: Literal["map", "list"] | None
    group: list[Compiled] | None
    having: Compiled | None
    order: list[Compiled]
    descending: list[bool]
    fetches: list[Source]
    outer: frozenset[int]
    parameters: dict[str, set[Kind]]
    slots: int

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of the columns."""
        return tuple(each.kind for each in self.columns)

    def exists(self, run: Run) -> bool:
        """Whether the answer has a row."""
        if self.group is None:
            return self.plan.walk(run, lambda: True)
        return bool(self.rows(run))

    def rows(self, run: Run) -> list[tuple[Any, ...]]:
        """All rows, in order."""
        return self._rows_of(self._sorted(self._records(run, None)), unique=self.distinct)

    def answer(self, run: Run, offset: int, limit: int | None) -> Answer:
        """Rows of one page, with what is loaded.

        A fetched collection makes Hibernate load everything, keep each object once and page in memory.
        """
        collecting = any(each.property and each.property.many for each in self.fetches)
        sort = bool(self.order) or self.distinct or collecting
        wanted = None if limit is None or sort else offset + limit
        records = self._sorted(self._records(run, wanted))
        rows = self._rows_of(records, unique=self.distinct or collecting)
        page = rows[offset:] if limit is None else rows[offset : offset + limit]
        answer = Answer(page, self.kinds, self.names, self.shape)
        self._load(answer, records)
        return answer

    # -- rows --------------------

    def _records(self, run: Run, wanted: int | None) -> list[_Record]:
        """Rows in no particular order, at most ``wanted`` of them."""
        records = [] if self.group is None else self._grouped(run, self.group)
        if self.group is None:

            def sink() -> bool:
                records.append(self._record(run))
                return wanted is not None and len(records) >= wanted

            self.plan.walk(run, sink)
        return records

    def _record(self, run: Run) -> _Record:
        row = tuple(each.evaluate(run) for each in self.columns)
        keys = tuple(column(each.evaluate(run)) for each in self.order)
        return _Record(row, keys, run.values.copy() if self.fetches else [])

    def _grouped(self, run: Run, group: list[Compiled]) -> list[_Record]:
        groups: dict[tuple[Any, ...], list[list[Any]]] = {}

        def sink() -> bool:
            key = tuple(column(each.evaluate(run)) for each in group)
            groups.setdefault(key, []).append(run.values.copy())
            return False

        self.plan.walk(run, sink)
        if not groups and not group:
            groups[()] = []
        return list(self._folded(run, groups.values()))

    def _folded(self, run: Run, groups: Iterable[list[list[Any]]]) -> Iterable[_Record]:
        """One record for each group that fulfils the having clause."""
        outside = run.members, run.values
        for members in groups:
            run.members = members
            run.values = members[0] if members else outside[1]
            if self.having is None or self.having.evaluate(run) is True:
                yield self._record(run)
            run.values = outside[1]
        run.members = outside[0]

    @staticmethod
    def _rows_of(records: list[_Record], *, unique: bool) -> list[tuple[Any, ...]]:
        rows = [record.row for record in records]
        return list(dict.fromkeys(rows)) if unique else rows

    def _sorted(self, records: list[_Record]) -> list[_Record]:
        for position in reversed(range(len(self.order))):
            records.sort(key=_sort_key(position), reverse=self.descending[position])
        return records

    # -- fetched objects --------------------

    def _load(self, answer: Answer, records: list[_Record]) -> None:
        for row in answer.rows:
            answer.loaded.update(value for value in row if isinstance(value, Row))
        for record in records:
            for source in self.fetches:
                self._load_one(answer, source, record.values)

    def _load_one(self, answer: Answer, source: Source, values: list[Any]) -> None:
        member, owner = values[source.slot], values[source.parent.slot] if source.parent else None
        if isinstance(member, Row):
            answer.loaded.add(member)
        if not isinstance(owner, Row) or source.property is None:
            return
        place = owner, source.property.name
        if source.property.kind.category == "counts":
            answer.counts.add(place)
        elif source.property.kind.category == "collection":
            members = answer.collections.setdefault(place, {})
            if isinstance(member, Row):
                members[member.id] = member


def _sort_key(position: int) -> Callable[[_Record], tuple[bool, Any]]:
    """Nulls come last, and first when descending, as in PostgreSQL."""

    def key(record: _Record) -> tuple[bool, Any]:
        value = record.keys[position]
        return value is None, 0 if value is None else value

    return key
