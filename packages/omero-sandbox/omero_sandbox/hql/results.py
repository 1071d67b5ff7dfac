"""Values of a query as RTypes, as omero-blitz's IceMapper.toRType makes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import omero
import omero.clients
from omero.rtypes import rbool, rclass, rdouble, rfloat, rint, rlist, rlong, rmap, robject, rstring, rtime

from omero_sandbox.db.marshal import Marshaller
from omero_sandbox.db.store import Quantity, Row
from omero_sandbox.hql.kinds import Kind
from omero_sandbox.hql.statement import Answer

_SCALARS: dict[str, Callable[[Any], Any]] = {
    "string": rstring,
    "unit": rstring,
    "class": rclass,
    "int": rint,
    "long": rlong,
    "float": rfloat,
    "double": rdouble,
    "boolean": rbool,
    "timestamp": rtime,
}
_RIGHTS = ("canLink", "canEdit", "canDelete", "canAnnotate", "canChgrp", "canChown")


def projection(answer: Answer, marshaller: Marshaller) -> list[list[Any]]:
    """Rows of ``IQuery.projection``; a row of one null arrives without any column (QueryImpl.projection)."""
    return [_row(answer, row, marshaller) for row in answer.rows]


def _row(answer: Answer, row: tuple[Any, ...], marshaller: Marshaller) -> list[Any]:
    if answer.shape == "map":
        columns = zip(answer.names, row, answer.kinds, strict=True)
        return [rmap({name: _named(name, value, kind, marshaller) for name, value, kind in columns})]
    values = [_rtype(value, kind, marshaller) for value, kind in zip(row, answer.kinds, strict=True)]
    if answer.shape == "list":
        return [rlist(values)]
    return [] if values == [None] else values


def _named(name: str, value: Any, kind: Kind, marshaller: Marshaller) -> Any:
    """Value of a ``new map``; keys of a certain ending stand for the permissions of the object."""
    if name.endswith("_details_permissions") and isinstance(value, Row):
        return _permissions(value, marshaller)
    return _rtype(value, kind, marshaller)


def _rtype(value: Any, kind: Kind, marshaller: Marshaller) -> Any:
    if value is None:
        return None
    if kind.category == "permissions":
        return _permissions(value, marshaller)
    if isinstance(value, Row):
        return robject(marshaller.entity(value))
    if isinstance(value, Quantity):
        return _quantity(kind.name, value)
    convert = _SCALARS.get(kind.name) if kind.category == "scalar" else _guess(value)
    if convert is None:
        raise omero.ApiUsageException(
            None, None, f"Unsupported conversion to rtype from {kind.name or kind.category}"
        )
    return convert(value)


def _guess(value: Any) -> Callable[[Any], Any] | None:
    """Conversion of a parameter or null, whose kind is unknown."""
    return {bool: rbool, int: rlong, float: rdouble, str: rstring}.get(type(value))


def _quantity(type_name: str, quantity: Quantity) -> Any:
    symbol = getattr(omero.model, f"{type_name}I").SYMBOLS[quantity.unit]
    return rmap({"value": rdouble(quantity.value), "unit": rstring(quantity.unit), "symbol": rstring(symbol)})


def _permissions(row: Row, marshaller: Marshaller) -> Any:
    permissions = marshaller.permissions(row)
    rights = zip(_RIGHTS, permissions._restrictions or [False] * len(_RIGHTS), strict=True)  # noqa: SLF001 -- a data member
    return rmap({"perm": rstring(str(permissions))} | {right: rbool(not denied) for right, denied in rights})
