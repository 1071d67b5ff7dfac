"""What the channels, wells, runs and files of imported images became: they are known by their places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ome_types import OME

from omero_rocrate_transfer.model.contents import TransferUnit
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.extras import AnnotationExtras
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid
from omero_rocrate_transfer.server.read.annotations.annotations import iter_links
from omero_rocrate_transfer.server.session.queries import Reader
from omero_rocrate_transfer.server.write.target_ids import TargetIds

_CHANNELS: Final = (
    "select p.image.id, index(c), c.id from Pixels p join p.channels c where p.image.id in (:ids)"
    " order by c.id"
)
_LIGHT_PATHS: Final = (
    "select p.image.id, index(c), g.lightPath.id, c.id from Pixels p join p.channels c"
    " join c.logicalChannel g where p.image.id in (:ids) and g.lightPath is not null order by c.id"
)
_WELLS: Final = (
    "select w.plate.id, w.row, w.column, w.id from Well w where w.plate.id in (:ids) order by w.id"
)
_RUNS: Final = "select a.plate.id, a.id from PlateAcquisition a where a.plate.id in (:ids) order by a.id"
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
    if "Channel" in types:
        ids.add(_channels(reader, document.ome, ids))
    if "LightPath" in types:
        ids.add(_light_paths(reader, document, ids))
    # Tables may hold ids of wells, and come when it is too late to ask.
    if document.ome.plates:
        ids.add(_wells(reader, document.ome, ids))
    if "PlateAcquisition" in types:
        ids.add(_runs(reader, document.ome, ids))
    if "OriginalFile" in types:
        ids.add(_files(reader, unit, host, document.extras.annotations, ids))


def _channels(reader: Reader, document: OME, ids: TargetIds) -> dict[str, ObjectRef]:
    images = _targets(((image.id, image) for image in document.images), ids)
    rows = reader.rows(_CHANNELS, images, doing="Reading channels")
    return {
        images[image].pixels.channels[place].id: ObjectRef("Channel", channel)
        for image, place, channel in rows
        if place < len(images[image].pixels.channels)
    }


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


def _wells(reader: Reader, document: OME, ids: TargetIds) -> dict[str, ObjectRef]:
    plates = _targets(((plate.id, plate) for plate in document.plates), ids)
    lsids = {
        (number, well.row, well.column): well.id for number, plate in plates.items() for well in plate.wells
    }
    rows = reader.rows(_WELLS, plates, doing="Reading wells")
    places = {(plate, row, column): well for plate, row, column, well in rows}
    return {lsid: ObjectRef("Well", places[place]) for place, lsid in lsids.items() if place in places}


def _runs(reader: Reader, document: OME, ids: TargetIds) -> dict[str, ObjectRef]:
    plates = _targets(((plate.id, plate) for plate in document.plates), ids)
    runs: dict[int, list[int]] = {}
    for plate, run in reader.rows(_RUNS, plates, doing="Reading runs of plates"):
        runs.setdefault(plate, []).append(run)
    return {
        old.id: ObjectRef("PlateAcquisition", new)
        for number, plate in plates.items()
        for old, new in zip(plate.plate_acquisitions, runs.get(number, ()), strict=False)
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
