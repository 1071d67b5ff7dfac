"""Run HQL on a store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from omero_sandbox.db.store import Row, Store
from omero_sandbox.hql.compiler import compile_text
from omero_sandbox.hql.kinds import Kind, Time
from omero_sandbox.hql.run import Run, refuse
from omero_sandbox.hql.statement import Answer

_FAMILIES = {
    **dict.fromkeys(("int", "long", "float", "double"), "number"),
    **dict.fromkeys(("string", "class", "unit"), "text"),
    "boolean": "boolean",
    "timestamp": "time",
}


def execute(
    store: Store,
    visible: Callable[[Row], bool],
    text: str,
    parameters: dict[str, Any],
    offset: int = 0,
    limit: int | None = None,
) -> Answer:
    """Run a query.

    Parameters
    ----------
    store : Store
    visible : callable
        Whether the caller sees a row; applied to classes and collections, not to references, as OMERO's
        security filters are (omero-server OneGroupSecurityFilter, AllGroupsSecurityFilter).
    text : str
        HQL.
    parameters : dict
        Python values; an object by its id, a list for ``in (:name)``.
    offset, limit : int
        Page; no limit if None or 0.

    Raises
    ------
    omero.QueryException
        The query does not compile.
    omero.ApiUsageException
        A parameter is missing, null or an empty list, or the database would refuse the query.
    """
    statement = compile_text(text)
    run = Run(store, visible, parameters, [None] * statement.slots)
    for name, kinds in statement.parameters.items():
        _check(name, run.parameter(name), kinds)
    with store.lock:
        return statement.answer(run, max(offset, 0), limit if limit and limit > 0 else None)


def _check(name: str, value: Any, kinds: set[Kind]) -> None:
    """Refuse a parameter the database cannot compare with its column, whatever the rows."""
    values = value if isinstance(value, list) else [value]
    if not values:
        raise refuse(f"empty list for :{name}")
    wanted = {family for family in map(_family_of_kind, kinds) if family}
    for each in values:
        if wanted - {_family(each)}:
            raise refuse(f"operator does not exist: {', '.join(wanted)} = {_family(each)} for :{name}")


def _family_of_kind(kind: Kind) -> str | None:
    if kind.category == "entity":
        return "number"
    return _FAMILIES.get(kind.name) if kind.category == "scalar" else None


def _family(value: Any) -> str:
    if isinstance(value, bool | Time):
        return "boolean" if isinstance(value, bool) else "time"
    return "number" if isinstance(value, int | float) else "text"
