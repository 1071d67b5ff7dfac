"""From a Pixels row to its samples; shared by the services that read or write pixels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import omero
import omero.clients

from omero_sandbox.images.backend import open_buffer, requires_pyramid
from omero_sandbox.images.buffer import PixelBuffer, Shape
from omero_sandbox.images.originals import OriginalBuffer, Originals

if TYPE_CHECKING:
    from omero_sandbox.db.store import Row, Store
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext
    from omero_sandbox.server import SandboxServer

_ORIGINALS: WeakKeyDictionary[SandboxServer, Originals] = WeakKeyDictionary()


def originals_of(server: SandboxServer) -> Originals:
    """Give the server's opened originals; they are closed when it stops."""
    with server.store.lock:
        if server not in _ORIGINALS:
            _ORIGINALS[server] = Originals()
            server.resources.callback(_ORIGINALS[server].close)
        return _ORIGINALS[server]


def load_pixels(call: Call, pixels: int) -> Row:
    """Find a readable Pixels row.

    Raises
    ------
    omero.ValidationException
        It does not exist, or is not visible in the call's group (RawPixelsBean.setPixelsId).
    """
    row = call.store.get("Pixels", pixels)
    if row is None or not call.can_read(row):
        raise omero.ValidationException(None, None, f"Cannot read pixels id={pixels}")
    return row


def shape_of(store: Store, pixels: Row) -> Shape:
    """Read sizes and pixel type of a Pixels row."""
    x, y, z, c, t = (int(pixels.values[f"size{axis}"]) for axis in "XYZCT")
    kind = store.get("PixelsType", pixels.values["pixelsType"])
    return Shape(x, y, z, c, t, "" if kind is None else kind.values["value"])


def is_big(context: ServiceContext, pixels: Row) -> bool:
    """Tell whether the server needs a pyramid for an image."""
    return requires_pyramid(context.config, shape_of(context.store, pixels))


def original_path(context: ServiceContext, fileset: int) -> Path | None:
    """Path of the file that an import of a fileset starts from: its first one; None if it has no file."""
    row = context.store.get("Fileset", fileset)
    entries = context.store.children(row, "usedFiles") if row is not None else []
    file = context.store.get("OriginalFile", entries[0].values["originalFile"]) if entries else None
    return None if file is None else repository_path(context.data_dir, file)


def repository_path(data_dir: Path, file: Row) -> Path:
    """Path of a file of the managed repository."""
    return data_dir / "ManagedRepository" / (file.values["path"].lstrip("/") + file.values["name"])


def original_of(context: ServiceContext, pixels: Row) -> OriginalBuffer | None:
    """Open the original of an image; None if its pixels were written by a client."""
    image = context.store.get("Image", pixels.values["image"])
    fileset = image.values.get("fileset") if image is not None else None
    path = original_path(context, fileset) if fileset is not None else None
    if image is None or path is None:
        return None
    series = int(image.values.get("series") or 0)
    return OriginalBuffer(shape_of(context.store, pixels), path, series, originals_of(context.server))


def buffer_of(context: ServiceContext, pixels: Row, *, write: bool) -> PixelBuffer:
    """Open the buffer that serves an image, see `open_buffer`."""
    shape = shape_of(context.store, pixels)
    big = requires_pyramid(context.config, shape)
    original = original_of(context, pixels)
    if big and original is not None and _awaits_statistics(context.store, pixels):
        raise omero.MissingPyramidException(
            None, None, f"Missing statistics of {pixels.id}", 15_000, pixels.id
        )
    return open_buffer(context.data_dir, pixels.id, shape, big=big, original=original, write=write)


def _awaits_statistics(store: Store, pixels: Row) -> bool:
    """Big images wait for the server's PixelData process, which fills in the channels' extremes."""
    return any(channel.values.get("statsInfo") is None for channel in store.children(pixels, "channels"))
