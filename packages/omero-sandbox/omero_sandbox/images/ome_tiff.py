"""OME-TIFF: OME-XML in the first page, in a ``.companion.ome`` file or in a sibling (OMETiffReader)."""

from collections.abc import Iterator
from pathlib import Path

import tifffile
from ome_types import from_xml
from ome_types import model as ome

from omero_sandbox.images.errors import FormatError
from omero_sandbox.images.series import Original, Series
from omero_sandbox.images.tiff import TiffSeries, open_pages, page_at


def open_companion(path: Path) -> Original:
    """Open the images that a ``.companion.ome`` file describes."""
    return _Reader(path, path.read_text(encoding="utf-8")).open()


def open_ome_tiff(path: Path) -> Original:
    """Open an OME-TIFF; one that holds only a part of a set leads to the file that describes the whole.

    Raises
    ------
    FileNotFoundError
        A sibling that the metadata names is missing.
    """
    with open_pages(path) as tiff:
        xml = page_at(tiff, 0).description
    document = _parse(xml)
    if document.binary_only is None:
        return _Reader(path, xml).open()
    metadata = path.parent / document.binary_only.metadata_file
    if metadata.suffix == ".ome":
        return open_companion(metadata)
    return open_ome_tiff(metadata)


def _parse(xml: str) -> ome.OME:
    try:
        document: ome.OME = from_xml(xml)
    except ValueError as error:
        raise FormatError(f"Malformed OME-XML: {error}") from error
    return document


class _Reader:
    """Pair the planes of the metadata with pages of files."""

    def __init__(self, path: Path, xml: str) -> None:
        self._path = path
        self._document = _parse(xml)
        self._files: dict[Path, tifffile.TiffFile] = {}

    def open(self) -> Original:
        try:
            series: list[Series] = [TiffSeries(im, self._planes(im)) for im in self._document.images]
        except Exception:
            self._close()
            raise
        if not series:
            raise FormatError(f"{self._path.name} describes no image")
        return Original(self._document, series, "OMETiff", close=self._close)

    def _planes(self, image: ome.Image) -> dict[tuple[int, int, int], tifffile.TiffPage]:
        pixels = image.pixels
        samples = max((channel.samples_per_pixel or 1 for channel in pixels.channels), default=1)
        blocks = pixels.tiff_data_blocks or [ome.TiffData()]
        planes: dict[tuple[int, int, int], tifffile.TiffPage] = {}
        for block in blocks:
            file = self._file(block)
            for ifd, plane in _assign(block, pixels, samples, len(file.pages)):
                planes[plane] = page_at(file, ifd)
        if not planes:
            raise FormatError(f"Image {image.id} has no planes")
        return planes

    def _file(self, block: ome.TiffData) -> tifffile.TiffFile:
        name = block.uuid.file_name if block.uuid and block.uuid.file_name else None
        path = self._path.parent / name if name else self._path
        if not path.exists() and block.uuid and block.uuid.value == self._document.uuid:
            path = self._path  # renamed after it was written: the UUID still says it is this very file
        if path not in self._files:
            if not path.is_file():
                raise FileNotFoundError(f"{self._path.name} names {name}, which is missing")
            self._files[path] = open_pages(path)
        return self._files[path]

    def _close(self) -> None:
        for file in self._files.values():
            file.close()


def _assign(
    block: ome.TiffData, pixels: ome.Pixels, samples: int, pages: int
) -> Iterator[tuple[int, tuple[int, int, int]]]:
    """Yield (IFD, (z, c, t)) of one TiffData block by the rules of the OME-TIFF specification."""
    given = block.model_fields_set
    start = block.ifd if "ifd" in given else 0
    count = block.plane_count if "plane_count" in given else (1 if "ifd" in given else pages - start)
    sizes = {"Z": pixels.size_z, "C": max(1, pixels.size_c // samples), "T": pixels.size_t}
    first = {"Z": block.first_z or 0, "C": block.first_c or 0, "T": block.first_t or 0}
    a, b, c = tuple(pixels.dimension_order.value[2:])
    number = first[a] + sizes[a] * (first[b] + sizes[b] * first[c])
    total = sizes["Z"] * sizes["C"] * sizes["T"]
    for step in range(min(count or 0, total - number)):
        index = number + step
        at = {a: index % sizes[a], b: index // sizes[a] % sizes[b], c: index // (sizes[a] * sizes[b])}
        if start + step >= pages:
            raise FormatError(f"IFD {start + step} is missing")
        yield start + step, (at["Z"], at["C"], at["T"])
