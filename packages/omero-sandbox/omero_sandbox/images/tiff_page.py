"""Regions of one TIFF page, reading only the strips or tiles that the region touches."""

import math
import zlib
from collections.abc import Iterator

import numpy as np
from tifffile import TiffPage

from omero_sandbox.images.errors import FormatError, UnsupportedCompressionError
from omero_sandbox.images.pixel_types import pixel_type
from omero_sandbox.images.series import Region

_JPEG = {6, 7, 34892, 33007}


def read_page(page: TiffPage, sample: int, region: Region) -> np.ndarray:
    """Read `region` of one sample (colour component) of `page`: shape (h, w), native byte order.

    Raises
    ------
    UnsupportedCompressionError
        No codec for the page's compression is installed.
    FormatError
        The page's data are damaged.
    """
    if page.is_final and not page.is_tiled:
        return _read_contiguous(page, sample, region)
    out = np.zeros((region.h, region.w), _dtype(page))
    try:
        for index in _segments(page, sample, region):
            _paste(page, index, sample, region, out)
    except (ValueError, RuntimeError, zlib.error) as error:
        raise _codec_error(page, error) from error
    return out


def page_type(page: TiffPage) -> str:
    """OMERO's name of the page's sample type; `FormatError` if it has none."""
    return pixel_type(_dtype(page))


def _dtype(page: TiffPage) -> np.dtype:
    if page.dtype is None:
        raise FormatError(f"{page.parent.filehandle.name}: unknown sample format {page.sampleformat}")
    return page.dtype


def _read_contiguous(page: TiffPage, sample: int, region: Region) -> np.ndarray:
    """Map the file and copy out the rows; nothing but the region's pages is touched."""
    dtype = _dtype(page).newbyteorder(page.parent.byteorder)
    shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
    if page.planarconfig == 2:
        shape = (page.samplesperpixel, page.imagelength, page.imagewidth)
    try:
        data = np.memmap(page.parent.filehandle.path, dtype, "r", page.dataoffsets[0], shape)
    except ValueError as error:
        raise FormatError(f"The pixels of {page.parent.filehandle.name} are cut off") from error
    plane = data[sample] if page.planarconfig == 2 else data[:, :, sample]
    x, y, w, h = region
    return np.array(plane[y : y + h, x : x + w])


def _segments(page: TiffPage, sample: int, region: Region) -> Iterator[int]:
    """Yield the indices of the strips or tiles that `region` touches."""
    height = page.tilelength if page.is_tiled else page.rowsperstrip
    width = page.tilewidth if page.is_tiled else page.imagewidth
    across = math.ceil(page.imagewidth / width)
    down = math.ceil(page.imagelength / height)
    base = sample * across * down if page.planarconfig == 2 and page.samplesperpixel > 1 else 0
    for row in range(region.y // height, (region.y + region.h - 1) // height + 1):
        for column in range(region.x // width, (region.x + region.w - 1) // width + 1):
            yield base + row * across + column


def _paste(page: TiffPage, index: int, sample: int, region: Region, out: np.ndarray) -> None:
    """Decode segment `index` and copy what lies inside `region` into `out`."""
    tables = (
        {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader} if page.compression in _JPEG else {}
    )
    segment, position, shape = page.decode(_encoded(page, index), index, **tables)
    if segment is None:  # sparse: never written
        return
    _, _, top, left, _ = position
    _, height, width, samples = shape
    plane = segment.reshape(segment.shape[-3:])[:height, :width, sample if samples > 1 else 0]
    x0, x1 = max(region.x, left), min(region.x + region.w, left + plane.shape[1])
    y0, y1 = max(region.y, top), min(region.y + region.h, top + plane.shape[0])
    if x0 < x1 and y0 < y1:
        out[y0 - region.y : y1 - region.y, x0 - region.x : x1 - region.x] = plane[
            y0 - top : y1 - top, x0 - left : x1 - left
        ]


def _encoded(page: TiffPage, index: int) -> bytes | None:
    count = page.databytecounts[index]
    if not count:
        return None
    handle = page.parent.filehandle
    with handle.lock:
        handle.seek(page.dataoffsets[index])
        data: bytes = handle.read(count)
    if len(data) != count:
        raise FormatError(f"The pixels of {handle.name} are cut off")
    return data


def _codec_error(page: TiffPage, error: Exception) -> FormatError:
    message = f"{page.parent.filehandle.name}: {error}"
    return UnsupportedCompressionError(message) if "imagecodecs" in str(error) else FormatError(message)
