"""Objects that a document has no element for, by what they belong to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from omero_rocrate_transfer.model.extras import ExtraObject, Extras
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.conversions import parse_ref
from omero_rocrate_transfer.server.mapping.elements import from_json
from omero_rocrate_transfer.server.mapping.fields import Spec, Values


class Outside:
    """The objects of some extras."""

    def __init__(self, extras: Extras) -> None:
        self._by_parent: dict[str, list[ExtraObject]] = defaultdict(list)
        for one in extras.objects:
            self._by_parent[one.parent].append(one)

    def of(self, parent: str, spec: Spec) -> Iterator[tuple[ObjectRef, Values]]:
        """Yield the objects of one class that belong to the object with this LSID, in their order.

        Raises
        ------
        UnsafeCrateError
            A value does not fit its field.
        """
        for one in sorted(self._by_parent.get(parent, ()), key=lambda each: each.index):
            ref = parse_ref(one.id)
            if one.type == spec.type and ref is not None:
                yield ref, from_json(one.fields, spec)
