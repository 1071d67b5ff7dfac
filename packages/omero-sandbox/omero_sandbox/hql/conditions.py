"""Compile comparisons, ``in``, ``between``, ``like``, ``is null``, ``is empty`` and ``member of``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import omero

from omero_sandbox.db.schema import Type, resolve
from omero_sandbox.hql import operators, tree
from omero_sandbox.hql.context import Context, Handler, derive, once
from omero_sandbox.hql.kinds import BOOLEAN, Kind
from omero_sandbox.hql.run import Compiled, Restriction, Run, refuse
from omero_sandbox.hql.scope import UncompilableError

_CONVERT: dict[str, Callable[[str], Any]] = {
    "int": int,
    "long": int,
    "float": float,
    "double": float,
    "timestamp": lambda text: int(datetime.fromisoformat(text).timestamp() * 1000),
}


class _Choices:
    """Values of an ``in``, ready for many tests."""

    def __init__(self, values: Iterable[Any]) -> None:
        columns = [operators.column(value) for value in values]
        self.values = {value for value in columns if value is not None}
        self._null = None in columns
        self._sample = next(iter(self.values), None)

    def test(self, value: Any) -> bool | None:
        """Three-valued membership."""
        value = operators.column(value)
        operators.compare("=", value, self._sample)
        if value is None:
            return None
        return True if value in self.values else None if self._null else False


def _compare(context: Context, node: tree.Compare) -> Compiled:
    if node.quantifier and isinstance(node.right, tree.Subquery):
        return _quantified(context, node, node.right)
    left, right = context.compile(node.left), context.compile(node.right)
    left, right = _adapt(context, left, node.left, right.kind), _adapt(context, right, node.right, left.kind)

    def evaluate(run: Run) -> bool | None:
        return operators.compare(node.operator, left.evaluate(run), right.evaluate(run))

    restrictions: tuple[Restriction, ...] = ()
    if node.operator == "=":
        restrictions = _restrict(left, right) + _restrict(right, left)
    return derive(evaluate, BOOLEAN, left, right, restrictions=restrictions)


def _restrict(side: Compiled, other: Compiled) -> tuple[Restriction, ...]:
    if side.column is None:
        return ()
    return (Restriction(*side.column, lambda run: (operators.column(other.evaluate(run)),), other.slots),)


def _adapt(context: Context, side: Compiled, node: tree.Expression, other: Kind) -> Compiled:
    """Give a text literal the type it is compared with, as PostgreSQL does; note that of a parameter."""
    if isinstance(node, tree.Parameter):
        context.parameters[node.name].add(other)
    name = "long" if other.category == "entity" else other.name
    if not isinstance(node, tree.Literal) or node.kind != "string" or name not in _CONVERT:
        return side
    try:
        value = _CONVERT[name](str(node.value))
    except ValueError:
        raise refuse(f"invalid input syntax for {name}: {node.value!r}") from None
    return Compiled(lambda _: value, other)


def _quantified(context: Context, node: tree.Compare, right: tree.Subquery) -> Compiled:
    left, query = context.compile(node.left), context.subquery(right.query)
    rows = once(query.outer, query.rows)
    start, combine = (True, operators.both) if node.quantifier == "all" else (False, operators.either)

    def evaluate(run: Run) -> bool | None:
        value = left.evaluate(run)
        result: bool | None = start
        for row in rows(run):
            result = combine(result, operators.compare(node.operator, value, row[0]))
        return result

    return derive(evaluate, BOOLEAN, left, Compiled(rows, BOOLEAN, query.outer))


def _in(context: Context, node: tree.In) -> Compiled:
    operand = context.compile(node.operand)
    values, slots, aggregate = _values(context, node, operand)
    choices = once(slots, lambda run: _Choices(values(run)))
    restrictions: tuple[Restriction, ...] = ()
    if operand.column is not None:
        restrictions = (Restriction(*operand.column, lambda run: choices(run).values, slots),)
    constant = Compiled(choices, BOOLEAN, slots, None, aggregate)
    return derive(
        lambda run: choices(run).test(operand.evaluate(run)),
        BOOLEAN,
        operand,
        constant,
        restrictions=restrictions,
    )


def _values(
    context: Context, node: tree.In, operand: Compiled
) -> tuple[Callable[[Run], Iterable[Any]], frozenset[int], bool]:
    if isinstance(node.choices, tree.Query):
        query = context.subquery(node.choices)
        return (lambda run: (row[0] for row in query.rows(run))), query.outer, False
    if len(node.choices) == 1 and isinstance(node.choices[0], tree.Parameter):
        name = node.choices[0].name
        context.parameters.setdefault(name, set()).add(operand.kind)
        return (lambda run: _listed(run.parameter(name))), frozenset(), False
    compiled = [_adapt(context, context.compile(each), each, operand.kind) for each in node.choices]
    together = derive(lambda _: None, BOOLEAN, *compiled)
    return (lambda run: [each.evaluate(run) for each in compiled]), together.slots, together.aggregate


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_null(context: Context, node: tree.IsNull) -> Compiled:
    operand = context.compile(node.operand)
    return derive(lambda run: operand.evaluate(run) is None, BOOLEAN, operand)


def _is_empty(context: Context, node: tree.IsEmpty) -> Compiled:
    operand = context.compile(node.operand)
    if operand.kind.category not in {"collection", "entries"}:
        raise UncompilableError("is empty: no collection")
    return derive(lambda run: not operand.evaluate(run), BOOLEAN, operand)


def _between(context: Context, node: tree.Between) -> Compiled:
    low = tree.Compare(">=", node.operand, node.low)
    return context.compile(tree.Logical("and", (low, tree.Compare("<=", node.operand, node.high))))


def _like(context: Context, node: tree.Like) -> Compiled:
    operand, pattern = context.compile(node.operand), context.compile(node.pattern)

    def evaluate(run: Run) -> bool | None:
        return operators.like(operand.evaluate(run), pattern.evaluate(run), node.escape)

    return derive(evaluate, BOOLEAN, operand, pattern)


def _member(context: Context, node: tree.Member) -> Compiled:
    operand = context.compile(node.operand)
    model = _model(context, node.collection)
    if model is not None:
        # omero-server's MetadataImpl tests an annotation's class in this way.
        return derive(lambda run: _is_a(operand.evaluate(run), model), BOOLEAN, operand)
    collection = context.compile(node.collection)
    if collection.kind.category != "collection":
        raise UncompilableError(f"member of: {node.collection} is no collection")

    def evaluate(run: Run) -> bool | None:
        return operators.contains(collection.evaluate(run) or (), operand.evaluate(run))

    return derive(evaluate, BOOLEAN, operand, collection)


def _model(context: Context, path: tree.Path) -> Type | None:
    if context.scope.find(path.names[0]):
        return None
    try:
        return resolve(str(path))
    except omero.ApiUsageException:
        return None


def _is_a(row: Any, model: Type) -> bool | None:
    return None if row is None else row.type in model.subtypes


HANDLERS: dict[type, Handler] = {
    tree.Compare: _compare,
    tree.In: _in,
    tree.IsNull: _is_null,
    tree.IsEmpty: _is_empty,
    tree.Between: _between,
    tree.Like: _like,
    tree.Member: _member,
}
