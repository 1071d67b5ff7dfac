"""References between objects that a document cannot hold: which travel, and which do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from omero_rocrate_transfer.model.contents import Contents, Omission
from omero_rocrate_transfer.server.session.queries import Reader, Row

#: Most servers have none of them: so the first question is for the whole server.
_ANY: Final = (
    "Roi {x} where {x}.source is not null",
    "Mask {x} where {x}.pixels is not null",
    "Pixels {x} where {x}.relatedTo is not null",
)
_SOURCES: Final = (
    "select r.image.id, r.id, r.source.id from Roi r where r.image.id in (:ids)"
    " and r.source is not null order by r.id"
)
_MASKS: Final = (
    "select m.roi.image.id, m.id, m.pixels.id from Mask m where m.roi.image.id in (:ids)"
    " and m.pixels is not null order by m.id"
)
_RELATED: Final = (
    "select i.id, p.id, p.relatedTo.id from Image i join i.pixels p where i.id in (:ids)"
    " and p.relatedTo is not null and index(p) = 0 order by p.id"
)
_FIRST: Final = (
    "select p.id, i.id from Image i join i.pixels p where p.id in (:ids) and index(p) = 0 order by p.id"
)
_DOING: Final = "Reading what refers to other objects"
_REASON: Final = "what it refers to does not travel with it"


@dataclass(slots=True)
class References:
    """What refers to what."""

    #: Ids of ROIs, by the id of the original or attached file that they were made from.
    sources: dict[int, list[int]] = field(default_factory=dict)
    omissions: list[Omission] = field(default_factory=list)


def read_references(reader: Reader, contents: Contents) -> References:
    """Read what images, ROIs and masks refer to beyond themselves.

    A reference to pixels travels where both are in one unit, one to the file that a ROI was made from where
    that is in the unit of its image or attached to something.
    """
    found = References()
    images = [image.ref.id for image in contents.iter_images()]
    there = dict(zip(_ANY, reader.counts(_ANY) if images else (0, 0, 0), strict=True))
    unit_of = {image.ref.id: n for n, unit in enumerate(contents.units) for image in unit.images}
    lost: Counter[str] = Counter()
    if there[_ANY[0]]:
        rows = reader.rows(_SOURCES, images, doing=_DOING)
        lost["Roi.source"] = _sort_sources(rows, contents, unit_of, found.sources)
    for name, hql, any_there in (("Mask.pixels", _MASKS, _ANY[1]), ("Pixels.relatedTo", _RELATED, _ANY[2])):
        if there[any_there]:
            lost[name] = _count_lost(reader, reader.rows(hql, images, doing=_DOING), unit_of)
    found.omissions = [*_omissions(lost)]
    return found


def _sort_sources(
    rows: Iterable[Row], contents: Contents, unit_of: dict[int, int], sources: dict[int, list[int]]
) -> int:
    """Sort ROIs by their files; return the number of those whose files do not travel."""
    holders: dict[int, set[int]] = {}
    attached = {n for n, unit in enumerate(contents.units) if not unit.images}
    for number, unit in enumerate(contents.units):
        for file in unit.files:
            holders.setdefault(int(file.key), set()).add(number)
    lost = 0
    for image, roi, file in rows:
        if holders.get(file, set()) & {unit_of[image], *attached}:
            sources.setdefault(file, []).append(roi)
        else:
            lost += 1
    return lost


def _count_lost(reader: Reader, rows: Iterable[Row], unit_of: dict[int, int]) -> int:
    """Return how many refer to pixels that are not of their own unit, or not the first of an image."""
    pairs = [(image, pixels) for image, _, pixels in rows]
    image_of: dict[int, int] = dict(reader.rows(_FIRST, [pixels for _, pixels in pairs], doing=_DOING))
    units = ((unit_of[image], unit_of.get(image_of.get(pixels, -1))) for image, pixels in pairs)
    return sum(one != other for one, other in units)


def _omissions(lost: Counter[str]) -> Iterator[Omission]:
    for name, count in lost.items():
        if count:
            yield Omission(type=name, count=count, reason=_REASON)
