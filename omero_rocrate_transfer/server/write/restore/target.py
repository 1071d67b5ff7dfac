"""The target while content is restored: reads, saves and deletes in batches, and notes what gets lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from omero.sys import ParametersI

from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.fields import Assigner, Spec, Values
from omero_rocrate_transfer.server.session.commands import delete
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.queries import Reader, batches

#: Objects per save, each a transaction of its own.
PER_SAVE: Final = 1000


class Target:
    """One group of a server, for the content of one unit.

    Parameters
    ----------
    group
        Id of the group that everything is in.
    """

    def __init__(self, connection: Connection, group: int) -> None:
        self.connection = connection
        self.group = group
        self.reader = Reader(connection)
        self.enumerations = connection.enumerations
        #: What the parts of instruments in the document became, under their concrete classes.
        self.refs: dict[ObjectRef, ObjectRef] = {}
        self._context = connection.context(group)
        self._lost: Counter[tuple[str, str]] = Counter()

    def assigner(self) -> Assigner:
        """Return what sets fields of objects."""
        return Assigner(self.enumerations, self.refs, self._miss)

    def lose(self, type_name: str, reason: str, count: int = 1) -> None:
        """Note what cannot be restored."""
        if count:
            self._lost[type_name, reason] += count

    def omissions(self, on: ObjectRef | None) -> list[Omission]:
        """Return what was lost, as part of an object of the source."""
        return [
            Omission(type=name, count=count, reason=reason, on=on)
            for (name, reason), count in self._lost.items()
        ]

    def insert(self, objects: Iterator[Any], *, doing: str) -> Iterator[list[int]]:
        """Insert new objects, taking them batch by batch; yield their ids in the same batches."""
        while batch := list(islice(objects, PER_SAVE)):
            with server_errors(doing):
                yield self.connection.update.saveAndReturnIds(batch, self._context)

    def save(self, objects: Sequence[Any], *, doing: str) -> list[Any]:
        """Save objects and return them, in their order."""
        saved: list[Any] = []
        for start in range(0, len(objects), PER_SAVE):
            with server_errors(doing):
                batch = objects[start : start + PER_SAVE]
                saved += self.connection.update.saveAndReturnArray(batch, self._context)
        return saved

    def change(self, hql: str, wanted: Mapping[int, Values], spec: Spec, *, doing: str) -> None:
        """Set all fields of a spec on objects, by their ids.

        Parameters
        ----------
        hql
            Loads them by ``(:ids)``, with their parts but without any list: that stays untouched.
        """
        assigner = self.assigner()
        self.edit(hql, wanted, lambda one: assigner.assign(one, spec, wanted[one.id.val]), doing=doing)

    def edit(
        self, hql: str, ids: Mapping[int, object], set_fields: Callable[[Any], object], *, doing: str
    ) -> None:
        """Change objects, loaded afresh for the optimistic lock."""
        for batch in batches(ids, PER_SAVE):
            with server_errors(doing):
                objects = self.connection.query.findAllByQuery(
                    hql, ParametersI().addIds(batch), self._context
                )
                for one in objects:
                    set_fields(one)
                self.connection.update.saveArray(objects, self._context)

    def delete(self, type_name: str, ids: Sequence[int]) -> None:
        """Delete objects of one type with what belongs to them."""
        for batch in batches(ids, PER_SAVE):
            delete(self.connection, type_name, batch, self.group)

    def translated(self, values: Values) -> Values:
        """Return values with references as the target has them; without those that lead nowhere."""
        found: Values = {}
        for name, value in values.items():
            made = self._translated(value)
            if made is not None and made != ():
                found[name] = made
        return found

    def _translated(self, value: Any) -> Any:
        if isinstance(value, ObjectRef):
            made = self.refs.get(value)
            return None if made is None else ObjectRef(value.type, made.id)
        if isinstance(value, dict):
            return self.translated(value)
        if isinstance(value, tuple) and value and isinstance(value[0], ObjectRef):
            return tuple(one for ref in value if (one := self._translated(ref)) is not None)
        return value

    def _miss(self, type_name: str, value: str) -> None:
        self.lose(type_name, f"the target does not know the {type_name} {value!r}")


def frozen(value: Any) -> Any:
    """Return values so that they can be compared and looked up."""
    if isinstance(value, dict):
        return tuple(sorted((name, frozen(inner)) for name, inner in value.items()))
    return value
