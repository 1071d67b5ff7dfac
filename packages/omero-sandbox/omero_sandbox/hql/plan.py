"""Join order of a query: how each source is found, and which conditions can be tested by then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from omero_sandbox.db.store import Row
from omero_sandbox.hql.run import Compiled, Restriction, Run, refuse
from omero_sandbox.hql.scope import Source

Finder = Callable[[Run], Iterable[Row]]


@dataclass
class Step:
    """Binds one source.

    Attributes
    ----------
    find : callable or None
        Rows of a class that an index gives; None if all must be looked at.
    filters : list of Compiled
        Conditions that can be tested once this source is bound.
    """

    source: Source
    find: Finder | None = None
    filters: list[Compiled] = field(default_factory=list)

    def values(self, run: Run) -> Iterable[Any]:
        """Values the source takes for the current rows of the earlier ones."""
        if self.source.property is None:
            return filter(run.visible, self._rows(run))
        found = list(self._fulfilling(run))
        return found if found or not self.source.outer else (None,)

    def _rows(self, run: Run) -> Iterable[Row]:
        if self.find is None:
            return run.store.rows(self.source.kind.name)
        found = {row.id: row for row in self.find(run)}
        return [found[key] for key in sorted(found)]

    def _fulfilling(self, run: Run) -> Iterable[Any]:
        condition = self.source.condition
        for value in self.source.expand(run):
            run.values[self.source.slot] = value
            if condition is None or condition.evaluate(run) is True:
                yield value


class Plan:
    """Steps in the order they are taken; a condition on outer sources only is tested first."""

    def __init__(self, sources: Sequence[Source], conditions: Sequence[Compiled]) -> None:
        self._sources = sources
        self._conditions = list(conditions)
        self._restrictions = [each for condition in conditions for each in condition.restrictions]
        self._unbound = {source.slot for source in sources}
        self._first = self._testable()
        self._steps: list[Step] = []
        while self._unbound:
            self._bind_joins()
            self._bind_class()

    def walk(self, run: Run, sink: Callable[[], bool]) -> bool:
        """Call ``sink`` for every combination of rows that fulfils the conditions, until it returns True."""
        if not all(condition.evaluate(run) is True for condition in self._first):
            return False
        return self._walk(run, 0, sink)

    def _walk(self, run: Run, position: int, sink: Callable[[], bool]) -> bool:
        if position == len(self._steps):
            return sink()
        step = self._steps[position]
        slot = step.source.slot
        for value in step.values(run):
            run.values[slot] = value
            if all(condition.evaluate(run) is True for condition in step.filters) and self._walk(
                run, position + 1, sink
            ):
                return True
        return False

    # -- planning --------------------

    def _bind_class(self) -> None:
        """Bind the next class: one an index can find if possible."""
        classes = [
            source for source in self._sources if source.parent is None and source.slot in self._unbound
        ]
        if classes:
            found = next((each for each in classes if self._finder(each)), classes[0])
            self._bind(found, self._finder(found))

    def _bind_joins(self) -> None:
        for source in self._sources:
            unbound = source.slot in self._unbound
            if unbound and source.parent and source.parent.slot not in self._unbound:
                self._bind(source, None)

    def _bind(self, source: Source, find: Finder | None) -> None:
        self._unbound.discard(source.slot)
        self._steps.append(Step(source, find, self._testable()))

    def _testable(self) -> list[Compiled]:
        """Take the conditions that read bound sources only."""
        found = [each for each in self._conditions if not each.slots & self._unbound]
        self._conditions = [each for each in self._conditions if each.slots & self._unbound]
        return found

    def _finder(self, source: Source) -> Finder | None:
        """Index look-up for a source: by its id, by a reference, or back from a source joined to it.

        That holds for outer joins too, since a condition on an id is never true for null.
        """
        own = [
            each for each in self._restrictions if each.source is source and not each.slots & self._unbound
        ]
        if own:
            return _look_up(min(own, key=lambda each: each.field is not None))
        for child in self._sources:
            if child.parent is source and child.property and child.property.field:
                find = self._finder(child)
                if find:
                    return _look_back(child, find)
        return None


def _look_up(restriction: Restriction) -> Finder:
    name, reference = restriction.source.kind.name, restriction.field

    def find(run: Run) -> Iterable[Row]:
        for each in restriction.ids(run):
            if each is None:
                continue
            if isinstance(each, str | bool):
                raise refuse(f"operator does not exist: number = {type(each).__name__}")
            if reference is not None:
                yield from run.store.referrers(name, reference, each)
            elif row := run.store.get(name, each):
                yield row

    return find


def _look_back(child: Source, find: Finder) -> Finder:
    """Owners of the rows found for a joined source."""
    name = child.parent.kind.name if child.parent else ""
    field = child.property.field if child.property else None

    def back(run: Run) -> Iterable[Row]:
        if field is None:
            return
        for row in find(run):
            if field.kind == "one":
                yield from run.store.referrers(name, field.name, row.id)
            elif field.inverse and (owner := run.store.get(name, row.values.get(field.inverse) or 0)):
                yield owner

    return back
