"""Which buffer serves an image (ome.io.nio.PixelsService._getPixelBuffer)."""

from pathlib import Path

import omero
import omero.clients

from omero_sandbox.images.buffer import PixelBuffer, Shape
from omero_sandbox.images.originals import OriginalBuffer
from omero_sandbox.images.pyramid import PyramidBuffer, PyramidWriter
from omero_sandbox.images.romio import RomioBuffer

_MAX_WIDTH = "omero.pixeldata.max_plane_width"
_MAX_HEIGHT = "omero.pixeldata.max_plane_height"
_FLOATS_TOO = "omero.pixeldata.max_plane_float_override"
_BACKOFF = 15_000


def id_path(root: Path, identifier: int) -> Path:
    """Path of the file of an object; ids from 1000 on lie in folders (AbstractFileSystemService.getPath)."""
    folder = Path()
    rest = identifier
    while rest > 999:
        rest //= 1000
        if rest > 0:
            folder = Path(f"Dir-{rest % 1000:03d}") / folder
    return root / folder / str(identifier)


def pixels_path(data_dir: Path, pixels: int) -> Path:
    """Path of the ROMIO file of an image."""
    return id_path(data_dir / "Pixels", pixels)


def pyramid_path(data_dir: Path, pixels: int) -> Path:
    """Path of the pyramid of an image."""
    path = pixels_path(data_dir, pixels)
    return path.with_name(f"{path.name}_pyramid")


def requires_pyramid(config: dict[str, str], shape: Shape) -> bool:
    """Whether the server serves such an image from a pyramid; floating-point images never need one."""
    exempt = config.get(_FLOATS_TOO, "true") == "true" and shape.pixel_type in ("float", "double")
    return (
        shape.x * shape.y > int(config.get(_MAX_WIDTH, 3192)) * int(config.get(_MAX_HEIGHT, 3192))
        and not exempt
    )


def open_buffer(
    data_dir: Path, pixels: int, shape: Shape, *, big: bool, original: OriginalBuffer | None, write: bool
) -> PixelBuffer:
    """Open the buffer of an image.

    Parameters
    ----------
    big
        What `requires_pyramid` says.
    original
        Reader of the image's fileset, if it has one.
    write
        Whether a writable buffer is welcome; whether one is given depends on what is on disk.

    Raises
    ------
    omero.LockTimeout
        Nothing is written yet and only reading was asked for.
    omero.MissingPyramidException
        The pyramid is yet to be made.
    """
    path, pyramid = pixels_path(data_dir, pixels), pyramid_path(data_dir, pixels)
    if pyramid.exists():
        return PyramidBuffer(shape, pyramid, original)
    if big and (original is not None or path.exists()):
        if original is not None and len(original.levels) > 1:
            return original
        raise omero.MissingPyramidException(None, None, f"Missing pyramid: {pyramid}", _BACKOFF, pixels)
    if original is not None:
        return original
    if not path.exists() and not write:
        waiting = (
            "Pixels pyramid missing, being created or import in progress." if big else "Import in progress."
        )
        raise omero.LockTimeout(None, None, waiting, _BACKOFF, _BACKOFF // 1000)
    return PyramidWriter(shape, pyramid) if big else RomioBuffer(shape, path)
