"""Rebuilds one transfer unit without original files: its images from pixels, its plates around them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from ome_types import OME, model

from omero_rocrate_transfer.model.choices import PixelsAs
from omero_rocrate_transfer.model.contents import ImageRecord, Omission, TransferUnit
from omero_rocrate_transfer.model.errors import IntegrityError, RefusedError, TransferError
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid
from omero_rocrate_transfer.model.results import Mapping as MappingTo
from omero_rocrate_transfer.server.session.commands import delete_all
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.marks import remember_source
from omero_rocrate_transfer.server.write.pairing import NewObject, Pair
from omero_rocrate_transfer.server.write.pixels.bands import PlaneFacts
from omero_rocrate_transfer.server.write.pixels.image_graph import STORED_AS, image_graph
from omero_rocrate_transfer.server.write.pixels.plate_writer import PlateWriter
from omero_rocrate_transfer.server.write.pixels.tiff_image import TiffImage
from omero_rocrate_transfer.server.write.pixels.tile_writer import PyramidNeededError, write_tiles
from omero_rocrate_transfer.server.write.pixels.verify import verify
from omero_rocrate_transfer.transfer.faultpoints import faultpoint
from omero_rocrate_transfer.transfer.ports import PixelsReader, UnitReader

log = logging.getLogger(__name__)

#: Above this size, planes of integers go through a lossy writer (omero.pixeldata.max_plane_width and _height
#: are 3192 unless an administrator changed them, which only administrators can ask for).
_MAX_PLANE: Final = 3192 * 3192
_NO_METADATA: Final = "its metadata are missing from the source's OME document."
_NEW_TYPE: Final = "OMERO's own pixel files hold no pixels of type bit; they became uint8"


@dataclass(slots=True)
class Rebuilt:
    """What a unit became."""

    pairs: list[Pair] = field(default_factory=list)
    plates: dict[ObjectRef, NewObject] = field(default_factory=dict)
    #: Parts of plates, from source to target.
    mappings: list[MappingTo] = field(default_factory=list)
    omissions: list[Omission] = field(default_factory=list)
    planes_verified: int = 0


class PixelsImport:
    """Import of one unit from pixels.

    Parameters
    ----------
    group
        Id of the group that the images go into; their owner is the user of the connection.
    pixels_as
        How pixels shall go in; where None, tile by tile wherever that is exact.
    names
        Name and description of the plates of the source.
    plate_hands
        The connections that make the plates, where that is not the one of the images.
    """

    def __init__(
        self,
        connection: Connection,
        unit: TransferUnit,
        group: int,
        *,
        pixels_as: PixelsAs | None,
        names: Mapping[ObjectRef, tuple[str, str | None]],
        plate_hands: Mapping[ObjectRef, Connection] | None = None,
    ) -> None:
        self._plate_hands = plate_hands or {}
        self._connection = connection
        self._unit = unit
        self._group = group
        self._pixels_as = pixels_as
        self._names = names
        #: What is to be deleted should anything fail.
        self._created: dict[str, list[int]] = {}
        self._max_plane = _MAX_PLANE
        self._rebuilt = Rebuilt()

    def run(self, reader: UnitReader, document: OME) -> Rebuilt:
        """Create everything, and compare the pixels with what the server gives back.

        Raises
        ------
        IntegrityError
            The server gives back other pixels, or the source has others than its document says.
        RefusedError
            The chosen way into the server would be lossy.
        StoppedError
            A disk is full.
        """
        elements = {lsid[1]: one for one in document.images if (lsid := parse_lsid(one.id)) is not None}
        for record in self._unit.images:
            element = elements.get(record.ref)
            if element is None or element.pixels is None:
                raise IntegrityError(f"{_told(record)}: {_NO_METADATA}")
            with closing(reader.pixels(record.ref)) as pixels:
                _check_shape(record, element.pixels, pixels)
                self._add_image(record, element, pixels)
        self._add_plates(document)
        return self._rebuilt

    def undo(self, connection: Connection) -> None:
        """Delete what was created and nothing else; says so where that fails.

        Parameters
        ----------
        connection
            Of somebody who may delete what others have put on the images, too.
        """
        if not self._created:
            return
        try:
            delete_all(connection, self._created, self._group)
        except TransferError:
            log.exception("%s was left incomplete and should be deleted.", _listed(self._created))

    def _add_image(self, record: ImageRecord, element: model.Image, reader: PixelsReader) -> None:
        if self._goes_as_tiff(element.pixels):
            made, facts = self._import_tiff(record, element, reader)
        else:
            try:
                made, facts = self._write_tiles(record, element, reader)
            except PyramidNeededError:
                self._refuse_lossy(record)
                # This server's limit is lower: remembered, so that no further image is made in vain.
                self._max_plane = min(self._max_plane, element.pixels.size_x * element.pixels.size_y - 1)
                self._remove_last_image()
                made, facts = self._import_tiff(record, element, reader)
        told = _told(record)
        self._rebuilt.planes_verified += verify(self._connection, made.id, facts.digests, told)
        self._rebuilt.pairs.append(Pair(record, made))
        if element.pixels.type.value in STORED_AS:
            omission = Omission(type="PixelsType", count=1, reason=_NEW_TYPE, on=record.ref)
            self._rebuilt.omissions.append(omission)

    def _goes_as_tiff(self, pixels: model.Pixels) -> bool:
        if self._pixels_as is not None:
            return self._pixels_as is PixelsAs.OME_TIFF
        is_float = pixels.type in {model.PixelType.FLOAT, model.PixelType.DOUBLE}
        return not is_float and pixels.size_x * pixels.size_y > self._max_plane

    def _refuse_lossy(self, record: ImageRecord) -> None:
        if self._pixels_as is PixelsAs.TILES:
            raise RefusedError(
                f"{_told(record)}: this server compresses tiles of so large a plane with loss.",
                hint="Leave --pixels-as out, or use --pixels-as ome-tiff.",
            )

    def _write_tiles(
        self, record: ImageRecord, element: model.Image, reader: PixelsReader
    ) -> tuple[NewObject, PlaneFacts]:
        doing = f"Writing {record.ref}"
        new = image_graph(record, element)
        remember_source(new, element.id)
        with server_errors(doing):
            image = self._connection.update.saveAndReturnObject(new, self._connection.context(self._group))
        self._created.setdefault("Image", []).append(image.id.val)
        faultpoint("server:image-created")
        pixels = image.getPrimaryPixels().id.val
        facts = write_tiles(self._connection, pixels, self._group, reader, doing)
        faultpoint("server:pixels-written")
        self._set_extremes(pixels, facts, doing)
        return NewObject(image.id.val, record.name, record.description), facts

    def _import_tiff(
        self, record: ImageRecord, element: model.Image, reader: PixelsReader
    ) -> tuple[NewObject, PlaneFacts]:
        importing = TiffImage(self._connection, record, element, self._group)
        try:
            made = importing.run(reader)
        finally:
            if importing.fileset_id is not None:
                self._created.setdefault("Fileset", []).append(importing.fileset_id)
        # Until its channels have these, a server may not give out the pixels of a large image
        # (omero-romio PixelsService, MissingPyramidException).
        self._set_extremes(made.pixels, made.facts, f"Writing {record.ref}")
        return made.image, made.facts

    def _set_extremes(self, pixels: int, facts: PlaneFacts, doing: str) -> None:
        service = self._connection.session.getPixelsService()
        for channel, (low, high) in facts.extremes.items():
            if np.isfinite(low) and np.isfinite(high):
                with server_errors(doing):
                    context = self._connection.context(self._group)
                    service.setChannelGlobalMinMax(pixels, channel, low, high, context)

    def _remove_last_image(self) -> None:
        image = self._created["Image"].pop()
        delete_all(self._connection, {"Image": [image]}, self._group)

    def _add_plates(self, document: OME) -> None:
        images = {pair.source.ref.id: pair.target.id for pair in self._rebuilt.pairs}
        elements = {lsid[1]: one for one in document.plates if (lsid := parse_lsid(one.id)) is not None}
        for ref in self._unit.plates:
            element = elements.get(ref)
            if element is None:
                raise IntegrityError(f"{ref}: {_NO_METADATA}")
            created = self._created.setdefault("Plate", [])
            hand = self._plate_hands.get(ref, self._connection)
            writer = PlateWriter(hand, self._group, images, created.append)
            name, description = self._names.get(ref, (element.name or str(ref), element.description))
            plate = writer.write(ref, name, description, element)
            self._rebuilt.plates[ref] = NewObject(plate, name, description)
            self._rebuilt.mappings += writer.mappings
            self._rebuilt.omissions += writer.omissions


def _told(record: ImageRecord) -> str:
    return f"{record.ref} ({record.name})"


def _listed(created: Mapping[str, Sequence[int]]) -> str:
    return ", ".join(f"{kind}:{','.join(map(str, ids))}" for kind, ids in created.items())


def _check_shape(record: ImageRecord, pixels: model.Pixels, reader: PixelsReader) -> None:
    sizes = (pixels.size_t, pixels.size_c, pixels.size_z, pixels.size_y, pixels.size_x)
    if sizes != tuple(reader.shape):
        raise IntegrityError(
            f"{_told(record)}: T, C, Z, Y, X are {tuple(reader.shape)}, its metadata say {sizes}."
        )
