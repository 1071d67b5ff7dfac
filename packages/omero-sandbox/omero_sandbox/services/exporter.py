"""Export of one image as OME-TIFF or OME-XML (omero.api.Exporter; omero-blitz ExporterI)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import omero
import omero.clients
import tifffile
from ome_types import model as ome
from ome_types import to_xml

from omero_sandbox.services import pixel_access

if TYPE_CHECKING:
    from typing import IO

    from omero_sandbox.db.store import Row
    from omero_sandbox.images.buffer import PixelBuffer
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext


class ExporterService:
    """Add one image, generate a file, read it in blocks."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context
        self._pixels: Row | None = None
        self._file: IO[bytes] | None = None

    def addImage(self, call: Call, id: int) -> None:
        """Choose the image."""
        image = call.store.get("Image", id)
        pixels = call.store.children(image, "pixels") if image is not None and call.can_read(image) else []
        if not pixels:
            raise omero.ValidationException(None, None, f"Cannot read image {id}")
        self._pixels = pixels[0]

    def generateXml(self, call: Call) -> int:
        """Make the OME-XML; returns its length."""
        return self._store(to_xml(_document(call, self._require_pixels())).encode())

    def generateTiff(self, call: Call) -> int:
        """Make the OME-TIFF, plane by plane; returns its length.

        Raises
        ------
        omero.ApiUsageException
            The image needs a pyramid (ExporterI refuses large images).
        """
        pixels = self._require_pixels()
        if pixel_access.is_big(self.context, pixels):
            raise omero.ApiUsageException(None, None, "Image is too large for export")
        xml = to_xml(_document(call, pixels)).encode()
        buffer = pixel_access.buffer_of(self.context, pixels, write=False)
        file = self._new_file()
        try:
            with tifffile.TiffWriter(file, bigtiff=True) as tiff:
                for number, plane in enumerate(_planes(buffer)):
                    description = xml if number == 0 else None
                    tiff.write(plane, description=description, metadata=None, photometric="minisblack")
        finally:
            buffer.close()
        return file.seek(0, os.SEEK_END)

    def read(self, call: Call, position: int, length: int) -> bytes:
        """Read a block of the generated file; the last one is shorter."""
        if self._file is None:
            raise omero.ApiUsageException(None, None, "Nothing was generated")
        self._file.seek(position)
        return self._file.read(length)

    def close(self, call: Call) -> None:
        """Forget the file."""
        self.session_ended()
        self.context.unregister(self)

    def session_ended(self) -> None:
        """Forget the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _require_pixels(self) -> Row:
        if self._pixels is None:
            raise omero.ApiUsageException(None, None, "No image was added")
        return self._pixels

    def _new_file(self) -> IO[bytes]:
        self.session_ended()
        self._file = tempfile.NamedTemporaryFile(dir=self.context.data_dir)  # noqa: SIM115 -- closed with the service
        return self._file

    def _store(self, data: bytes) -> int:
        return self._new_file().write(data)


def _planes(buffer: PixelBuffer) -> Iterator[np.ndarray]:
    """Yield the planes in the order XYZCT."""
    shape = buffer.shape
    for t in range(shape.t):
        for c in range(shape.c):
            for z in range(shape.z):
                data = np.frombuffer(buffer.plane(z, c, t), shape.dtype).reshape(shape.y, shape.x)
                yield data.astype(shape.dtype.newbyteorder("="))


def _document(call: Call, pixels: Row) -> ome.OME:
    """Describe the image: sizes, channels, physical sizes."""
    shape = pixel_access.shape_of(call.store, pixels)
    image = call.store.get("Image", pixels.values["image"])
    channels = call.store.children(pixels, "channels")
    names = [call.store.get("LogicalChannel", channel.values["logicalChannel"]) for channel in channels]
    facts = {}
    for axis in "XYZ":
        if (size := pixels.values.get(f"physicalSize{axis}")) is not None:
            facts[f"physical_size_{axis.lower()}"] = size.value
            facts[f"physical_size_{axis.lower()}_unit"] = ome.UnitsLength[size.unit]
    described = ome.Pixels(
        id=f"Pixels:{pixels.id}",
        dimension_order=ome.Pixels_DimensionOrder.XYZCT,
        type=ome.PixelType(shape.pixel_type),
        size_x=shape.x,
        size_y=shape.y,
        size_z=shape.z,
        size_c=shape.c,
        size_t=shape.t,
        channels=[
            ome.Channel(
                id=f"Channel:{row.id}",
                name=None if logical is None else logical.values.get("name"),
                samples_per_pixel=1,
            )
            for row, logical in zip(channels, names, strict=True)
        ],
        tiff_data_blocks=[ome.TiffData(ifd=0, plane_count=shape.z * shape.c * shape.t)],
        **facts,
    )
    values = image.values if image is not None else {}
    named = ome.Image(
        id=f"Image:{pixels.values['image']}",
        name=values.get("name"),
        description=values.get("description"),
        pixels=described,
    )
    return ome.OME(images=[named])
