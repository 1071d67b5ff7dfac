"""The sandbox's database: rows in memory, indexed by reference, changed in all-or-nothing transactions.

The store keeps what it is given, unique constraints aside; which values, links and callers are acceptable is
decided by the services.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

import omero

from omero_sandbox.db.schema import resolve
from omero_sandbox.db.table import Quantity, Row, Table

__all__ = ["UNCHANGED", "Quantity", "Row", "Store"]


class _Unchanged:
    """Default of details that an update leaves alone; ``None`` is a real value there."""


UNCHANGED = _Unchanged()


class Store:
    """All rows of a sandbox. Hold ``lock`` (or a transaction) to see one consistent state."""

    def __init__(self) -> None:
        self.lock = RLock()
        self._tables: dict[str, Table] = {}
        self._undo: list[Callable[[], None]] | None = None

    # -- reading --------------------

    def get(self, type_name: str, id: int) -> Row | None:
        """Row with this id if it is of the type or a subtype."""
        model = resolve(type_name)
        row = self._table(model.root).rows.get(id)
        return row if row is not None and row.type in model.subtypes else None

    def rows(self, type_name: str) -> Iterator[Row]:
        """All rows of a type and its subtypes in id order, as of now."""
        model = resolve(type_name)
        rows = list(self._table(model.root).rows.values())
        return iter(rows) if model.base is None else (row for row in rows if row.type in model.subtypes)

    def children(self, row: Row, field_name: str) -> list[Row]:
        """Members of a collection, in list order if it is ordered, else by id."""
        many = row.model.fields[field_name]
        if many.target is None or many.inverse is None:
            raise ValueError(f"{row.type}.{field_name} is not a collection")
        members = self.referrers(many.target, many.inverse, row.id)
        if many.ordered:
            position = f"{many.inverse}_index"
            members.sort(key=lambda member: (member.values.get(position) or 0, member.id))
        return members

    def referrers(self, type_name: str, field_name: str, id: int) -> list[Row]:
        """Rows of a type (with subtypes) whose reference ``field_name`` is ``id``, by id."""
        model = resolve(type_name)
        found = self._table(model.root).references.get(field_name, {}).get(id, {})
        if not found:
            return []
        rows = [found[key] for key in sorted(found)]
        return rows if model.base is None else [row for row in rows if row.type in model.subtypes]

    def lookup(self, type_name: str, field_name: str, value: Any) -> Row | None:
        """Row with this value of a unique field."""
        model = resolve(type_name)
        return self._table(model.root).uniques.get((model.name, (field_name,)), {}).get((value,))

    def enum(self, type_name: str, value: str) -> Row | None:
        """Row of an enumeration by its value."""
        return self.lookup(type_name, "value", value)

    # -- writing --------------------

    def insert(
        self,
        type_name: str,
        values: dict[str, Any],
        *,
        owner: int | None = None,
        group: int | None = None,
        event: int = 0,
        id: int | None = None,
    ) -> Row:
        """Add a row; the id is the next of the root's sequence unless given (installation only).

        Raises
        ------
        omero.ValidationException
            A unique constraint is violated, as by ``update``.
        """
        model = resolve(type_name)
        with self.lock:
            table = self._table(model.root)
            number = table.next_id if id is None else id
            table.next_id = max(table.next_id, number + 1)
            known = {name: value for name, value in values.items() if value is not None}
            version = None if model.is_immutable else 0
            row = Row(model.name, number, known, owner, group, event, event, None, version)
            table.check_unique(row)
            table.attach(row)
            self._on_undo(lambda: table.detach(row))
            return row

    def update(
        self,
        row: Row,
        changes: dict[str, Any],
        *,
        event: int | None = None,
        owner: int | _Unchanged | None = UNCHANGED,
        group: int | _Unchanged | None = UNCHANGED,
        external_info: int | _Unchanged | None = UNCHANGED,
    ) -> None:
        """Change fields and details of a row; ``event`` becomes its update event."""
        with self.lock:
            table = self._table(row.model.root)
            before = (dict(row.values), row.owner, row.group, row.updated, row.external_info)

            def restore() -> None:
                table.unindex(row)
                row.values, row.owner, row.group, row.updated, row.external_info = before
                table.index(row)

            table.unindex(row)
            for name, value in changes.items():
                if value is None:
                    row.values.pop(name, None)
                else:
                    row.values[name] = value
            if not isinstance(owner, _Unchanged):
                row.owner = owner
            if not isinstance(group, _Unchanged):
                row.group = group
            if not isinstance(external_info, _Unchanged):
                row.external_info = external_info
            if event is not None:
                row.updated = event
            self._index_or(restore, table, row)
            self._on_undo(restore)

    def delete(self, row: Row) -> None:
        """Remove a row; what refers to it is the caller's business."""
        with self.lock:
            table = self._table(row.model.root)
            table.detach(row)

            def restore() -> None:
                table.attach(row)
                table.sort()

            self._on_undo(restore)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Undo every change of the block if it raises; an inner transaction joins the outer one."""
        with self.lock:
            if self._undo is not None:
                yield
                return
            self._undo = []
            try:
                yield
            except BaseException:
                for undo in reversed(self._undo):
                    undo()
                raise
            finally:
                self._undo = None

    def new_event(self, *, user: int, group: int, session: int | None = None, kind: str = "User") -> int:
        """Insert an Event and return its id."""
        kind_row = self.enum("EventType", kind)
        values = {
            "time": time.time_ns() // 1_000_000,
            "experimenter": user,
            "experimenterGroup": group,
            "session": session,
            "type": kind_row.id if kind_row else None,
        }
        return self.insert("Event", values).id

    # -- indexes --------------------

    def _table(self, root: str) -> Table:
        table = self._tables.get(root)
        if table is None:
            table = self._tables.setdefault(root, Table())
        return table

    def _on_undo(self, action: Callable[[], None]) -> None:
        if self._undo is not None:
            self._undo.append(action)

    def _index_or(self, restore: Callable[[], None], table: Table, row: Row) -> None:
        try:
            table.check_unique(row)
        except omero.ValidationException:
            restore()
            raise
        table.index(row)
