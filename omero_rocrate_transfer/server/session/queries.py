"""HQL in batches of ids: few calls for many objects, bounded answers, and never an empty ``in ()``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Any, Final

from omero.sys import ParametersI

from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors

#: Ids per query; the JDBC driver takes 32767 at most.
IDS_PER_QUERY: Final = 1000
#: Rows per answer: keeps even a fileset of 100,000 files far below Ice.MessageSizeMax.
ROWS_PER_ANSWER: Final = 10_000
#: Objects per query where whole graphs come back.
GRAPHS_PER_QUERY: Final = 500

_ALL_IDS: Final = "select o.id from {type} o order by o.id"

Row = tuple[Any, ...]


class Reader:
    """Reads rows and objects of all groups the user may read.

    Parameters
    ----------
    connection
        Its user's rights decide what is visible; what is not readable is missing from the answers.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, hql: str, ids: Iterable[int], *, doing: str) -> Iterator[Row]:
        """Yield the rows of a projection, with plain Python values.

        Parameters
        ----------
        hql
            Uses ``(:ids)``, and orders its rows completely: they come in pages.
        ids
            Each one once; no call is made for none.
        doing
            For the message of an error, like ``"Reading images"``.
        """
        for batch in batches(ids, IDS_PER_QUERY):
            yield from self._pages(hql, ParametersI().addIds(batch), doing)

    def all_ids(self, type_name: str) -> list[int]:
        """Return the ids of every readable object of a type, in order."""
        hql = _ALL_IDS.format(type=type_name)
        return [row[0] for row in self._pages(hql, ParametersI(), f"Reading the ids of every {type_name}")]

    def all_rows(self, hql: str, *, doing: str) -> Iterator[Row]:
        """Yield the rows of a projection that takes no ids; otherwise as `rows`."""
        return self._pages(hql, ParametersI(), doing)

    def count(self, hql: str, ids: Iterable[int], *, doing: str) -> int:
        """Return the sum of a count query over all batches of ids."""
        return sum(row[0] for row in self.rows(hql, ids, doing=doing))

    def counts(self, kinds: Sequence[str]) -> list[int]:
        """Return how many objects of some kinds there are, with one call.

        Parameters
        ----------
        kinds
            Classes, or what may stand after ``from`` with ``{x}`` for the object:
            ``"Roi {x} where {x}.source is not null"``.
        """
        named = (kind if "{x}" in kind else f"{kind} {{x}}" for kind in kinds)
        each = [
            f"(select count(x{n}.id) from {kind.format(x=f'x{n}')})"  # noqa: S608 -- classes of OMERO
            for n, kind in enumerate(named)
        ]
        # From one row that is there: who asks always is.
        hql = f"select {', '.join(each)} from Experimenter e where e.id = :id"  # noqa: S608 -- classes of OMERO
        parameters = ParametersI().addId(self._connection.user_id)
        with server_errors("Counting objects"):
            [row] = self._connection.query.projection(hql, parameters, self._connection.context())
        return [value.val for value in row]

    def objects(
        self, hql: str, ids: Iterable[int], *, doing: str, size: int = GRAPHS_PER_QUERY
    ) -> Iterator[Any]:
        """Yield objects, each once, with what the query fetches; unordered; `size` ids a query."""
        for batch in batches(ids, size):
            with server_errors(doing):
                found = self._connection.query.findAllByQuery(
                    hql, ParametersI().addIds(batch), self._connection.context()
                )
            yield from {one.id.val: one for one in found}.values()

    def _pages(self, hql: str, parameters: Any, doing: str) -> Iterator[Row]:
        for page in count():
            parameters.page(page * ROWS_PER_ANSWER, ROWS_PER_ANSWER)
            with server_errors(doing):
                rows = self._connection.query.projection(hql, parameters, self._connection.context())
            yield from (tuple(None if value is None else value.val for value in row) for row in rows)
            if len(rows) < ROWS_PER_ANSWER:
                return


def batches(ids: Iterable[int], size: int) -> Iterator[list[int]]:
    """Yield ids in lists of some size, each once."""
    unique = list(dict.fromkeys(ids))
    for start in range(0, len(unique), size):
        yield unique[start : start + size]
