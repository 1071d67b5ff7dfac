"""PNG and JPEG through pillow; read whole, they are small (Bio-Formats: APNGReader, JPEGReader)."""

from pathlib import Path

import numpy as np
from ome_types import model as ome
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from omero_sandbox.images.errors import UnknownFormatError
from omero_sandbox.images.pixel_types import pixel_type
from omero_sandbox.images.series import Original, Region, Series


def open_raster(path: Path) -> Original:
    """Open a PNG or JPEG as one plane with a channel per colour; `UnknownFormatError` if pillow cannot."""
    try:
        with Pillow.open(path) as picture:
            mode = {"P": "RGB", "1": "L", "I": "I", "I;16": "I;16", "CMYK": "RGB"}.get(
                picture.mode, picture.mode
            )
            data = np.asarray(picture if picture.mode == mode else picture.convert(mode))
    except UnidentifiedImageError as error:
        raise UnknownFormatError(f"{path.name}: {error}") from error
    data = data[:, :, np.newaxis] if data.ndim == 2 else data
    height, width, samples = data.shape
    pixels = ome.Pixels(
        id="Pixels:0",
        dimension_order=ome.Pixels_DimensionOrder.XYCZT,
        type=ome.PixelType(pixel_type(data.dtype)),
        size_x=width,
        size_y=height,
        size_z=1,
        size_c=samples,
        size_t=1,
        channels=[ome.Channel(id="Channel:0:0", samples_per_pixel=samples)],
    )
    document = ome.OME(images=[ome.Image(id="Image:0", name="", pixels=pixels)])
    kind = "APNG" if path.suffix.lower() == ".png" else "JPEG"
    return Original(document, [_Raster(document.images[0], data)], kind, graphics=True)


class _Raster(Series):
    def __init__(self, image: ome.Image, data: np.ndarray) -> None:
        super().__init__(image)
        self._data = data

    def region(self, z: int, c: int, t: int, region: Region, level: int) -> np.ndarray:
        x, y, w, h = region
        return self._data[y : y + h, x : x + w, c]
