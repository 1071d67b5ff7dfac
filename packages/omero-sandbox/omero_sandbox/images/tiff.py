"""Plain TIFF: every page is a time point, unless ImageJ's description says otherwise (TiffReader)."""

from pathlib import Path
from typing import cast

import numpy as np
import tifffile
from ome_types import model as ome

from omero_sandbox.images.errors import FormatError, UnknownFormatError
from omero_sandbox.images.series import Original, Region, Series
from omero_sandbox.images.tiff_page import page_type, read_page


def open_pages(path: Path) -> tifffile.TiffFile:
    """Open `path` and keep it open; `UnknownFormatError` if it is no TIFF."""
    try:
        return tifffile.TiffFile(path)
    except tifffile.TiffFileError as error:
        raise UnknownFormatError(f"{path.name}: {error}") from error


def page_at(tiff: tifffile.TiffFile, index: int) -> tifffile.TiffPage:
    """Read the page with this number; tifffile makes frames, the other kind of page, only on request."""
    return cast(tifffile.TiffPage, tiff.pages[index])


def open_tiff(path: Path) -> Original:
    """Open a TIFF without OME-XML as one image of which each full-size page is a plane."""
    tiff = open_pages(path)
    try:
        return _open(tiff)
    except Exception:
        tiff.close()
        raise


def _open(tiff: tifffile.TiffFile) -> Original:
    pages = [page for i in range(len(tiff.pages)) if not (page := page_at(tiff, i)).is_reduced]
    first = pages[0]
    pages = [page for page in pages if page.shape == first.shape and page.dtype == first.dtype]
    sizes = _imagej_sizes(tiff, len(pages)) or {"C": 1, "Z": 1, "T": len(pages)}
    samples = first.samplesperpixel
    pixels = ome.Pixels(
        id="Pixels:0",
        dimension_order=ome.Pixels_DimensionOrder.XYCZT,
        type=ome.PixelType(page_type(first)),
        size_x=first.imagewidth,
        size_y=first.imagelength,
        size_z=sizes["Z"],
        size_c=sizes["C"] * samples,
        size_t=sizes["T"],
        channels=[ome.Channel(id=f"Channel:0:{c}", samples_per_pixel=samples) for c in range(sizes["C"])],
    )
    document = ome.OME(images=[ome.Image(id="Image:0", name="", pixels=pixels)])
    planes = {
        (z, c, t): pages[c + sizes["C"] * (z + sizes["Z"] * t)]
        for t in range(sizes["T"])
        for z in range(sizes["Z"])
        for c in range(sizes["C"])
    }
    return Original(
        document, [TiffSeries(document.images[0], planes)], "Tiff", graphics=True, close=tiff.close
    )


def _imagej_sizes(tiff: tifffile.TiffFile, pages: int) -> dict[str, int] | None:
    meta = tiff.imagej_metadata or {}
    sizes = {
        "C": int(meta.get("channels", 1)),
        "Z": int(meta.get("slices", 1)),
        "T": int(meta.get("frames", 1)),
    }
    return sizes if sizes["C"] * sizes["Z"] * sizes["T"] == pages else None


class TiffSeries(Series):
    """Planes in pages of one or several TIFF files; a page's samples are consecutive channels.

    Parameters
    ----------
    planes
        (z, first channel / samples, t) → page. A plane that is missing reads as zeros, as in OMETiffReader.
    """

    def __init__(self, image: ome.Image, planes: dict[tuple[int, int, int], tifffile.TiffPage]) -> None:
        super().__init__(image)
        self._planes = planes
        self._first = next(iter(planes.values()))
        self._samples = self._first.samplesperpixel
        if (self._first.imagewidth, self._first.imagelength) != (self.size_x, self.size_y):
            raise FormatError("The size of the image differs from that of its pages")
        self._levels = [(p.imagewidth, p.imagelength) for p in (self._first, *_sub_pages(self._first))]
        if page_type(self._first) != self.pixel_type:
            raise FormatError("The pixel type of the image differs from that of its pages")

    @property
    def levels(self) -> list[tuple[int, int]]:
        """The page itself and the reduced images in its SubIFDs."""
        return self._levels

    @property
    def tile_size(self) -> tuple[int, int]:
        """The tile of the file, if it has tiles."""
        if self._first.is_tiled:
            return self._first.tilewidth, self._first.tilelength
        return super().tile_size

    def region(self, z: int, c: int, t: int, region: Region, level: int) -> np.ndarray:
        """Read from the page of the plane; zeros if there is none."""
        page = self._planes.get((z, c // self._samples, t))
        if page is None:
            return np.zeros((region.h, region.w), self.dtype)
        return read_page(page if level == 0 else _sub_pages(page)[level - 1], c % self._samples, region)


def _sub_pages(page: tifffile.TiffPage) -> list[tifffile.TiffPage]:
    """List the reduced images in the page's SubIFDs, largest first."""
    return cast(list[tifffile.TiffPage], list(page.pages or ()))
