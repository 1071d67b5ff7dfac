"""State of one execution of a compiled query, and what compiling an expression gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import omero
import omero.clients

from omero_sandbox.db.store import Row, Store
from omero_sandbox.hql.kinds import Kind

if TYPE_CHECKING:
    from omero_sandbox.hql.scope import Source


@dataclass
class Run:
    """Everything an expression may look at.

    Attributes
    ----------
    store : Store
    visible : callable
        Whether the caller sees a row in the group of the call.
    parameters : dict
        Python values by name; a list for list parameters.
    values : list
        Current row (or entry, or quantity) of every source of the query and its subqueries, by slot.
    members : list of list
        While aggregates are evaluated: ``values`` of each member of the group.
    answers : dict
        What was evaluated once for the whole run.
    """

    store: Store
    visible: Callable[[Row], bool]
    parameters: dict[str, Any]
    values: list[Any]
    members: list[list[Any]] = field(default_factory=list)
    answers: dict[Callable[[Run], Any], Any] = field(default_factory=dict)

    def parameter(self, name: str) -> Any:
        """Value of a named parameter.

        Raises
        ------
        omero.ApiUsageException
            It is missing or null (omero-server StringQuery.buildQuery).
        """
        value = self.parameters.get(name)
        if value is None:
            raise omero.ApiUsageException(None, None, f"Null parameters not allowed: {name}")
        return value


@dataclass(frozen=True)
class Restriction:
    """A condition that lets only some ids pass, so an index can find the rows.

    Attributes
    ----------
    source : Source
    field : str or None
        Reference of the source that must be one of the ids; None is the id of the source itself.
    ids : callable
    slots : frozenset of int
        Sources that must be bound before ``ids`` can be called.
    """

    source: Source
    field: str | None
    ids: Callable[[Run], Iterable[Any]]
    slots: frozenset[int]


@dataclass(frozen=True)
class Compiled:
    """An expression ready to run.

    Attributes
    ----------
    evaluate : callable
        Python value; None is null, and unknown for a condition. A row for an entity.
    kind : Kind
    slots : frozenset of int
        Sources it reads.
    column : tuple of (Source, str or None), optional
        Set when it is a reference of a source or a source's id: see ``Restriction.field``.
    aggregate : bool
    restrictions : tuple of Restriction
        Of a condition: each is implied by it.
    """

    evaluate: Callable[[Run], Any]
    kind: Kind
    slots: frozenset[int] = frozenset()
    column: tuple[Source, str | None] | None = None
    aggregate: bool = False
    restrictions: tuple[Restriction, ...] = ()


def refuse(message: str) -> Exception:
    """Error of a query that compiles but that the database would refuse (SQL grammar)."""
    return omero.ApiUsageException(None, None, f"could not execute query; {message}")
