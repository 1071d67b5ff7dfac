"""Queries (omero.api.IQuery; omero-server QueryImpl)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import omero
import omero.clients

from omero_sandbox.db.marshal import read_value
from omero_sandbox.db.schema import Type, resolve
from omero_sandbox.hql import parameters
from omero_sandbox.hql.parameters import Parameters
from omero_sandbox.hql.reader import Reader

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext

_PROPERTY = re.compile(r"\w+(\.\w+)*")


class QueryService:
    """One method per operation; the class name of a method's argument may be short or full."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    # -- by id --------------------

    def get(self, call: Call, klass: str, id: int) -> Any:
        """Give an object that must exist.

        Raises
        ------
        omero.ValidationException
            It does not.
        omero.SecurityViolation
            The caller may not read it, or it is in another group than that of the call.
        """
        row = call.store.get(klass, id)
        if row is None:
            raise _no_row(resolve(klass), id)
        return Reader(call).entity(row)

    def find(self, call: Call, klass: str, id: int) -> Any:
        """Give an object, or None if it does not exist; errors as for ``get``."""
        row = call.store.get(klass, id)
        return None if row is None else Reader(call).entity(row)

    def refresh(self, call: Call, iObject: Any) -> Any:
        """Give the present state of an object."""
        if iObject is None or iObject.id is None:
            raise omero.ApiUsageException(None, None, "refresh needs an object with an id")
        return self.get(call, type(iObject).__name__, iObject.id.val)

    # -- by property --------------------

    def findAll(self, call: Call, klass: str, filter: Any) -> list[Any]:
        """Give all visible objects of a class."""
        return self._find(call, f"select o from {resolve(klass).name} o", {}, filter)

    def findByString(self, call: Call, klass: str, field: str, value: str) -> Any:
        """Give the one object with this value, or None."""
        text = f"select o from {resolve(klass).name} o where o.{_property(field)} = :value"
        return _unique(self._find(call, text, {"value": value}), text)

    def findAllByString(
        self, call: Call, klass: str, field: str, value: str, caseSensitive: bool, filter: Any
    ) -> list[Any]:
        """Give the objects whose property contains a text; ``%`` and ``_`` are wildcards in it."""
        path = f"o.{_property(field)}"
        operand = path if caseSensitive else f"lower({path})"
        pattern = f"%{value if caseSensitive else value.lower()}%"
        text = f"select o from {resolve(klass).name} o where {operand} like :value"
        return self._find(call, text, {"value": pattern}, filter)

    def findByExample(self, call: Call, example: Any) -> Any:
        """Give the one object like an example, or None."""
        return _unique(self.findAllByExample(call, example, None), "findByExample")

    def findAllByExample(self, call: Call, example: Any, filter: Any) -> list[Any]:
        """Give the objects with the plain properties of an example, those that are null left out."""
        model = resolve(type(example).__name__)
        plain = [
            field for field in model.fields.values() if field.kind == "scalar" and field.type != "strings"
        ]
        read = {field.name: read_value(example, field) for field in plain}
        values = {name: value for name, value in read.items() if value is not None}
        where = " and ".join(["1 = 1", *(f"o.{name} = :{name}" for name in values)])
        return self._find(call, f"select o from {model.name} o where {where}", values, filter)

    def _find(self, call: Call, text: str, values: dict[str, Any], filter: Any = None) -> list[Any]:
        reader = Reader(call)
        return reader.load(reader.answer(text, Parameters(values, *parameters.page(filter))))

    # -- HQL --------------------

    def findByQuery(self, call: Call, query: str, params: Any) -> Any:
        """Give the one object of a query, or None.

        Raises
        ------
        omero.ApiUsageException
            There are several.
        """
        return _unique(self.findAllByQuery(call, query, params), query)

    def findAllByQuery(self, call: Call, query: str, params: Any) -> list[Any]:
        """Give the objects of a query."""
        reader = Reader(call)
        return reader.load(reader.answer(query, parameters.read(params)))

    def projection(self, call: Call, query: str, params: Any) -> list[list[Any]]:
        """Give the rows of a query as lists of RTypes."""
        return Reader(call).projection(query, parameters.read(params))


def _property(name: str) -> str:
    if not _PROPERTY.fullmatch(name):
        raise omero.ApiUsageException(None, None, f"could not resolve property: {name}")
    return name


def _unique(found: list[Any], query: str) -> Any:
    """Give the only object; the same one several times is one, as in Hibernate."""
    different = {id(each): each for each in found}
    if len(different) > 1:
        message = f"Query named:\n\n\t{query}\n\nhas returned more than one Object"
        raise omero.ApiUsageException(None, None, message)
    return next(iter(different.values()), None)


def _no_row(model: Type, id: int) -> Exception:
    message = f"No row with the given identifier exists: [{model.java_name}#{id}]"
    return omero.ValidationException(None, None, message)
