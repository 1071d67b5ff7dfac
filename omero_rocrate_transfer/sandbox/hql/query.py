"""Run HQL on a store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from omero_rocrate_transfer.sandbox.store import Row, Store

from .compiler import compile_text
from .run import Run, refuse
from .statement import Answer


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
    for name in statement.parameters:
        if run.parameter(name) == []:
            raise refuse(f"empty list for :{name}")
    with store.lock:
        return statement.answer(run, offset, limit or None)
