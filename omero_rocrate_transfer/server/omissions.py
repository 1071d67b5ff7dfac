"""What hangs on the objects that travel and does not travel with them, counted by few queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.server.queries import Reader

_ROIS: Final = "regions of interest are not carried yet"
_RENDERING: Final = "rendering settings that somebody changed are not carried yet"
_FOLDERS: Final = "folders are not carried yet"
_REAGENTS: Final = "reagents are not carried yet"
_EXTERNAL: Final = "external identifiers are not carried yet"


_COUNT: Final = "select count(x.id) from {type} x where {path} in (:ids)"


@dataclass(frozen=True, slots=True)
class _Kind:
    #: Class whose objects are counted.
    type: str
    #: Class of the objects they hang on, whose ids the query takes.
    on: str
    #: Path from the counted object, called ``x``, to the id.
    path: str
    reason: str
    #: More conditions, in HQL.
    where: str = ""

    @property
    def hql(self) -> str:
        return _COUNT.format(type=self.type, path=self.path) + self.where


#: The import gives every image rendering settings of its owner, as the target's import will: they only count
#: as lost where somebody changed them or made others.
_EDITED: Final = (
    " and (x.details.updateEvent.id <> x.details.creationEvent.id"
    " or x.details.owner.id <> x.pixels.image.details.owner.id)"
)
_KINDS: Final = (
    _Kind("Roi", "Image", "x.image.id", _ROIS),
    _Kind("RenderingDef", "Image", "x.pixels.image.id", _RENDERING, _EDITED),
    _Kind("FolderImageLink", "Image", "x.child.id", _FOLDERS),
    _Kind("Reagent", "Screen", "x.screen.id", _REAGENTS),
    *(
        _Kind(name, name, "x.id", _EXTERNAL, " and x.details.externalInfo is not null")
        for name in ("Project", "Dataset", "Screen", "Plate", "Image")
    ),
)


def iter_omissions(reader: Reader, travelling: Mapping[str, Sequence[int]]) -> Iterator[Omission]:
    """Count what stays behind.

    Parameters
    ----------
    travelling
        Ids of the objects that travel, by type.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for kind in _KINDS:
        ids = travelling.get(kind.on, ())
        count = reader.count(kind.hql, ids, doing=f"Counting {kind.type}s")
        if count:
            counts[kind.type, kind.reason] += count
    for (type_name, reason), count in counts.items():
        yield Omission(type=type_name, count=count, reason=reason)
