"""``omero.sys.Parameters`` as the container and metadata services read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import omero
import omero.clients

from omero_sandbox.hql import parameters
from omero_sandbox.hql.kinds import Time


@dataclass(frozen=True)
class Options:
    """Options of a hierarchy query.

    Attributes
    ----------
    owner, group : int or None
        Only roots of this owner, or of this group; the group wins (omero-server Query.ownerOrGroupFilters).
    leaves : bool
        Load the images too.
    orphans : bool
        Also the second level's objects that are in no container.
    acquisition : bool
        Load the images' acquisition metadata.
    start, end : int or None
        Creation time, milliseconds since 1970.
    offset : int
    limit : int or None
    """

    owner: int | None = None
    group: int | None = None
    leaves: bool = False
    orphans: bool = False
    acquisition: bool = False
    start: int | None = None
    end: int | None = None
    offset: int = 0
    limit: int | None = None

    @classmethod
    def read(cls, params: Any) -> Self:
        """Read what a client sent, None included."""
        if params is None:
            return cls()
        chosen, options = params.theFilter, params.theOptions
        offset, limit = parameters.page(chosen)
        return cls(
            owner=_value(chosen, "ownerId"),
            group=_value(chosen, "groupId"),
            leaves=bool(_value(options, "leaves")),
            orphans=bool(_value(options, "orphan")),
            acquisition=bool(_value(options, "acquisitionData")),
            start=_value(chosen, "startTime"),
            end=_value(chosen, "endTime"),
            offset=offset,
            limit=limit,
        )

    def where(self, alias: str) -> tuple[list[str], dict[str, int]]:
        """Conditions and parameters that restrict the roots."""
        if self.group is not None:
            return [f"{alias}.details.group.id = :group"], {"group": self.group}
        if self.owner is not None:
            return [f"{alias}.details.owner.id = :owner"], {"owner": self.owner}
        return [], {}


def _value(holder: Any, name: str) -> Any:
    value = getattr(holder, name, None)
    if value is None or value.val is None:
        return None
    return Time(value.val) if isinstance(value, omero.RTime) else value.val
