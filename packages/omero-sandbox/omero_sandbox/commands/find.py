"""Questions about the object graph (omero-blitz ``FindParentsI``, ``FindChildrenI``)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import omero.clients

from omero_sandbox.commands import rules
from omero_sandbox.commands.command import graph_error
from omero_sandbox.commands.graph import all_groups, by_class
from omero_sandbox.db.schema import resolve
from omero_sandbox.db.store import Row
from omero_sandbox.net.call import Call


class _Find:
    """Walks from the targets in one direction until nothing new is found."""

    steps = 1

    def __init__(self, call: Call, request: Any) -> None:
        self._call = all_groups(call)
        self.store = call.store
        self.request = request

    def wanted(self) -> Iterable[str]:
        """Types asked for."""
        raise NotImplementedError

    def neighbours(self, row: Row) -> Iterable[Row]:
        """Rows one step away."""
        raise NotImplementedError

    def step(self, number: int) -> None:
        """Walk."""
        wanted, stops = _concrete(self.wanted()), _concrete(self.request.stopBefore or ())
        queue = list(self._targets())
        seen = set(queue)
        self.found: list[Row] = []
        while queue:
            for row in self.neighbours(queue.pop()):
                if row in seen or row.type in stops or not self._call.can_read(row):
                    continue
                seen.add(row)
                queue.append(row)
                if row.type in wanted:
                    self.found.append(row)

    def _targets(self) -> Iterable[Row]:
        for name, ids in (self.request.targetObjects or {}).items():
            model = resolve(name.rpartition(".")[2])
            for each in ids:
                row = self.store.get(model.name, each)
                if row is None or not self._call.can_read(row):
                    raise graph_error(f"cannot read all the specified objects of class {model.java_name}")
                yield row


class FindParents(_Find):
    """Find containers and annotated objects above the targets."""

    def wanted(self) -> Iterable[str]:
        """Types of parents asked for."""
        return self.request.typesOfParents or ()

    def neighbours(self, row: Row) -> Iterable[Row]:
        """Rows that hold this one."""
        yield from rules.members().back(self.store, row)
        yield from rules.parts().back(self.store, row)

    def response(self) -> omero.cmd.Response:
        """Give the parents by class."""
        return omero.cmd.FoundParents(by_class(self.found))


class FindChildren(_Find):
    """Find contents and annotations below the targets."""

    def wanted(self) -> Iterable[str]:
        """Types of children asked for."""
        return self.request.typesOfChildren or ()

    def neighbours(self, row: Row) -> Iterable[Row]:
        """Rows that this one holds."""
        for paths in (rules.members(), rules.parts()):
            for _, found in paths.follow(self.store, row):
                yield found

    def response(self) -> omero.cmd.Response:
        """Give the children by class."""
        return omero.cmd.FoundChildren(by_class(self.found))


def _concrete(names: Iterable[str]) -> frozenset[str]:
    return frozenset(subtype for name in names for subtype in resolve(name.rpartition(".")[2]).subtypes)
