"""Compares annotations that are on the target with those that belong there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from omero_rocrate_transfer.server.mapping.annotation_objects import SourceAnnotation
from omero_rocrate_transfer.server.write.annotations.existing import Existing
from omero_rocrate_transfer.server.write.target_ids import TargetIds


@dataclass(slots=True)
class ImportedAnnotations:
    """Annotations that are on the objects of a unit by its import, by their ids."""

    #: Those that the source has.
    wanted: set[int] = field(default_factory=set)
    #: Those that are on an object of which the source does not have them.
    others: set[int] = field(default_factory=set)

    def add(self, more: ImportedAnnotations) -> None:
        """Take in what was found for one more document of the unit."""
        self.wanted |= more.wanted
        self.others |= more.others

    @property
    def unwanted(self) -> set[int]:
        """Those that belong to no object they are on."""
        return self.others - self.wanted


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
        #: What is on the right object, and what only an import can have put where it is.
        self.imported = ImportedAnnotations()

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
                self.imported.wanted.add(number)
                return
        # The file of a FileAnnotation is none of its content.
        if imported and there.annotation.type != "FileAnnotation":
            self.imported.others.add(number)
