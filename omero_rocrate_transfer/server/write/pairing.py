"""Which new image is which: by series, and only if the pixels have the same shape and type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ome_types import OME
from ome_types.model import Pixels
from omero.sys import ParametersI

from omero_rocrate_transfer.model.contents import ImageRecord, TransferUnit
from omero_rocrate_transfer.model.errors import IntegrityError
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors

_IMAGES: Final = (
    "select i.id, i.name, i.description, p.sizeX, p.sizeY, p.sizeZ, p.sizeC, p.sizeT, t.value, i.series"
    " from Image i join i.pixels p join p.pixelsType t where i.fileset.id = :id order by i.series, i.id"
)
_PLATES: Final = (
    "select ws.image.id, p.id, p.name, p.description from WellSample ws join ws.well w join w.plate p"
    " join ws.image i where i.fileset.id = :id order by p.id, ws.id"
)
Shape = tuple[int, int, int, int, int, str]


@dataclass(frozen=True, slots=True)
class NewObject:
    """An Image or Plate that an import made, as it was named by the server."""

    id: int
    name: str
    description: str | None


@dataclass(frozen=True, slots=True)
class Pair:
    """An image of the source and the image it became."""

    source: ImageRecord
    target: NewObject


def pair_images(connection: Connection, unit: TransferUnit, document: OME, fileset: int) -> list[Pair]:
    """Pair the images of a unit with those that its import made.

    Raises
    ------
    IntegrityError
        The server made other images of the same files, as another version of Bio-Formats may.
    """
    rows = _rows(connection, _IMAGES, fileset)
    if not unit.is_described:
        return _take_all(unit.images[0], rows)
    if len(rows) != len(unit.images):
        raise IntegrityError(
            f"{unit.ref}: the target made {len(rows)} image(s) of it, the source has {len(unit.images)}.",
            hint="The versions of Bio-Formats on both servers may differ.",
        )
    expected = _shapes(document)
    pairs = []
    for record, row in zip(_in_series_order(unit.images), rows, strict=True):
        one, name, description, *shape, _ = row
        _check_shape(record, expected.get(record.ref), tuple(shape))
        pairs.append(Pair(record, NewObject(one, name, description)))
    return pairs


def _take_all(record: ImageRecord, rows: Sequence[Sequence[Any]]) -> list[Pair]:
    """Take whatever the import made; the name that is known is the file's, and fits a single image only."""
    made = [NewObject(one, name, description) for one, name, description, *_ in rows]
    if len(made) == 1:
        return [Pair(record, made[0])]
    return [Pair(replace(record, name=new.name, description=new.description), new) for new in made]


def pair_plates(
    connection: Connection, members: dict[ObjectRef, set[ObjectRef]], pairs: Sequence[Pair], fileset: int
) -> dict[ObjectRef, NewObject]:
    """Find the new plate of each source plate: the one that shows the same images.

    Parameters
    ----------
    members
        The images of each source plate.

    Raises
    ------
    IntegrityError
        The server made no plate of it.
    """
    if not members:
        return {}
    plate_of = {
        image: NewObject(plate, name, description)
        for image, plate, name, description in _rows(connection, _PLATES, fileset)
    }
    found: dict[ObjectRef, NewObject] = {}
    for plate, images in members.items():
        new = {
            plate_of[pair.target.id]
            for pair in pairs
            if pair.source.ref in images and pair.target.id in plate_of
        }
        if len(new) != 1:
            raise IntegrityError(
                f"{plate}: the target made {len(new)} plate(s) of it.",
                hint="The versions of Bio-Formats on both servers may differ.",
            )
        found[plate] = new.pop()
    return found


def _rows(connection: Connection, hql: str, fileset: int) -> list[list[Any]]:
    with server_errors(f"Reading what was made of Fileset:{fileset}"):
        rows = connection.query.projection(hql, ParametersI().addId(fileset), connection.context())
    return [[None if value is None else value.val for value in row] for row in rows]


def _in_series_order(images: Sequence[ImageRecord]) -> list[ImageRecord]:
    return sorted(images, key=lambda image: image.series)


def _shapes(document: OME) -> dict[ObjectRef, Shape]:
    shapes = {}
    for image in document.images:
        lsid = parse_lsid(image.id)
        if lsid is not None:
            shapes[lsid[1]] = _shape(image.pixels)
    return shapes


def _shape(pixels: Pixels) -> Shape:
    return (pixels.size_x, pixels.size_y, pixels.size_z, pixels.size_c, pixels.size_t, pixels.type.value)


def _check_shape(record: ImageRecord, expected: Shape | None, found: tuple[Any, ...]) -> None:
    if expected is None:
        raise IntegrityError(
            f"{record.ref} ({record.name}): its metadata are missing from the source's OME document."
        )
    if expected != found:
        raise IntegrityError(
            f"{record.ref} ({record.name}): X, Y, Z, C, T and pixel type are {_told(found)} on the target,"
            f" {_told(expected)} on the source.",
            hint="The versions of Bio-Formats on both servers may differ.",
        )


def _told(shape: tuple[Any, ...]) -> str:
    return " ".join(str(part) for part in shape)
