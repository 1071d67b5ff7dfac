"""What the commands on the object graph share: targets, rights, references, responses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

from omero_sandbox.commands import rules
from omero_sandbox.commands.command import CommandFailedError, graph_error
from omero_sandbox.commands.options import Options
from omero_sandbox.db.schema import resolve
from omero_sandbox.db.store import Row, Store
from omero_sandbox.net.call import Call


def all_groups(call: Call) -> Call:
    """Make the context commands run in: of all groups, with rights checked object by object."""
    current = SimpleNamespace(ctx={**call.ctx, "omero.group": "-1"}, con=None)
    return Call(call.context, call.session, current)


def by_class(rows: Iterable[Row]) -> dict[str, list[int]]:
    """Group ids by full Java class name, as responses do."""
    found: dict[str, list[int]] = {}
    for row in sorted(rows, key=lambda row: (row.model.java_name, row.id)):
        found.setdefault(row.model.java_name, []).append(row.id)
    return found


def references(store: Store, row: Row) -> Iterator[tuple[Row, str, bool]]:
    """Yield what refers to a row: the referring row, its field and whether that field is required."""
    for type_name, field, required in rules.references_to(row.model.root):
        for referrer in store.referrers(type_name, field, row.id):
            yield referrer, field, required


def link_ends(store: Store, link: Row) -> list[Row | None]:
    """Return the parent and the child of a link."""
    return [store.get(str(link.model.fields[name].target), link.values[name]) for name in ("parent", "child")]


class GraphCommand:
    """A command in two steps: plan, then change; with ``dryRun`` the second does nothing.

    Parameters
    ----------
    call : Call
        Of the client's ``submit``.
    request : omero.cmd.GraphModify2
    """

    steps = 2
    takes_more_targets = False

    def __init__(self, call: Call, request: Any) -> None:
        self.call = all_groups(call)
        self.store = call.store
        self.request = request
        self.options = Options(request.childOptions)

    def step(self, number: int) -> None:
        """Plan in step 0, change the store in step 1."""
        if number == 0:
            self.plan()
        elif not self.request.dryRun:
            self.apply()

    def plan(self) -> None:
        """Find what the command reaches."""
        raise NotImplementedError

    def apply(self) -> None:
        """Change the store."""
        raise NotImplementedError

    def response(self) -> Any:
        """Build the response of a successful run."""
        raise NotImplementedError

    def targets(self) -> list[Row]:
        """Rows that the request names.

        Raises
        ------
        CommandFailedError
            A type cannot be a target, or an object does not exist or is not visible.
        """
        found: list[Row] = []
        for name, ids in (self.request.targetObjects or {}).items():
            model = resolve(name.rpartition(".")[2])
            legal = rules.targets(delete=self.takes_more_targets)
            if not legal.issuperset(model.subtypes):
                raise CommandFailedError(f"cannot target {model.name}", name="bad-target")
            rows = [self.store.get(model.name, each) for each in dict.fromkeys(ids)]
            seen = [row for row in rows if row is not None and self.call.can_read(row)]
            if len(seen) != len(rows):
                raise graph_error(f"cannot read all the specified objects of class {model.java_name}")
            found += seen
        return found
