"""Bind a syntax tree to the model: sources, columns and the rules between clauses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import lru_cache

from omero_sandbox.hql import conditions, expressions, functions, tree
from omero_sandbox.hql.context import Context, Handler
from omero_sandbox.hql.parser import illegal, parse
from omero_sandbox.hql.plan import Plan
from omero_sandbox.hql.run import Compiled, refuse
from omero_sandbox.hql.scope import Scope, Source, UncompilableError
from omero_sandbox.hql.statement import Statement

_HANDLERS: dict[type, Handler] = {**expressions.HANDLERS, **conditions.HANDLERS, tree.Call: functions.call}


@lru_cache(maxsize=512)
def compile_text(text: str) -> Statement:
    """Compile a query.

    Raises
    ------
    omero.QueryException
        Syntax error, unknown class, alias or property, or a wrong use of one.
    omero.ApiUsageException
        The database would refuse the query.
    """
    query = parse(text)
    try:
        return _Builder(Context(Scope(), _HANDLERS, {}, _subquery), query).build()
    except UncompilableError as error:
        raise illegal(text, str(error)) from None


def _subquery(query: tree.Query, outer: Context) -> Statement:
    return _Builder(Context(Scope(outer.scope), _HANDLERS, outer.parameters, _subquery), query).build()


class _Builder:
    """Compiles the clauses of one query."""

    def __init__(self, context: Context, query: tree.Query) -> None:
        self._context = context
        self._scope = context.scope
        self._query = query

    def build(self) -> Statement:
        """Compile all clauses; the sources are complete, implicit joins included, only after the last."""
        query, compile_ = self._query, self._context.compile
        for source in query.sources:
            self._add_source(source)
        conditions = [compile_(each) for each in _conjuncts(query.where)]
        items = query.select.items if query.select else ()
        columns = [compile_(item.expression, joined=True) for item in items] or self._everything()
        group = [compile_(each) for each in query.group]
        having = compile_(query.having) if query.having else None
        order = [compile_(self._unalias(key.expression)) for key in query.order]
        grouped = bool(group) or any(each.aggregate for each in columns)
        distinct = bool(query.select and query.select.distinct)
        if any(each.aggregate for each in conditions):
            raise refuse("aggregate functions are not allowed in WHERE")
        if grouped:
            self._check_grouping(group)
        if distinct:
            self._check_distinct(columns, order)
        return Statement(
            plan=Plan(self._scope.sources, conditions),
            columns=columns,
            names=tuple(item.alias or str(position) for position, item in enumerate(items))
            or ("0",) * len(columns),
            distinct=distinct,
            shape=query.select.shape if query.select else None,
            group=group if grouped else None,
            having=having,
            order=order,
            descending=[key.descending for key in query.order],
            fetches=self._fetches(columns),
            outer=self._outer([*conditions, *columns, *group, *order, *([having] if having else [])]),
            parameters=self._context.parameters,
            slots=next(self._scope.slots),
        )

    # -- sources --------------------

    def _add_source(self, source: tree.Source) -> None:
        self._scope.add_class(source.type, source.alias)
        for join in source.joins:
            joined = self._scope.add_join(join.path, join.alias, outer=join.outer, fetch=join.fetch)
            if join.condition is not None:
                joined.condition = self._with(join, joined)

    def _with(self, join: tree.Join, joined: Source) -> Compiled:
        if join.fetch:
            raise UncompilableError("with-clause not allowed on fetched associations; use filters")
        condition = self._context.compile(join.condition) if join.condition else None
        if condition is None or condition.slots - {joined.slot}:
            raise UncompilableError("with-clause expressions may only reference the joined element")
        return condition

    def _everything(self) -> list[Compiled]:
        """Columns of a query without a select clause: all classes and joins that are not fetched."""
        sources = [each for each in self._scope.named if not each.fetch]
        return [Compiled(each.current, each.kind, frozenset({each.slot}), (each, None)) for each in sources]

    def _fetches(self, columns: list[Compiled]) -> list[Source]:
        selected = {
            column.column[0] for column in columns if column.column and column.kind.category == "entity"
        }
        fetches = [
            each for each in self._scope.named if each.fetch and each.kind.category in {"entity", "counts"}
        ]
        for each in fetches:
            if each.parent not in selected:
                raise UncompilableError(
                    "query specified join fetching, but the owner of the fetched association was not present "
                    f"in the select list: {each.property.name if each.property else ''}"
                )
            selected.add(each)
        return fetches

    def _outer(self, parts: list[Compiled]) -> frozenset[int]:
        """Find the sources of outer queries that are read here, or joined from."""
        own = {source.slot for source in self._scope.sources}
        read = {source.parent.slot for source in self._scope.sources if source.parent}
        return frozenset(read.union(*(each.slots for each in parts)) - own)

    # -- rules between clauses --------------------

    def _unalias(self, key: tree.Expression) -> tree.Expression:
        """Expression behind a sort key that is the alias of a column."""
        if isinstance(key, tree.Path) and len(key.names) == 1 and self._query.select:
            named = {item.alias: item.expression for item in self._query.select.items if item.alias}
            return key if self._scope.find(key.names[0]) else named.get(key.names[0], key)
        return key

    def _check_grouping(self, group: list[Compiled]) -> None:
        """Every selected path must be grouped by, or belong to a row whose id is."""
        if self._query.select is None:
            raise refuse("columns must appear in the GROUP BY clause")
        keys = {each.column[0].slot for each in group if each.column and each.column[1] is None}
        for item in self._query.select.items:
            for path in _paths(item.expression):
                known = path in self._query.group or self._context.compile(path).slots <= keys
                if not known:
                    raise refuse(
                        f"column {path} must appear in the GROUP BY clause or be used in an aggregate"
                    )

    def _check_distinct(self, columns: list[Compiled], order: list[Compiled]) -> None:
        items = self._query.select.items if self._query.select else ()
        selected = {
            column.column[0].slot for column in columns if column.column and column.kind.category == "entity"
        }
        selected |= {source.slot for source in self._scope.named if source.fetch}
        for key, compiled in zip(self._query.order, order, strict=True):
            expression = self._unalias(key.expression)
            own = isinstance(expression, tree.Path) and compiled.slots <= selected
            if not own and all(expression != item.expression for item in items):
                raise refuse("for SELECT DISTINCT, ORDER BY expressions must appear in select list")


def _conjuncts(node: tree.Expression | None) -> Iterator[tree.Expression]:
    if isinstance(node, tree.Logical) and node.operator == "and":
        for each in node.operands:
            yield from _conjuncts(each)
    elif node is not None:
        yield node


def _paths(node: object) -> Iterator[tree.Path]:
    """Paths of an expression outside its aggregates and subqueries."""
    if isinstance(node, tree.Path):
        yield node
    elif isinstance(node, tuple):
        for each in node:
            yield from _paths(each)
    elif isinstance(node, tree.Call) and functions.is_aggregate(node):
        return
    elif is_dataclass(node) and not isinstance(node, tree.Query | tree.Subquery | tree.Exists):
        for each in fields(node):
            yield from _paths(getattr(node, each.name))
