"""Images in memory as a source, and how the server gives them back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from ome_types import OME, model

from omero_rocrate_transfer.model.contents import (
    Contents,
    ImageRecord,
    OriginalFile,
    SourceInfo,
    TransferUnit,
)
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read.pixels import ServerPixels
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.transfer.ports import UnitReader

HOST = "here.example.org"
#: OMERO's names of the types that it stores, and their dtypes.
TYPES = {
    "int8": "i1", "uint8": "u1", "int16": ">i2", "uint16": ">u2", "int32": ">i4", "uint32": ">u4",
    "float": ">f4", "double": ">f8",
}  # fmt: skip
Array = npt.NDArray[np.generic]


class ArrayPixels:
    """Pixels of one array ``(t, c, z, y, x)``."""

    def __init__(self, array: Array, tile_size: tuple[int, int] = (1024, 1024)) -> None:
        self.array = array
        t, c, z, y, x = array.shape
        self.shape = (t, c, z, y, x)
        self.dtype = array.dtype
        self.tile_size = tile_size

    def read_tile(self, t: int, c: int, z: int, x: int, y: int, width: int, height: int) -> Array:
        tile = self.array[t, c, z, y : y + height, x : x + width]
        assert tile.shape == (height, width)
        return tile

    def close(self) -> None:
        """Nothing is open."""


class PixelsSource(UnitReader):
    """A source of one unit of images in memory, without original files, and the reader of that unit."""

    def __init__(self, *arrays: Array, **fields: Any) -> None:
        self.arrays = arrays
        self.fields = fields
        self.ome = OME(images=[self._image(number, array) for number, array in enumerate(arrays, 1)])
        images = tuple(
            ImageRecord(ref=ObjectRef("Image", number), name=f"image {number}", series=number - 1)
            for number in range(1, len(arrays) + 1)
        )
        super().__init__(TransferUnit(ref=ObjectRef("Image", 1), images=images, pixels=True))

    @property
    def contents(self) -> Contents:
        info = SourceInfo(host=HOST, database_uuid="x", version="5.6.0")
        return Contents(source=info, roots=(), units=(self.unit,))

    def read_contents(self, roots: Sequence[ObjectRef]) -> Contents:
        return self.contents

    def document(self) -> Document:
        return Document(self.ome)

    def read_container_document(self) -> Document:
        return Document()

    def blocks(self, file: OriginalFile) -> Iterator[bytes]:
        raise NotImplementedError

    def pixels(self, image: ObjectRef) -> ArrayPixels:
        return ArrayPixels(self.arrays[image.id - 1])

    def _image(self, number: int, array: Array) -> model.Image:
        t, c, z, y, x = array.shape
        kind = next(name for name, code in TYPES.items() if np.dtype(code) == array.dtype.newbyteorder(">"))
        fields: dict[str, Any] = {"dimension_order": "XYZCT", "channels": self._channels(number, c)}
        fields |= self.fields
        pixels = model.Pixels(
            id=f"urn:lsid:{HOST}:Pixels:{number}",
            type=model.PixelType(kind),
            size_x=x, size_y=y, size_z=z, size_c=c, size_t=t,
            metadata_only=model.MetadataOnly(),
            **fields,
        )  # fmt: skip
        return model.Image(id=f"urn:lsid:{HOST}:Image:{number}", name=f"image {number}", pixels=pixels)

    def _channels(self, number: int, count: int) -> list[model.Channel]:
        return [
            model.Channel(id=f"urn:lsid:{HOST}:Channel:{number}{index}", name=f"channel {index}")
            for index in range(count)
        ]


def read_back(connection: Connection, image: int) -> Array:
    """Return all pixels of an image as the server gives them out."""
    pixels = ServerPixels(connection, ObjectRef("Image", image))
    try:
        size_t, size_c, size_z, height, width = pixels.shape
        planes = [
            pixels.read_tile(t, c, z, 0, 0, width, height) for t, c, z in np.ndindex(size_t, size_c, size_z)
        ]
        return np.stack(planes).reshape(pixels.shape).astype(pixels.dtype)
    finally:
        pixels.close()
