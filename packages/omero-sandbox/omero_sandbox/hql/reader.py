"""Queries of one call: what is loaded twice is one object, as in a Hibernate session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import omero
import omero.clients

from omero_sandbox.db.marshal import Marshaller
from omero_sandbox.db.schema import resolve
from omero_sandbox.db.store import Row
from omero_sandbox.hql import results
from omero_sandbox.hql.parameters import Parameters
from omero_sandbox.hql.query import execute
from omero_sandbox.hql.statement import Answer

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call


def visibility(call: Call) -> Callable[[Row], bool]:
    """Test whether the call sees a row; data of one owner and group are all alike."""
    known: dict[tuple[int | None, int | None], bool] = {}

    def visible(row: Row) -> bool:
        if row.group is None:
            return call.can_read(row)
        key = row.owner, row.group
        if key not in known:
            known[key] = call.can_read(row)
        return known[key]

    return visible


class Reader:
    """Runs HQL for a call and builds the objects.

    Attributes
    ----------
    marshaller : Marshaller
        Of all objects this reader gives.
    """

    def __init__(self, call: Call) -> None:
        self.store = call.store
        self.visible = visibility(call)
        self.marshaller = Marshaller(call.store, call)

    def answer(self, text: str, parameters: Parameters) -> Answer:
        """Run a query; see ``execute``."""
        return execute(self.store, self.visible, text, parameters.values, parameters.offset, parameters.limit)

    def rows(self, text: str, **values: Any) -> list[tuple[Any, ...]]:
        """Run a query and give its columns as Python values and rows."""
        return self.answer(text, Parameters(values)).rows

    def objects(self, text: str, **values: Any) -> list[Any]:
        """Run a query and give its objects."""
        return self.load(self.answer(text, Parameters(values)))

    def projection(self, text: str, parameters: Parameters) -> list[list[Any]]:
        """Run a query and give RTypes."""
        with self.store.lock:
            answer = self.answer(text, parameters)
            self._load(answer)
            return results.projection(answer, self.marshaller)

    def load(self, answer: Answer) -> list[Any]:
        """Give the objects of a query with one column.

        Raises
        ------
        omero.InternalException
            It holds values, or rows of several columns.
        omero.SecurityViolation
            The caller may not read an object that the query reached along a reference.
        """
        if len(answer.kinds) != 1 or answer.kinds[0].category != "entity" or answer.shape:
            message = " Wrapped Exception: (java.lang.ClassCastException):\nthe query does not return objects"
            raise omero.InternalException(None, "java.lang.ClassCastException", message)
        with self.store.lock:
            self._load(answer)
            return [None if row is None else self.marshaller.entity(row) for (row,) in answer.rows]

    def entity(self, row: Row) -> Any:
        """Give the object of a row, nothing fetched.

        Raises
        ------
        omero.SecurityViolation
            The caller may not read it (omero-server BasicACLVoter.allowLoad).
        """
        self._require(row)
        return self.marshaller.entity(row)

    def _require(self, row: Row) -> None:
        if not self.visible(row):
            raise omero.SecurityViolation(None, None, f"Cannot read {row.model.java_name}:Id_{row.id}")

    def _load(self, answer: Answer) -> None:
        for row in answer.loaded:
            self._require(row)
            self.marshaller.entity(row)
        for (owner, name), members in answer.collections.items():
            self.marshaller.set_collection(owner, name, _listed(owner, name, members.values()))
        for owner, name in answer.counts:
            owners = Counter(
                link.owner for link in self.store.children(owner, name) if link.owner is not None
            )
            self.marshaller.set_counts(owner, name, dict(owners))


def _listed(owner: Row, name: str, members: Iterable[Row]) -> list[Row | None]:
    """Members at their positions; the gaps of a list that was fetched in part are null."""
    field = owner.model.fields[name]
    if not field.ordered:
        return list(members)
    position = resolve(field.target or "").fields[field.inverse or ""].index
    places = {member.values.get(position) or 0: member for member in members}
    return [places.get(place) for place in range(max(places) + 1)] if places else []
