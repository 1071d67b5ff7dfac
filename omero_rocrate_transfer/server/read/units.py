"""Which images travel as original files and which as pixels, and the transfer units this makes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from omero_rocrate_transfer.model.choices import PixelsPolicy
from omero_rocrate_transfer.model.contents import Omission, TransferUnit
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read.filesets import FilesetRows
from omero_rocrate_transfer.server.read.images import ImageRow, read_images
from omero_rocrate_transfer.server.read.traversal import Walk
from omero_rocrate_transfer.server.session.queries import Reader

_WELL_SAMPLES: Final = (
    "select w.plate.id, w.row, w.column, index(s), s.image.id, s.id from Well w join w.wellSamples s"
    " where w.plate.id in (:ids) order by w.plate.id, w.id, s.id"
)
_ASKED: Final = "pixels were asked for"
_NO_FILES: Final = "no original files"
_SHARED_PLATE: Final = "other images of its plate have no original files"

#: Image to Fileset, both ids; None where the image has none.
FilesetOf = Mapping[int, int | None]


@dataclass(slots=True)
class Choice:
    """What travels how."""

    policy: PixelsPolicy
    #: Filesets whose original files travel.
    files: set[int]
    #: Images without those, by the plate that was asked for and shows them; in no plate under None.
    pixels: dict[int | None, list[int]] = field(default_factory=dict)

    @property
    def plates(self) -> Collection[int]:
        """Plates that travel as pixels."""
        return [plate for plate in self.pixels if plate is not None]


def choose(
    policy: PixelsPolicy, walk: Walk, fileset_of: FilesetOf, filesets: Mapping[int, FilesetRows]
) -> Choice:
    """Decide between files and pixels.

    A plate travels as one: where original files of one of its images are missing, all its images travel as
    pixels, and so does whatever else is in their filesets.
    """
    lost = {fileset for fileset, rows in filesets.items() if rows.lost}
    images = [image for image in walk.ids["Image"] if image in fileset_of and fileset_of[image] not in lost]
    members = {
        plate: [ref.id for ref in walk.members.get(ObjectRef("Plate", plate), ()) if ref.id in set(images)]
        for plate in walk.ids["Plate"]
    }
    withheld = {fileset for fileset, rows in filesets.items() if rows.withheld}
    choice = Choice(policy, set() if policy is PixelsPolicy.ZARR else set(filesets) - withheld)
    plates = _pixel_plates(choice.files, members, fileset_of)
    taken: set[int] = set()
    for plate in plates:
        choice.pixels[plate] = [image for image in members[plate] if image not in taken]
        taken.update(choice.pixels[plate])
    lone = [image for image in images if image not in taken and fileset_of[image] not in choice.files]
    if lone:
        choice.pixels[None] = lone
    return choice


def _pixel_plates(files: set[int], members: Mapping[int, list[int]], fileset_of: FilesetOf) -> list[int]:
    """Return the plates that cannot travel as files; takes their filesets out of ``files``."""
    while True:
        plates = [
            plate
            for plate, images in members.items()
            if any(fileset_of[image] not in files for image in images)
        ]
        mixed = {fileset_of[image] for plate in plates for image in members[plate]} & files
        if not mixed:
            return plates
        files -= mixed


class UnitMaker:
    """Makes the transfer units of a choice.

    Parameters
    ----------
    walk
        What the roots lead to, for the order of the units.
    """

    def __init__(
        self,
        reader: Reader,
        walk: Walk,
        choice: Choice,
        fileset_of: FilesetOf,
        filesets: Mapping[int, FilesetRows],
    ) -> None:
        self._choice = choice
        self._fileset_of = fileset_of
        self._filesets = filesets
        self._place = {image: place for place, image in enumerate(walk.ids["Image"])}
        wanted = [image for images in choice.pixels.values() for image in images]
        if choice.policy is PixelsPolicy.BOTH:
            wanted += [image.ref.id for one in choice.files for image in filesets[one].images]
        self._images = read_images(reader, wanted)
        self._order = _field_order(reader, choice.plates)
        #: Images whose pixels cannot be read, and samples of wells that travel with another plate.
        self.omissions: list[Omission] = []

    def make(self) -> tuple[TransferUnit, ...]:
        """Return the units, in the order in which their first images were met."""
        units = [*self._file_units(), *self._pixel_units()]
        return tuple(sorted(units, key=self._first_place))

    def _first_place(self, unit: TransferUnit) -> int:
        last = len(self._place)
        return min((self._place.get(image.ref.id, last) for image in unit.images), default=last)

    def _file_units(self) -> Iterator[TransferUnit]:
        for fileset, rows in self._filesets.items():
            if fileset not in self._choice.files:
                continue
            found = [row for image in rows.images if (row := self._images.get(image.ref.id)) is not None]
            pixels = bool(found) and all(row.readable for row in found)
            yield TransferUnit(
                ref=ObjectRef("Fileset", fileset),
                images=tuple(rows.images),
                files=rows.files,
                plates=tuple(ObjectRef("Plate", plate) for plate in rows.plates),
                pixels=pixels,
                pixels_size_bytes=sum(row.size_bytes for row in found) if pixels else 0,
            )

    def _pixel_units(self) -> Iterator[TransferUnit]:
        for plate, images in self._choice.pixels.items():
            if plate is None:
                for image in self._readable(images):
                    yield self._unit(image.ref, [image])
                continue
            chosen = set(images)
            ordered = [image for image in self._order[plate] if image in chosen]
            self._tell_shared(plate, self._order[plate])
            ref = ObjectRef("Plate", plate)
            yield self._unit(ref, self._readable(ordered), plates=(ref,))

    def _unit(
        self, ref: ObjectRef, rows: Sequence[ImageRow], plates: tuple[ObjectRef, ...] = ()
    ) -> TransferUnit:
        return TransferUnit(
            ref=ref,
            images=tuple(row.record(series) for series, row in enumerate(rows)),
            plates=plates,
            pixels=True,
            pixels_size_bytes=sum(row.size_bytes for row in rows),
            pixels_reason=self._reason(rows),
        )

    def _readable(self, images: Sequence[int]) -> list[ImageRow]:
        rows = [self._images[image] for image in images if image in self._images]
        for row in rows:
            if not row.readable:
                self.omissions.append(
                    Omission(type="Image", count=1, reason=row.unreadable_reason, on=row.ref)
                )
        return [row for row in rows if row.readable]

    def _reason(self, rows: Sequence[ImageRow]) -> str:
        if self._choice.policy is PixelsPolicy.ZARR:
            return _ASKED
        filesets = [self._fileset_of[row.ref.id] for row in rows]
        if None in filesets:
            return _NO_FILES
        withheld = [self._filesets[one].withheld for one in filesets if one is not None]
        return next((reason for reason in withheld if reason), _SHARED_PLATE)

    def _tell_shared(self, plate: int, shown: Sequence[int]) -> None:
        elsewhere = set(shown) - set(self._choice.pixels[plate])
        if elsewhere:
            reason = "their images travel with another plate, or have lost their original files"
            on = ObjectRef("Plate", plate)
            self.omissions.append(Omission(type="WellSample", count=len(elsewhere), reason=reason, on=on))


def _field_order(reader: Reader, plates: Collection[int]) -> dict[int, list[int]]:
    """Return the images of each plate by row, column and field, each image once."""
    found: dict[int, list[tuple[int, int, int, int]]] = {plate: [] for plate in plates}
    for plate, *place, _ in reader.rows(_WELL_SAMPLES, plates, doing="Reading wells"):
        row, column, index, image = place
        found[plate].append((row, column, index, image))
    return {
        plate: list(dict.fromkeys(image for *_, image in sorted(places))) for plate, places in found.items()
    }
