"""``omero.sys.Parameters`` of a query as Python values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import omero
import omero.clients

from omero_sandbox.hql.kinds import Time


@dataclass(frozen=True)
class Parameters:
    """Parameters of a query; absent parameters are an empty one.

    Attributes
    ----------
    values : dict
        By name; an object by its id, a time in milliseconds, None for a null.
    offset : int
    limit : int or None
    """

    values: dict[str, Any] = field(default_factory=dict)
    offset: int = 0
    limit: int | None = None


def read(params: Any) -> Parameters:
    """Read the parameters a client sent, None included.

    Raises
    ------
    omero.ApiUsageException
        A value is no RType that a query can take.
    """
    if params is None:
        return Parameters()
    values = {name: _value(name, value) for name, value in (params.map or {}).items()}
    offset, limit = page(params.theFilter)
    return Parameters(values, offset, limit)


def page(filter: Any) -> tuple[int, int | None]:
    """Offset and limit of an ``omero.sys.Filter`` or None."""
    if filter is None:
        return 0, None
    return (filter.offset.val if filter.offset else 0), (filter.limit.val if filter.limit else None)


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, omero.RObject):
        return None if value.val is None or value.val.id is None else value.val.id.val
    if isinstance(value, omero.RCollection):
        return [_value(name, each) for each in value.val or []]
    if isinstance(value, omero.RMap | omero.RInternal) or not isinstance(value, omero.RType):
        raise omero.ApiUsageException(
            None, None, f"Query parameter {name} must be a value, not {type(value).__name__}"
        )
    return Time(value.val) if isinstance(value, omero.RTime) and value.val is not None else value.val
