"""Which images of a unit go into which OME-Zarr: one for each plate, one for every image in no plate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from omero_rocrate_transfer.model.errors import IntegrityError
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ome_types import OME, model

    from omero_rocrate_transfer.model.contents import ImageRecord, TransferUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an image stands in a plate."""

    row: int
    column: int
    #: Id of its ``PlateAcquisition``, where it has one.
    acquisition: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """One OME-Zarr that is to be written."""

    #: The image, or the plate.
    ref: ObjectRef
    #: Its images; those of a plate by wells, and in the order of each well.
    images: tuple[ImageRecord, ...]
    #: Of a plate: as the document has it, and the places of its images.
    plate: model.Plate | None = None
    places: tuple[Place, ...] = ()

    @property
    def name(self) -> str:
        """Name of its folder, with the slash at the end."""
        return f"{self.ref.type.lower()}{self.ref.id}.ome.zarr/"


def arrange(unit: TransferUnit, document: OME) -> list[Arrangement]:
    """Share out the images of a unit; each goes into one OME-Zarr.

    Parameters
    ----------
    document
        Of the unit, with its plates.

    Raises
    ------
    IntegrityError
        The unit is a plate, and an image of it is in none of the wells that the document tells.
    """
    left = {image.ref: image for image in unit.images}
    found = []
    for plate in document.plates:
        ref = _find_ref(plate.id, "Plate")
        if ref is None or ref not in unit.plates:
            continue
        placed = {image: place for image, place in _iter_places(plate) if image in left}
        if placed:
            images = tuple(left.pop(image) for image in placed)
            found.append(Arrangement(ref=ref, images=images, plate=plate, places=tuple(placed.values())))
    if left and unit.ref.type == "Plate":
        raise IntegrityError(f"{next(iter(left))} is in none of the wells of {unit.ref}.")
    return [*found, *(Arrangement(ref=image.ref, images=(image,)) for image in left.values())]


def _iter_places(plate: model.Plate) -> Iterator[tuple[ObjectRef, Place]]:
    """Yield the images of a plate by rows and columns, each at the first place it has."""
    acquisitions = {
        sample.id: ref.id
        for acquisition in plate.plate_acquisitions
        for sample in acquisition.well_sample_refs
        if (ref := _find_ref(acquisition.id, "PlateAcquisition")) is not None
    }
    seen = set()
    for well in sorted(plate.wells, key=lambda well: (well.row, well.column)):
        for sample in well.well_samples:
            image = _find_ref(sample.image_ref.id, "Image") if sample.image_ref is not None else None
            if image is not None and image not in seen:
                seen.add(image)
                acquisition = acquisitions.get(sample.id)
                yield image, Place(row=well.row, column=well.column, acquisition=acquisition)


def _find_ref(lsid: str, kind: str) -> ObjectRef | None:
    found = parse_lsid(lsid)
    return found[1] if found is not None and found[1].type == kind else None
