"""Which of many objects are on a server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from omero_rocrate_transfer.model.refs import PACKABLE, ObjectRef
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.queries import Reader

_IDS: Final = "select o.id from {} o where o.id in (:ids) order by o.id"


def find_present(connection: Connection, refs: Iterable[ObjectRef]) -> list[ObjectRef]:
    """Return those objects that are there and readable, of the types that can be packed, in their order."""
    wanted = list(dict.fromkeys(refs))
    reader = Reader(connection)
    found = {
        ObjectRef(kind, row[0])
        for kind in PACKABLE
        for row in reader.rows(
            _IDS.format(kind),
            [ref.id for ref in wanted if ref.type == kind],
            doing=f"Looking for every {kind}",
        )
    }
    return [ref for ref in wanted if ref in found]
