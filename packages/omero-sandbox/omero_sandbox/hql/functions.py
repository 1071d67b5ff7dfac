"""Functions and aggregates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from omero_sandbox.hql import operators, tree
from omero_sandbox.hql.context import Context, derive
from omero_sandbox.hql.expressions import widest
from omero_sandbox.hql.kinds import DOUBLE, INT, LONG, STRING, Kind
from omero_sandbox.hql.run import Compiled, Run, refuse
from omero_sandbox.hql.scope import Source, UncompilableError

_AGGREGATES = frozenset({"count", "sum", "avg", "min", "max"})
_INDEXES: dict[str, Callable[[Any], Any]] = {"minindex": min, "maxindex": max}


def _substring(text: str, start: int, length: int | None = None) -> str:
    return (
        text[max(start - 1, 0) :] if length is None else text[max(start - 1, 0) : max(start - 1 + length, 0)]
    )


# Null if any argument is null, as in SQL.
_FUNCTIONS: dict[str, tuple[Callable[..., Any], Kind | None]] = {
    "lower": (str.lower, STRING),
    "upper": (str.upper, STRING),
    "trim": (lambda text: text.strip(" "), STRING),
    "length": (len, INT),
    "concat": (lambda *parts: "".join(map(str, parts)), STRING),
    "substring": (_substring, STRING),
    "locate": (lambda part, text, start=1: text.find(part, start - 1) + 1, INT),
    "str": (lambda value: str(operators.column(value)), STRING),
    "abs": (abs, None),
    "mod": (lambda left, right: operators.calculate("%", left, right), None),
    "sqrt": (math.sqrt, DOUBLE),
}


def call(context: Context, node: tree.Call) -> Compiled:
    """Compile a function call.

    Raises
    ------
    omero.ApiUsageException
        There is no such function: Hibernate hands unknown ones to the database, which refuses.
    """
    special = _SPECIAL.get(node.name)
    if special:
        return special(context, node)
    if node.name in _AGGREGATES:
        return _aggregate(context, node)
    if node.name not in _FUNCTIONS:
        raise refuse(f"function {node.name} does not exist")
    function, kind = _FUNCTIONS[node.name]
    arguments = [context.compile(each) for each in node.arguments]

    def evaluate(run: Run) -> Any:
        values = [each.evaluate(run) for each in arguments]
        if any(value is None for value in values):
            return None
        try:
            return function(*values)
        except (TypeError, ValueError, AttributeError):
            raise refuse(f"function {node.name} does not take {values!r}") from None

    return derive(evaluate, kind or widest(each.kind for each in arguments), *arguments)


# -- functions with rules of their own --------------------


def _coalesce(context: Context, node: tree.Call) -> Compiled:
    arguments = [context.compile(each) for each in node.arguments]

    def evaluate(run: Run) -> Any:
        values = (each.evaluate(run) for each in arguments)
        return next((value for value in values if value is not None), None)

    return derive(evaluate, widest(each.kind for each in arguments), *arguments)


def _nullif(context: Context, node: tree.Call) -> Compiled:
    left, right = _arguments(context, node, 2)

    def evaluate(run: Run) -> Any:
        value = left.evaluate(run)
        return None if operators.compare("=", value, right.evaluate(run)) else value

    return derive(evaluate, left.kind, left, right)


def _size(context: Context, node: tree.Call) -> Compiled:
    (operand,) = _arguments(context, node, 1)
    if operand.kind.category not in {"collection", "entries"}:
        raise UncompilableError("size: no collection")
    return derive(lambda run: len(operand.evaluate(run) or ()), INT, operand)


def _index(context: Context, node: tree.Call) -> Compiled:
    source = _listed(context, node)
    return Compiled(lambda run: _position(source, run), INT, frozenset({source.slot}))


def _extreme_index(context: Context, node: tree.Call) -> Compiled:
    source, choose = _listed(context, node), _INDEXES[node.name]

    def evaluate(run: Run) -> Any:
        return choose(_present(run, lambda each: _position(source, each)) or [None])

    return Compiled(evaluate, INT, frozenset({source.slot}), None, aggregate=True)


def _listed(context: Context, node: tree.Call) -> Source:
    """Source of an alias that was joined along an ordered list."""
    path = node.arguments[0] if node.arguments else None
    source = (
        context.scope.find(path.names[0]) if isinstance(path, tree.Path) and len(path.names) == 1 else None
    )
    field = source.property.field if source and source.property else None
    if source is None or field is None or not field.ordered or not field.inverse:
        raise UncompilableError(f"{node.name}: only for the alias of a joined list")
    return source


def _position(source: Source, run: Run) -> Any:
    row = run.values[source.slot]
    field = source.property.field if source.property else None
    return None if row is None or field is None else row.values.get(f"{field.inverse}_index")


def _arguments(context: Context, node: tree.Call, number: int) -> list[Compiled]:
    if len(node.arguments) != number:
        raise UncompilableError(f"{node.name} takes {number} argument(s)")
    return [context.compile(each) for each in node.arguments]


_SPECIAL: dict[str, Callable[[Context, tree.Call], Compiled]] = {
    "coalesce": _coalesce,
    "nullif": _nullif,
    "size": _size,
    "index": _index,
    "minindex": _extreme_index,
    "maxindex": _extreme_index,
}


def is_aggregate(node: tree.Call) -> bool:
    """Whether a call folds the members of a group."""
    return node.name in _AGGREGATES or node.name in _INDEXES


# -- aggregates --------------------


def _aggregate(context: Context, node: tree.Call) -> Compiled:
    if node.star:
        return Compiled(lambda run: len(run.members), LONG, aggregate=True)
    (argument,) = _arguments(context, node, 1)
    if argument.aggregate:
        raise refuse("aggregate function calls may not be nested")
    return Compiled(
        _Fold(node, argument), _aggregate_kind(node.name, argument.kind), argument.slots, None, True
    )


class _Fold:
    """One aggregate over the members of a group."""

    def __init__(self, node: tree.Call, argument: Compiled) -> None:
        self._node = node
        self._argument = argument

    def __call__(self, run: Run) -> Any:
        values = [operators.column(value) for value in _present(run, self._argument.evaluate)]
        if self._node.distinct:
            values = list(dict.fromkeys(values))
        if self._node.name == "count":
            return len(values)
        if not values:
            return None
        if self._node.name in {"sum", "avg"} and isinstance(values[0], str | bool):
            raise refuse(f"function {self._node.name} does not take {values[0]!r}")
        return _FOLDS[self._node.name](values)


def _average(values: list[Any]) -> float:
    return sum(values) / len(values)


_FOLDS: dict[str, Callable[[list[Any]], Any]] = {"sum": sum, "avg": _average, "min": min, "max": max}


def _present(run: Run, evaluate: Callable[[Run], Any]) -> list[Any]:
    """Values of an expression for all members of the group, nulls left out."""
    return [value for value in _each(run, evaluate) if value is not None]


def _each(run: Run, evaluate: Callable[[Run], Any]) -> Iterator[Any]:
    current = run.values
    try:
        for values in run.members:
            run.values = values
            yield evaluate(run)
    finally:
        run.values = current


def _aggregate_kind(name: str, argument: Kind) -> Kind:
    match name:
        case "count":
            return LONG
        case "avg":
            return DOUBLE
        case "sum":
            return LONG if argument.name in {"int", "long"} else DOUBLE
        case _:
            return argument
