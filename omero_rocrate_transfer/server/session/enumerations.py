"""OMERO's enumerations, each read once: their rows have other ids on every server."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

import omero.model

from omero_rocrate_transfer.server.session.errors import server_errors

if TYPE_CHECKING:
    from omero_rocrate_transfer.server.session.connection import Connection


class Enumerations:
    """Values of the enumerations of one server; safe in several threads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._values: dict[str, dict[int, str]] = {}
        self._lock = Lock()

    def value(self, type_name: str, row: Any) -> str:
        """Return the value of a row, which need not be loaded."""
        return self._of(type_name)[row.id.val]

    def row(self, type_name: str, *values: str) -> Any:
        """Return a reference to the row of the first of these values that the server has, else None.

        An unknown value would be taken for a new one, which only administrators may add (omero-server
        MergeEventListener).
        """
        ids = {value: one for one, value in self._of(type_name).items()}
        for value in values:
            if value in ids:
                return getattr(omero.model, f"{type_name}I")(ids[value], False)  # noqa: FBT003 -- a reference
        return None

    def _of(self, type_name: str) -> dict[int, str]:
        with self._lock:
            if type_name not in self._values:
                hql = f"select e.id, e.value from {type_name} e"  # noqa: S608 -- a class of OMERO
                with server_errors(f"Reading the enumeration {type_name}"):
                    rows = self._connection.query.projection(hql, None, self._connection.context())
                self._values[type_name] = {one.val: value.val for one, value in rows}
            return self._values[type_name]
