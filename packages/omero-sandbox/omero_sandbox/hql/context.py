"""What compiling an expression needs: the scope, the handlers by node type and the way to a subquery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from omero_sandbox.hql import tree
from omero_sandbox.hql.kinds import Kind
from omero_sandbox.hql.run import Compiled, Restriction, Run
from omero_sandbox.hql.scope import Scope


class Answerer(Protocol):
    """A compiled subquery."""

    @property
    def outer(self) -> frozenset[int]:
        """Sources of outer queries that it reads."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of the columns."""

    def rows(self, run: Run) -> list[tuple[Any, ...]]:
        """Answer for the current rows of the outer query."""

    def exists(self, run: Run) -> bool:
        """Whether the answer has a row."""


Handler = Callable[["Context", Any], Compiled]


@dataclass(frozen=True)
class Context:
    """Compiles the expressions of one query.

    Attributes
    ----------
    handlers : dict
        Compiler of each type of node but ``Path``.
    parameters : dict of str to set of Kind
        Collects all parameters, those of subqueries included, with the kinds they are compared with.
    answerer : callable
        Compiles a subquery.
    """

    scope: Scope
    handlers: Mapping[type, Handler]
    parameters: dict[str, set[Kind]]
    answerer: Callable[[tree.Query, Context], Answerer]

    def compile(self, node: tree.Expression, *, joined: bool = False) -> Compiled:
        """Compile an expression; ``joined`` if it is selected, see ``Scope.compile``."""
        if isinstance(node, tree.Path):
            return self.scope.compile(node, joined=joined)
        return self.handlers[type(node)](self, node)

    def subquery(self, query: tree.Query) -> Answerer:
        """Compile a subquery."""
        return self.answerer(query, self)


def derive(
    evaluate: Callable[[Run], Any],
    kind: Kind,
    *operands: Compiled,
    restrictions: tuple[Restriction, ...] = (),
) -> Compiled:
    """Compiled expression that reads what its operands read."""
    slots = frozenset[int]().union(*(each.slots for each in operands))
    return Compiled(evaluate, kind, slots, None, any(each.aggregate for each in operands), restrictions)


def once(slots: frozenset[int], evaluate: Callable[[Run], Any]) -> Callable[[Run], Any]:
    """Evaluate only once a run what reads no source."""
    if slots:
        return evaluate

    def remembered(run: Run) -> Any:
        if evaluate not in run.answers:
            run.answers[evaluate] = evaluate(run)
        return run.answers[evaluate]

    return remembered
