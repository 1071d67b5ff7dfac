"""What hangs on the objects that travel and does not travel with them, counted by few queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.server.session.queries import Reader

#: Images rarely have more than one: so the first question is for the whole server.
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
    images = travelling.get("Image", ())
    if images and reader.counts([_ANY_FURTHER])[0]:
        count = reader.count(_FURTHER, images, doing="Counting Pixels")
        if count:
            yield Omission(type="Pixels", count=count, reason=_SECOND)
