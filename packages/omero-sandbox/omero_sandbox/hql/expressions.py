"""Compile literals, parameters, logic, arithmetic, case and cast."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from omero_sandbox.hql import operators, tree
from omero_sandbox.hql.context import Context, Handler, derive, once
from omero_sandbox.hql.kinds import BOOLEAN, STRING, UNKNOWN, Kind
from omero_sandbox.hql.run import Compiled, Run, refuse
from omero_sandbox.hql.scope import UncompilableError

_WIDTHS = ("int", "long", "float", "double")

_CASTS: dict[str, tuple[Kind, Callable[[Any], Any]]] = {
    "string": (STRING, str),
    "integer": (Kind("scalar", "int"), int),
    "int": (Kind("scalar", "int"), int),
    "long": (Kind("scalar", "long"), int),
    "float": (Kind("scalar", "float"), float),
    "double": (Kind("scalar", "double"), float),
}


def widest(kinds: Iterable[Kind]) -> Kind:
    """Find the common kind: the widest number, else the first that is known."""
    known = [kind for kind in kinds if kind != UNKNOWN]
    numbers = [kind.name for kind in known if kind.name in _WIDTHS]
    if numbers and len(numbers) == len(known):
        return Kind("scalar", max(numbers, key=_WIDTHS.index))
    return known[0] if known else UNKNOWN


def _literal(_context: Context, node: tree.Literal) -> Compiled:
    return Compiled(lambda _: node.value, UNKNOWN if node.kind == "null" else Kind("scalar", node.kind))


def _parameter(context: Context, node: tree.Parameter) -> Compiled:
    context.parameters.setdefault(node.name, set())

    def evaluate(run: Run) -> Any:
        value = run.parameter(node.name)
        if not isinstance(value, list):
            return value
        if len(value) != 1:
            raise refuse(f"{len(value)} values for :{node.name} where one is expected")
        return value[0]

    return Compiled(evaluate, UNKNOWN)


def _subquery(context: Context, node: tree.Subquery) -> Compiled:
    query = context.subquery(node.query)

    def evaluate(run: Run) -> Any:
        rows = query.rows(run)
        if len(rows) > 1:
            raise refuse("more than one row returned by a subquery used as an expression")
        return rows[0][0] if rows else None

    return Compiled(once(query.outer, evaluate), query.kinds[0], query.outer)


def _not(context: Context, node: tree.Not) -> Compiled:
    operand = context.compile(node.operand)
    return derive(lambda run: operators.negate(operand.evaluate(run)), BOOLEAN, operand)


def _logical(context: Context, node: tree.Logical) -> Compiled:
    operands = [context.compile(each) for each in node.operands]
    decisive, combine = (False, operators.both) if node.operator == "and" else (True, operators.either)

    def evaluate(run: Run) -> bool | None:
        result: bool | None = not decisive
        for each in operands:
            result = combine(result, each.evaluate(run))
            if result is decisive:
                break
        return result

    implied = tuple(each for operand in operands for each in operand.restrictions)
    return derive(evaluate, BOOLEAN, *operands, restrictions=implied if node.operator == "and" else ())


def _exists(context: Context, node: tree.Exists) -> Compiled:
    query = context.subquery(node.query)
    return Compiled(once(query.outer, query.exists), BOOLEAN, query.outer)


def _negative(context: Context, node: tree.Negative) -> Compiled:
    operand = context.compile(node.operand)
    return derive(lambda run: operators.calculate("-", 0, operand.evaluate(run)), operand.kind, operand)


def _arithmetic(context: Context, node: tree.Arithmetic) -> Compiled:
    left, right = context.compile(node.left), context.compile(node.right)
    kind = STRING if node.operator == "||" else widest((left.kind, right.kind))

    def evaluate(run: Run) -> Any:
        return operators.calculate(node.operator, left.evaluate(run), right.evaluate(run))

    return derive(evaluate, kind, left, right)


def _case(context: Context, node: tree.Case) -> Compiled:
    branches = [(_condition(context, node, when), context.compile(then)) for when, then in node.branches]
    otherwise = context.compile(node.otherwise or tree.Literal(value=None, kind="null"))

    def evaluate(run: Run) -> Any:
        for condition, result in branches:
            if condition.evaluate(run) is True:
                return result.evaluate(run)
        return otherwise.evaluate(run)

    results = [*(result for _, result in branches), otherwise]
    return derive(evaluate, widest(each.kind for each in results), *results, *(when for when, _ in branches))


def _condition(context: Context, node: tree.Case, when: tree.Expression) -> Compiled:
    return context.compile(tree.Compare("=", node.operand, when) if node.operand else when)


def _cast(context: Context, node: tree.Cast) -> Compiled:
    if node.type not in _CASTS:
        raise UncompilableError(f"Could not resolve requested type for CAST : {node.type}")
    operand, (kind, convert) = context.compile(node.operand), _CASTS[node.type]

    def evaluate(run: Run) -> Any:
        value = operators.column(operand.evaluate(run))
        try:
            return None if value is None else convert(value)
        except ValueError:
            raise refuse(f"invalid input syntax for {node.type}: {value!r}") from None

    return derive(evaluate, kind, operand)


HANDLERS: dict[type, Handler] = {
    tree.Literal: _literal,
    tree.Parameter: _parameter,
    tree.Subquery: _subquery,
    tree.Not: _not,
    tree.Logical: _logical,
    tree.Exists: _exists,
    tree.Negative: _negative,
    tree.Arithmetic: _arithmetic,
    tree.Case: _case,
    tree.Cast: _cast,
}
