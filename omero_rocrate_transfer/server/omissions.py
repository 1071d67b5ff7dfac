"""What hangs on the objects that travel and does not travel with them, counted by few queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.server.marks import ENTITY
from omero_rocrate_transfer.server.queries import Reader

_EXTERNAL: Final = "external identifiers are not carried yet"
_REFERENCE: Final = "what it refers to does not travel with it"

_COUNT: Final = "select count(x.id) from {type} x where {where}"


@dataclass(frozen=True, slots=True)
class _Kind:
    #: Class whose objects are counted.
    type: str
    #: Class of the objects they hang on, whose ids the query takes.
    on: str
    #: Which of them, called ``x``, in HQL.
    where: str
    reason: str
    #: Whether most servers have none at all: then one question for the whole server comes first.
    rare: bool = False
    #: What is lost, where it is not the counted object itself.
    lost: str = ""

    @property
    def hql(self) -> str:
        return _COUNT.format(type=self.type, where=self.where)


_IDENTIFIED: Final = f"x.details.externalInfo.entityType <> '{ENTITY}'"
_KINDS: Final = (
    *(
        _Kind(name, name, f"x.id in (:ids) and {_IDENTIFIED}", _EXTERNAL, lost="ExternalInfo")
        for name in ("Project", "Dataset", "Screen", "Plate", "Image")
    ),
    *(
        _Kind(name, "Image", where, _REFERENCE, rare=True, lost=lost)
        for name, where, lost in (
            ("Roi", "x.image.id in (:ids) and x.source is not null", "Roi.source"),
            ("Mask", "x.roi.image.id in (:ids) and x.pixels is not null", "Mask.pixels"),
            ("Pixels", "x.image.id in (:ids) and x.relatedTo is not null", "Pixels.relatedTo"),
        )
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
    rare = [kind.type for kind in _KINDS if kind.rare]
    absent = {name for name, count in zip(rare, reader.counts(rare), strict=True) if not count}
    for kind in _KINDS:
        ids = () if kind.type in absent else travelling.get(kind.on, ())
        count = reader.count(kind.hql, ids, doing=f"Counting {kind.type}s")
        if count:
            counts[kind.lost or kind.type, kind.reason] += count
    for (type_name, reason), count in counts.items():
        yield Omission(type=type_name, count=count, reason=reason)
