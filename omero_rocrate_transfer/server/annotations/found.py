"""Compares annotations that are on the target with those that belong there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from omero_rocrate_transfer.server.annotations.existing import Existing
from omero_rocrate_transfer.server.annotations.objects import SourceAnnotation
from omero_rocrate_transfer.server.target_ids import TargetIds


class Found:
    """Annotations on the target that are those of the source, and those that are not.

    Parameters
    ----------
    ids
        Gets the annotations that are found.
    known
        Annotations of the source, by LSID.
    links
        LSIDs of objects and of the annotations on them.
    """

    def __init__(
        self, ids: TargetIds, known: Mapping[str, SourceAnnotation], links: Iterable[tuple[str, str]]
    ) -> None:
        self._ids = ids
        self._known = known
        self._on: dict[str, list[str]] = {}
        for parent, child in links:
            self._on.setdefault(parent, []).append(child)
        #: Links that exist.
        self.pairs: set[tuple[str, str]] = set()
        self._wanted: set[int] = set()
        self._others: set[int] = set()

    def take(self, parent: str, there: Existing, *, imported: bool) -> None:
        """Take a link that is on the target, from the object with this LSID on the source.

        Parameters
        ----------
        imported
            Whether only the import can have made it.
        """
        number = there.annotation.id
        for child in self._on.get(parent, ()):
            if (parent, child) in self.pairs or self._known[child].content != there.content:
                continue
            self._ids.add({child: there.annotation})
            # It may have become another one before: tags are shared.
            if self._ids.get(child) == there.annotation:
                self.pairs.add((parent, child))
                self._wanted.add(number)
                return
        # The file of a FileAnnotation is none of its content.
        if imported and there.annotation.type != "FileAnnotation":
            self._others.add(number)

    @property
    def unwanted(self) -> set[int]:
        """Ids of annotations that belong to no object they are on."""
        return self._others - self._wanted
