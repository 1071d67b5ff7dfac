"""What hangs on the objects that travel and does not travel with them, counted by few queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.server.marks import ENTITY
from omero_rocrate_transfer.server.queries import Reader

_EXTERNAL: Final = "external identifiers are not carried yet"
_IDENTIFIED: Final = (
    "select count(x.id) from {type} x where x.id in (:ids) and x.details.externalInfo.entityType <> '{mark}'"
)
#: Images rarely have more than one; the second question is for those that travel.
_ANY_FURTHER: Final = "Image i{x} join i{x}.pixels {x} where index({x}) > 0"
_FURTHER: Final = "select count(p.id) from Image i join i.pixels p where i.id in (:ids) and index(p) > 0"
_SECOND: Final = "OMERO shows only the first Pixels of an image; the others do not travel"


def iter_omissions(reader: Reader, travelling: Mapping[str, Sequence[int]]) -> Iterator[Omission]:
    """Count what stays behind.

    Parameters
    ----------
    travelling
        Ids of the objects that travel, by type.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for name in ("Project", "Dataset", "Screen", "Plate", "Image"):
        counts["ExternalInfo", _EXTERNAL] += reader.count(
            _IDENTIFIED.format(type=name, mark=ENTITY), travelling.get(name, ()), doing=f"Counting {name}s"
        )
    images = travelling.get("Image", ())
    if images and reader.counts([_ANY_FURTHER])[0]:
        counts["Pixels", _SECOND] += reader.count(_FURTHER, images, doing="Counting Pixels")
    for (type_name, reason), count in counts.items():
        if count:
            yield Omission(type=type_name, count=count, reason=reason)
