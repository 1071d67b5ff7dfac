"""What the light paths and files of imported images became: they are known by their places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from omero_rocrate_transfer.model.contents import TransferUnit
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.extras import AnnotationExtras
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid
from omero_rocrate_transfer.server.read.annotations.annotations import iter_links
from omero_rocrate_transfer.server.session.queries import Reader
from omero_rocrate_transfer.server.write.target_ids import TargetIds

_LIGHT_PATHS: Final = (
    "select p.image.id, index(c), g.lightPath.id, c.id from Pixels p join p.channels c"
    " join c.logicalChannel g where p.image.id in (:ids) and g.lightPath is not null order by c.id"
)
_FILES: Final = (
    "select e.fileset.id, index(e), e.originalFile.id, e.id from Fileset f join f.usedFiles e"
    " where f.id in (:ids) order by e.id"
)


def add_parts(
    reader: Reader,
    unit: TransferUnit,
    document: Document,
    host: str,
    ids: TargetIds,
    more: Iterable[str] = (),
) -> None:
    """Note what became of those parts of a unit that are annotated; the others are known already.

    Only for the types of annotated parts anything is asked of the server.

    Parameters
    ----------
    more
        LSIDs of parts that must be known although they are not annotated.
    """
    wanted = {
        *more,
        *(parent for parent, _ in iter_links(document.ome, document.extras.annotations.places)),
        *(link.parent for link in document.extras.annotations.links),
    }
    found = (parse_lsid(lsid) for lsid in wanted if ids.get(lsid) is None)
    types = {one[1].type for one in found if one is not None}
    if "LightPath" in types:
        ids.add(_light_paths(reader, document, ids))
    if "OriginalFile" in types:
        ids.add(_files(reader, unit, host, document.extras.annotations, ids))


def _light_paths(reader: Reader, document: Document, ids: TargetIds) -> dict[str, ObjectRef]:
    images = _targets(((image.id, image) for image in document.ome.images), ids)
    rows = reader.rows(_LIGHT_PATHS, images, doing="Reading light paths")
    path_of = {
        images[image].pixels.channels[place].id: path
        for image, place, path, _ in rows
        if place < len(images[image].pixels.channels)
    }
    return {
        lsid: ObjectRef("LightPath", path_of[place.of])
        for lsid, place in document.extras.annotations.places.items()
        if place.of in path_of
    }


def _files(
    reader: Reader, unit: TransferUnit, host: str, extras: AnnotationExtras, ids: TargetIds
) -> dict[str, ObjectRef]:
    fileset = ids.get(unit.ref.lsid(host))
    if fileset is None or unit.ref.type != "Fileset":
        return {}
    rows = reader.rows(_FILES, [fileset.id], doing="Reading original files")
    by_place = {place: file for _, place, file, _ in rows}
    return {
        lsid: ObjectRef("OriginalFile", by_place[place])
        for lsid, place in extras.files.items()
        if place in by_place
    }


def _targets(elements: Iterable[tuple[str, Any]], ids: TargetIds) -> Mapping[int, Any]:
    return {ref.id: element for lsid, element in elements if (ref := ids.get(lsid)) is not None}
