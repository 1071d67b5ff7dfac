"""Writes the pixels of a transfer unit into an archive, as OME-Zarr; nothing is staged."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from omero_rocrate_transfer.crate.ome_zarr.arrangement import Arrangement, arrange
from omero_rocrate_transfer.crate.ome_zarr.image import (
    FieldToWrite,
    ImageToWrite,
    PlateToWrite,
    write_extras,
    write_image,
    write_plate,
)
from omero_rocrate_transfer.crate.ome_zarr.inner_crate import InnerFacts
from omero_rocrate_transfer.crate.ome_zarr.masks import list_masks
from omero_rocrate_transfer.crate.ome_zarr.members import MemberWriter
from omero_rocrate_transfer.crate.ome_zarr.names import name_planes
from omero_rocrate_transfer.crate.ome_zarr.plan import PackedZarr, PixelsPlan
from omero_rocrate_transfer.crate.ome_zarr.plane_digests import ImagePlanes, render_planes
from omero_rocrate_transfer.crate.omexml import render_document
from omero_rocrate_transfer.model.errors import IntegrityError
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid
from omero_rocrate_transfer.transfer.faultpoints import faultpoint

if TYPE_CHECKING:
    from ome_types import OME, model

    from omero_rocrate_transfer.crate.archives.base import Transaction
    from omero_rocrate_transfer.model.document import Document
    from omero_rocrate_transfer.model.rendering import Rendering
    from omero_rocrate_transfer.transfer.ports import UnitReader


def pack_pixels(
    transaction: Transaction, reader: UnitReader, document: Document, plan: PixelsPlan
) -> tuple[PackedZarr, ...]:
    """Write the OME-Zarrs of one unit.

    Parameters
    ----------
    document
        Of the unit.

    Raises
    ------
    IntegrityError
        The document does not tell all images of the unit.
    """
    shown = {lsid: users[0].rendering for lsid, users in document.extras.rendering.items() if users}
    packer = _ZarrPacker(transaction, reader, document.ome, plan, shown)
    return tuple(packer.pack(arrangement) for arrangement in arrange(reader.unit, document.ome))


class _ZarrPacker:
    """Writes the OME-Zarrs of one unit."""

    def __init__(
        self,
        transaction: Transaction,
        reader: UnitReader,
        document: OME,
        plan: PixelsPlan,
        rendering: dict[str, Rendering],
    ) -> None:
        self._transaction, self._reader, self._plan = transaction, reader, plan
        self._document = document
        self._elements = {image.id: image for image in document.images}
        self._rois = {roi.id: roi for roi in document.rois}
        self._rendering = rendering

    def pack(self, arrangement: Arrangement) -> PackedZarr:
        folder = arrangement.name
        group, inner, planes = f"{folder}zarr.json", f"{folder}ro-crate-metadata.json", name_planes(folder)
        write = MemberWriter(self._transaction, {group, inner, planes})
        facts = self._inner_facts(arrangement)
        text, _ = render_document(self._cut_document(arrangement))
        write_extras(write, folder, text, facts)
        found = (self._write_plate if arrangement.plate is not None else self._write_image)(
            write, arrangement
        )
        write(planes, render_planes(found, self._plan.host))
        faultpoint("crate:zarr-written")
        return PackedZarr(
            ref=arrangement.ref,
            name=folder,
            title=facts.name,
            images=tuple(image.ref for image in arrangement.images),
            group=write.packed[group],
            inner=write.packed[inner],
            planes=write.packed[planes],
            manifest=write.manifest,
            size_bytes=write.size_bytes,
        )

    def _write_image(self, write: MemberWriter, arrangement: Arrangement) -> dict[ObjectRef, ImagePlanes]:
        image = self._describe(arrangement.images[0].ref)
        with closing(self._reader.pixels(image.ref)) as pixels:
            written = write_image(write, arrangement.name, pixels, image, self._plan.options)
        return {image.ref: ImagePlanes(path="", digests=written.digests)}

    def _write_plate(self, write: MemberWriter, arrangement: Arrangement) -> dict[ObjectRef, ImagePlanes]:
        plate = _describe_plate(arrangement, self._describe)
        written = write_plate(
            write,
            arrangement.name,
            plate,
            self._reader.pixels,
            self._plan.options,
        )
        return {
            ref: ImagePlanes(path=path, digests=pixels.digests) for ref, (path, pixels) in written.items()
        }

    def _describe(self, ref: ObjectRef) -> ImageToWrite:
        element = self._element(ref)
        return ImageToWrite(
            ref=ref,
            element=element,
            rendering=self._rendering.get(element.id),
            masks=list_masks(self._rois, element),
        )

    def _element(self, ref: ObjectRef) -> model.Image:
        element = self._elements.get(ref.lsid(self._plan.host))
        if element is None:
            raise IntegrityError(f"{ref}: its metadata are missing from the source's OME document.")
        return element

    def _cut_document(self, arrangement: Arrangement) -> OME:
        """Return what the document of the unit says of one OME-Zarr."""
        images = [self._element(image.ref) for image in arrangement.images]
        rois = dict.fromkeys(ref.id for image in images for ref in image.roi_refs)
        return self._document.model_copy(
            update={
                "images": images,
                "rois": [self._rois[lsid] for lsid in rois if lsid in self._rois],
                "plates": [] if arrangement.plate is None else [arrangement.plate],
            }
        )

    def _inner_facts(self, arrangement: Arrangement) -> InnerFacts:
        facts, ref = self._plan.facts, arrangement.ref
        thing = arrangement.plate or self._element(ref)
        return InnerFacts(
            name=thing.name or str(ref),
            description=thing.description or f"OMERO {ref.type} {ref.id} of {self._plan.host}",
            license=facts.license,
            date_published=self._plan.day,
            organism=facts.organism,
            modality=facts.modality,
        )


def _describe_plate(arrangement: Arrangement, describe: Callable[[ObjectRef], ImageToWrite]) -> PlateToWrite:
    plate = arrangement.plate
    if plate is None:
        raise RuntimeError(f"{arrangement.ref} is no plate")
    fields = [
        FieldToWrite(
            row=place.row, column=place.column, acquisition=place.acquisition, image=describe(image.ref)
        )
        for image, place in zip(arrangement.images, arrangement.places, strict=True)
    ]
    return PlateToWrite(
        name=plate.name or str(arrangement.ref),
        fields=fields,
        rows=plate.rows,
        columns=plate.columns,
        acquisitions=[_describe_acquisition(one) for one in plate.plate_acquisitions],
    )


def _describe_acquisition(acquisition: model.PlateAcquisition) -> dict[str, Any]:
    found = parse_lsid(acquisition.id)
    told: dict[str, Any] = {
        "id": found[1].id if found is not None else 0,
        "name": acquisition.name,
        "description": acquisition.description,
        "maximumfieldcount": acquisition.maximum_field_count,
        "starttime": _milliseconds(acquisition.start_time),
        "endtime": _milliseconds(acquisition.end_time),
    }
    return {key: value for key, value in told.items() if value is not None}


def _milliseconds(moment: datetime | None) -> int | None:
    """Return milliseconds since 1970; what has no time zone is UTC."""
    if moment is None:
        return None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
