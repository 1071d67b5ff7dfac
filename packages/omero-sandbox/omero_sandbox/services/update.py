"""IUpdate: saving objects (ome.logic.UpdateImpl)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import omero
import omero.clients

from omero_sandbox.db.merge import delete, save
from omero_sandbox.db.schema import resolve
from omero_sandbox.security.ownership import id_of, require_group

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext


class UpdateService:
    """Every method is one transaction, all or nothing."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    def saveObject(self, call: Call, obj: Any) -> None:
        """Save a graph."""
        save(call, [obj])

    def saveAndReturnObject(self, call: Call, obj: Any) -> Any:
        """Save a graph and return it with ids and new details."""
        save(call, [obj])
        return obj

    def saveArray(self, call: Call, graph: list[Any]) -> None:
        """Save several graphs."""
        save(call, graph)

    def saveCollection(self, call: Call, objs: list[Any]) -> None:
        """Save several graphs."""
        save(call, objs)

    def saveAndReturnArray(self, call: Call, graph: list[Any]) -> list[Any]:
        """Save several graphs and return them in the same order."""
        save(call, graph)
        return graph

    def saveAndReturnIds(self, call: Call, graph: list[Any]) -> list[int]:
        """Insert new objects and return their ids in the same order.

        Raises
        ------
        omero.ApiUsageException
            An object has an id already.
        """
        for obj in graph:
            if id_of(obj) is not None:
                raise omero.ApiUsageException(None, None, "Ids already exist: saveAndReturnIds only inserts")
        return [row.id for row in save(call, graph)]

    def deleteObject(self, call: Call, row: Any) -> None:
        """Delete one object that nothing refers to (deprecated in OMERO in favour of Delete2)."""
        require_group(call)
        model, number = resolve(type(row).__name__), id_of(row)
        found = None if number is None else call.store.get(model.root, number)
        if found is None:
            raise omero.ValidationException(None, None, f"{model.java_name}:Id_{number} does not exist")
        with call.store.transaction():
            delete(call, found)

    def indexObject(self, call: Call, row: Any) -> None:
        """Accept a request of an administrator to index an object; the sandbox has no search index."""
        if not call.is_admin:
            raise omero.SecurityViolation(None, None, "Only administrators may index objects")
