"""A small world whose images travel as pixels, and a source that serves them from memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ome_types import OME, model

from omero_rocrate_transfer.crate.ome_zarr.layout import ZarrLayout
from omero_rocrate_transfer.crate.ome_zarr.options import Limits, ZarrOptions
from omero_rocrate_transfer.crate.write.sink import CrateSink
from omero_rocrate_transfer.model.contents import Container, Contents, TransferUnit
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.extras import Extras, UserRendering
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.model.rendering import ChannelRendering, Rendering
from omero_rocrate_transfer.transfer.ports import PixelsReader
from tests.crate.ome_zarr.support import ArrayReader
from tests.crate.worlds import FACTS, HOST, MemorySource, MemoryUnit, make_file, make_image, make_world

OPTIONS = ZarrOptions(layout=ZarrLayout(chunk=64, shard=256), limits=Limits(readers=2))
Arrays = dict[ObjectRef, npt.NDArray[Any]]
TYPES = {"u1": "uint8", "u2": "uint16", "i4": "int32", "f4": "float"}
RENDERING = Rendering(
    default_z=0,
    default_t=0,
    model="rgb",
    channels=(ChannelRendering(start=3, end=77, color=(255, 0, 9, 255)),),
)


def lsid(kind: str, number: int) -> str:
    return ObjectRef(kind, number).lsid(HOST)


def make_array(
    number: int, shape: tuple[int, ...] = (1, 1, 1, 40, 50), dtype: str = "u1"
) -> npt.NDArray[Any]:
    """Return big-endian pixels, as a server sends them."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(np.random.default_rng(number).bytes(size), f">{dtype}").reshape(shape)


def make_pixel_world() -> tuple[Contents, Arrays, dict[str, bytes]]:
    """Return an image, a plate of two wells with two fields each, and a fileset with pixels besides."""
    contents, _ = make_world()
    arrays = {
        ObjectRef("Image", 205): make_array(205, (2, 1, 3, 300, 520), "u2"),
        **{ObjectRef("Image", number): make_array(number) for number in (301, 302, 303, 304)},
        ObjectRef("Image", 401): make_array(401, dtype="f4"),
    }
    plate = Container(
        ref=ObjectRef("Plate", 7),
        name="Plate 7",
        members=tuple(ObjectRef("Image", n) for n in (301, 302, 303, 304)),
    )
    units = (
        TransferUnit(
            ref=ObjectRef("Image", 205),
            images=(make_image(205, "embryo"),),
            pixels=True,
            pixels_size_bytes=1_000,
        ),
        TransferUnit(
            ref=plate.ref,
            images=tuple(make_image(n, f"field {n}", n - 301) for n in (301, 302, 303, 304)),
            plates=(plate.ref,),
            pixels=True,
            pixels_size_bytes=4_000,
        ),
        TransferUnit(
            ref=ObjectRef("Fileset", 40),
            images=(make_image(401, "both"),),
            files=(make_file("9", "both.tif", b"original"),),
            pixels=True,
            pixels_size_bytes=8_000,
        ),
    )
    people, groups = contents.people, contents.groups
    made = Contents(
        source=contents.source,
        roots=tuple(unit.ref if not unit.files else unit.images[0].ref for unit in units),
        containers=(plate,),
        units=units,
        people=people,
        groups=groups,
    )
    return made, arrays, {"9": b"original"}


class PixelSource(MemorySource):
    """Serves pixels besides; ``change`` may alter what is read."""

    def __init__(self, contents: Contents, arrays: Arrays, data: Mapping[str, bytes]) -> None:
        super().__init__(contents, data)
        self.arrays = arrays
        self.opened: list[ArrayReader] = []
        self.change: Callable[[OME], None] = lambda _: None

    def open(self, unit: TransferUnit) -> PixelUnit:
        return PixelUnit(unit, self)


class PixelUnit(MemoryUnit):
    """Serves one unit of a `PixelSource`."""

    source: PixelSource

    def document(self) -> Document:
        images = self.unit.images
        document = OME(images=[_image(image.ref, image.name, self.source.arrays) for image in images])
        document.plates.extend(_plate() for _ in self.unit.plates)
        self.source.change(document)
        users = (UserRendering(login="ada", rendering=RENDERING),)
        return Document(document, Extras(rendering={lsid("Image", 205): users}))

    def pixels(self, image: ObjectRef) -> PixelsReader:
        self.source.opened.append(ArrayReader(self.source.arrays[image], tile=100))
        return self.source.opened[-1]


def _image(ref: ObjectRef, name: str, arrays: Arrays) -> model.Image:
    array = arrays[ref]
    t, c, z, y, x = array.shape
    return model.Image(
        id=ref.lsid(HOST),
        name=name,
        pixels=model.Pixels(
            id=lsid("Pixels", ref.id),
            dimension_order=model.Pixels_DimensionOrder.XYZCT,
            type=model.PixelType(TYPES[array.dtype.str[1:]]),
            size_x=x,
            size_y=y,
            size_z=z,
            size_c=c,
            size_t=t,
            physical_size_x=0.5,
            physical_size_y=0.5,
            channels=[model.Channel(id=lsid("Channel", ref.id), name="GFP")],
        ),
    )


def _plate() -> model.Plate:
    wells = [
        model.Well(
            id=lsid("Well", row),
            row=row,
            column=11,
            well_samples=[
                model.WellSample(
                    id=lsid("WellSample", number),
                    index=number,
                    image_ref=model.ImageRef(id=lsid("Image", number)),
                )
                for number in (301 + 2 * row, 302 + 2 * row)
            ],
        )
        for row in (1, 0)
    ]
    run = model.PlateAcquisition(
        id=lsid("PlateAcquisition", 5),
        name="run",
        well_sample_refs=[model.WellSampleRef(id=lsid("WellSample", 301))],
    )
    return model.Plate(
        id=lsid("Plate", 7), name="Plate 7", rows=8, columns=12, wells=wells, plate_acquisitions=[run]
    )


def pack_pixels(path: Path, options: ZarrOptions = OPTIONS) -> PixelSource:
    """Pack the world of pixels."""
    source = PixelSource(*make_pixel_world())
    pack_source(path, source, options)
    return source


def pack_source(path: Path, source: PixelSource, options: ZarrOptions = OPTIONS) -> None:
    sink = CrateSink(path, FACTS, agent=7, zarr=options)
    sink.begin(source.contents, source.read_container_document)
    for unit in source.contents.units:
        sink.write_unit(source.open(unit))
    sink.finish()
