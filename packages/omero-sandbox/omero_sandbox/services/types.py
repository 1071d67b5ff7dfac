"""ITypes: enumerations (ome.logic.TypesImpl)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import omero
import omero.clients

from omero_sandbox.db.marshal import Marshaller
from omero_sandbox.db.merge import delete, save
from omero_sandbox.db.schema import Type, resolve, schema
from omero_sandbox.security.ownership import id_of

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext


class TypesService:
    """Names of types may be simple or full Java class names."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    def getEnumeration(self, call: Call, type: str, value: str) -> Any:
        """Return one entry.

        Raises
        ------
        omero.ApiUsageException
            There is no such type or entry.
        """
        model = _enumeration(type)
        row = call.store.enum(model.name, value)
        if row is None:
            message = f"An enumeration of type {model.java_name} with value {value} does not exist"
            raise omero.ApiUsageException(None, None, message)
        return Marshaller(call.store, call).entity(row)

    def allEnumerations(self, call: Call, type: str) -> list[Any]:
        """Return all entries of a type."""
        model = _enumeration(type)
        return Marshaller(call.store, call).entities(call.store.rows(model.name))

    def getEnumerationTypes(self, call: Call) -> list[str]:
        """Return the full names of all enumeration types."""
        return [model.java_name for model in schema() if model.is_enum]

    def getEnumerationsWithEntries(self, call: Call) -> dict[str, list[Any]]:
        """Return all entries by type."""
        return {name: self.allEnumerations(call, name) for name in self.getEnumerationTypes(call)}

    def getOriginalEnumerations(self, call: Call) -> list[Any]:
        """Return the entries that an installation begins with."""
        found = []
        for model in schema():
            rows = (call.store.enum(model.name, value) for value in model.enumeration)
            found += [Marshaller(call.store, call).entity(row) for row in rows if row is not None]
        return found

    def getAnnotationTypes(self, call: Call) -> list[str]:
        """Return the full names of the concrete annotation types."""
        return [schema().types[name].java_name for name in resolve("Annotation").subtypes]

    def createEnumeration(self, call: Call, newEnum: Any) -> Any:
        """Add an entry; administrators only."""
        save(call, [newEnum])
        return newEnum

    def updateEnumeration(self, call: Call, oldEnum: Any) -> Any:
        """Change an entry; administrators only."""
        save(call, [oldEnum])
        return oldEnum

    def updateEnumerations(self, call: Call, oldEnums: list[Any]) -> None:
        """Change entries; administrators only."""
        save(call, oldEnums)

    def deleteEnumeration(self, call: Call, oldEnum: Any) -> None:
        """Remove an entry that nothing uses; administrators only."""
        model, number = _enumeration(type(oldEnum).__name__), id_of(oldEnum)
        row = None if number is None else call.store.get(model.name, number)
        if row is None:
            raise omero.ApiUsageException(None, None, f"{model.java_name}:Id_{number} does not exist")
        with call.store.transaction():
            delete(call, row)


def _enumeration(name: str) -> Type:
    model = resolve(name)
    if not model.is_enum:
        raise omero.ApiUsageException(None, None, f"{name} is not an enumeration")
    return model
