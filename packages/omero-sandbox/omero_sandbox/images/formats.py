"""Choose the reader for the first file of an import, as Bio-Formats' ImageReader does."""

from pathlib import Path

from omero_sandbox.images.errors import UnknownFormatError
from omero_sandbox.images.fake import open_fake
from omero_sandbox.images.ome_tiff import open_companion, open_ome_tiff
from omero_sandbox.images.pattern import open_pattern
from omero_sandbox.images.raster import open_raster
from omero_sandbox.images.series import Original
from omero_sandbox.images.tiff import open_pages, open_tiff, page_at

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_RASTER = (b"\x89PNG", b"\xff\xd8\xff")


def open_original(path: Path) -> Original:
    """Open the images that start from `path`; other files of the set are found by what `path` says.

    Raises
    ------
    UnknownFormatError
        No reader takes the file.
    FormatError
        It is damaged or holds what OMERO cannot store.
    OSError
        It, or a file it names, is missing.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing")
    name = path.name.lower()
    if name.endswith(".fake"):
        return open_fake(path)
    if name.endswith(".companion.ome"):
        return open_companion(path)
    if name.endswith(".pattern"):
        return open_pattern(path, open_original)
    with path.open("rb") as file:
        head = file.read(4)
    if head in _TIFF:
        return _open_any_tiff(path)
    if head.startswith(_RASTER):
        return open_raster(path)
    raise UnknownFormatError(f"Unknown file format: {path}")


def _open_any_tiff(path: Path) -> Original:
    with open_pages(path) as tiff:
        description = page_at(tiff, 0).description if len(tiff.pages) else ""
    is_ome = description.rstrip().endswith("OME>") and "<" in description[:10]
    return open_ome_tiff(path) if is_ome else open_tiff(path)
