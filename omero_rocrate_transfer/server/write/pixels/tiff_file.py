"""Room for an OME-TIFF of one image, and the metadata in it."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from threading import Lock
from typing import Any, Final

from ome_types import OME, model, to_xml

from omero_rocrate_transfer import __version__
from omero_rocrate_transfer.model.contents import ImageRecord
from omero_rocrate_transfer.model.errors import StoppedError
from omero_rocrate_transfer.server.write.pixels.bands import Plane
from omero_rocrate_transfer.server.write.pixels.image_graph import STORED_AS
from omero_rocrate_transfer.server.write.pixels.ome_tiff import estimate_bytes
from omero_rocrate_transfer.transfer.ports import PixelsReader

#: What XML 1.0 cannot hold, escaped or not.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: What stays free on the disk.
_RESERVE: Final = 256 * 2**20
#: One such file at a time, so that their sizes never add up.
_ONE_FILE: Final = Lock()
_PIXELS_FIELDS: Final = (
    *("dimension_order", "significant_bits", "size_x", "size_y", "size_z", "size_c", "size_t"),
    *("physical_size_x", "physical_size_x_unit", "physical_size_y", "physical_size_y_unit"),
    *("physical_size_z", "physical_size_z_unit", "time_increment", "time_increment_unit"),
)
_CHANNEL_FIELDS: Final = (
    *("name", "color", "fluor", "nd_filter", "pockel_cell_setting"),
    *("excitation_wavelength", "excitation_wavelength_unit", "emission_wavelength"),
    *("emission_wavelength_unit", "pinhole_size", "pinhole_size_unit"),
)


@contextmanager
def temporary_tiff(record: ImageRecord, reader: PixelsReader) -> Iterator[Path]:
    """Give a path for the file, and remove what is there at the end.

    Raises
    ------
    StoppedError
        It would not fit onto the disk of the folder for temporary files.
    """
    with _ONE_FILE, tempfile.TemporaryDirectory(prefix="omero-rocrate-") as folder:
        needed = estimate_bytes(reader.shape, reader.dtype)
        free = shutil.disk_usage(folder).free
        if needed + _RESERVE > free:
            where = Path(folder).parent
            raise StoppedError(
                f"{record.ref}: its OME-TIFF needs {needed} bytes in {where}, of which {free} are free.",
                hint="Make room there, or set TMPDIR to a folder on a larger disk.",
            )
        yield Path(folder) / f"image{record.ref.id}.ome.tif"


def plane_order(pixels: model.Pixels) -> Iterator[Plane]:
    """Yield ``(t, c, z)`` of all planes in the dimension order of the image."""
    slowest_first = [axis.lower() for axis in reversed(pixels.dimension_order.value[2:])]
    sizes = [range(getattr(pixels, f"size_{axis}")) for axis in slowest_first]
    for place in product(*sizes):
        at = dict(zip(slowest_first, place, strict=True))
        yield at["t"], at["c"], at["z"]


def tiff_metadata(record: ImageRecord, element: model.Image) -> bytes:
    """Return the OME-XML of the file: what OMERO reads into the rows of the new image."""
    pixels = element.pixels
    kind = pixels.type.value
    fields = _fields(pixels, _PIXELS_FIELDS)
    image: dict[str, Any] = {"id": "Image:0", "name": _clean(record.name)}
    if element.acquisition_date is not None:
        image["acquisition_date"] = element.acquisition_date
    made = model.Pixels(
        id="Pixels:0",
        type=model.PixelType(STORED_AS.get(kind, kind)),
        channels=[_channel(pixels, index) for index in range(pixels.size_c)],
        tiff_data_blocks=[model.TiffData(ifd=0, plane_count=pixels.size_z * pixels.size_c * pixels.size_t)],
        **fields,
    )
    document = OME(
        creator=f"omero-rocrate-transfer {__version__}", images=[model.Image(pixels=made, **image)]
    )
    return to_xml(document).encode()


def _channel(pixels: model.Pixels, index: int) -> model.Channel:
    named = pixels.channels[index] if len(pixels.channels) == pixels.size_c else None
    fields = {} if named is None else _fields(named, _CHANNEL_FIELDS)
    return model.Channel(id=f"Channel:0:{index}", samples_per_pixel=1, **fields)


def _fields(element: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields that were set, and no defaults: white is the default colour."""
    set_fields = {name: getattr(element, name) for name in names if name in element.model_fields_set}
    return {
        name: _clean(value) if isinstance(value, str) else value
        for name, value in set_fields.items()
        if value is not None
    }


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
