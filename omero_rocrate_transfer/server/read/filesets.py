"""Filesets, their original files and all of their images: the rows behind the transfer units."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from omero.constants.permissions import BINARYACCESS

from omero_rocrate_transfer.model.contents import ImageRecord, OriginalFile
from omero_rocrate_transfer.model.digests import Digest
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.times import iso_utc
from omero_rocrate_transfer.server.session.queries import Reader, Row

log = logging.getLogger(__name__)

_IMAGES: Final = (
    "select i.fileset.id, i.id, i.name, i.series, i.description, i.details.owner.id, i.details.group.id,"
    " i.details.creationEvent.time, p.id from Image i left outer join i.pixels p where i.fileset.id in (:ids)"
    " order by i.fileset.id, i.series, i.id, p.id"
)
# The place in the list is selected, not ordered by: paging needs an order over columns.
_FILES: Final = (
    "select f.id, index(u), u.id, f.templatePrefix, o.id, o.path, o.name, o.size, h.value, o.hash, o.mimetype"
    " from Fileset f join f.usedFiles u join u.originalFile o left outer join o.hasher h"
    " where f.id in (:ids) order by f.id, u.id"
)
_PLATES: Final = (
    "select i.fileset.id, w.plate.id, ws.id from WellSample ws join ws.image i join ws.well w"
    " where i.fileset.id in (:ids) order by i.fileset.id, w.plate.id, ws.id"
)
_PERMISSIONS: Final = "select o from OriginalFile o where o.id in (:ids)"


#: Of a file whose upload never ended.
UNKNOWN_SIZE: Final = -1


@dataclass(slots=True)
class FilesetRows:
    """One fileset as it stands in the database."""

    #: In series order.
    images: list[ImageRecord] = field(default_factory=list)
    #: In the order of ``Fileset.usedFiles``.
    files: tuple[OriginalFile, ...] = ()
    #: Plates whose wells show these images.
    plates: tuple[int, ...] = ()
    #: Why the files cannot be had, one clause; empty where they can.
    withheld: str = ""
    #: Whether one of its images has no pixels: its place in the files could not be described.
    without_pixels: bool = False

    @property
    def complete(self) -> bool:
        """Whether every file was uploaded: without, not even pixels can be read."""
        return all(file.size_bytes != UNKNOWN_SIZE for file in self.files)

    @property
    def distinct(self) -> bool:
        """Whether each image has a series of its own: else the server reads pixels of one for another."""
        places = [image.series for image in self.images]
        return min(places, default=0) >= 0 and len(set(places)) == len(places)

    @property
    def lost(self) -> bool:
        """Whether neither files nor pixels can travel, for the reason in `withheld`."""
        return not self.complete or not self.distinct


def read_filesets(reader: Reader, ids: Iterable[int]) -> dict[int, FilesetRows]:
    """Read filesets, in the order of the ids."""
    found = {one: FilesetRows() for one in ids}
    for fileset, *row, pixels in reader.rows(_IMAGES, found, doing="Reading images"):
        images = found[fileset].images
        if images and images[-1].ref.id == row[0]:
            # of several Pixels only the first counts
            continue
        images.append(_image(tuple(row), len(images)))
        if pixels is None:
            found[fileset].without_pixels = True
            found[fileset].withheld = "one of its images has no pixels"
    for fileset, files in read_files(reader, found).items():
        found[fileset].files = files
        if not files:
            found[fileset].withheld = "no original files"
        if not found[fileset].complete:
            found[fileset].withheld = "the upload of its original files never ended"
        elif not found[fileset].distinct:
            found[fileset].withheld = "the series of its images are not the numbers of images in a file"
    _add_plates(reader, found)
    _add_policy(reader, found)
    return found


def _image(row: Row, position: int) -> ImageRecord:
    one, name, series, description, owner, group, created = row
    return ImageRecord(
        ref=ObjectRef("Image", one),
        name=name,
        series=position if series is None else series,
        description=description,
        owner=owner,
        group=group,
        created=iso_utc(created),
    )


def read_files(reader: Reader, ids: Iterable[int]) -> dict[int, tuple[OriginalFile, ...]]:
    """Read the original files of filesets, each in the order of ``Fileset.usedFiles``."""
    rows: dict[int, list[tuple[int, OriginalFile]]] = {one: [] for one in ids}
    for fileset, place, _, prefix, *row in reader.rows(_FILES, rows, doing="Reading original files"):
        rows[fileset].append((place, _file(prefix, tuple(row))))
    return {
        fileset: tuple(file for _, file in sorted(files, key=lambda pair: pair[0]))
        for fileset, files in rows.items()
    }


def _file(prefix: str, row: Row) -> OriginalFile:
    one, folder, name, size, algorithm, digest, media_type = row
    path = f"{folder}{name}"
    return OriginalFile(
        key=str(one),
        path=path.removeprefix(prefix.rstrip("/") + "/").lstrip("/"),
        size_bytes=UNKNOWN_SIZE if size is None else size,
        digests=(Digest(algorithm, digest.lower()),) if algorithm and digest else (),
        media_type=media_type,
    )


def _add_plates(reader: Reader, found: Mapping[int, FilesetRows]) -> None:
    plates: dict[int, dict[int, None]] = {}
    for fileset, plate, _ in reader.rows(_PLATES, found, doing="Reading the plates of images"):
        plates.setdefault(fileset, {})[plate] = None
    for fileset, ids in plates.items():
        found[fileset].plates = tuple(ids)


def _add_policy(reader: Reader, found: Mapping[int, FilesetRows]) -> None:
    # Within a fileset the policy differs only for *.txt, which it never keeps back (omero-server
    # BinaryAccessPolicy): one other file speaks for all, so that a fileset of many costs no more.
    speaker = {_speaker(rows.files): rows for rows in found.values() if rows.files}
    for file in reader.objects(_PERMISSIONS, speaker, doing="Reading permissions of original files"):
        if file.details.permissions.isRestricted(BINARYACCESS):
            speaker[file.id.val].withheld = "the server's download policy keeps the original files back"


def _speaker(files: tuple[OriginalFile, ...]) -> int:
    return int(next((file for file in files if not file.name.endswith(".txt")), files[0]).key)
