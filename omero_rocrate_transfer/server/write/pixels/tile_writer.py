"""Writes pixels into OMERO's own pixel file (ROMIO), band by band."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.stateful import Service, closing_all, open_pixels_store
from omero_rocrate_transfer.server.session.tiles import CALL_BYTES
from omero_rocrate_transfer.server.write.pixels.bands import Part, PlaneFacts, iter_bands
from omero_rocrate_transfer.transfer.faultpoints import faultpoint
from omero_rocrate_transfer.transfer.ports import PixelsReader


class PyramidNeededError(Exception):
    """The server would make a lossy pyramid of these tiles; nothing was written."""


def write_tiles(
    connection: Connection, pixels: int, group: int, reader: PixelsReader, doing: str
) -> PlaneFacts:
    """Write all planes of a new image.

    One store does it all: once a byte is there, every store opened later is read-only
    (omero-romio PixelsService._getPixelBuffer), and each one that wrote digests the whole file at its end.

    Parameters
    ----------
    pixels
        Id of Pixels that nothing was written to.

    Raises
    ------
    PyramidNeededError
        The planes are above the server's limit; the image can only be deleted now.
    """
    facts = PlaneFacts(reader)
    with server_errors(doing):
        store = open_pixels_store(connection, pixels, connection.context(group))
    with closing_all([store], doing), server_errors(doing):
        if store.call("requiresPixelsPyramid"):
            raise PyramidNeededError
        _send(store, reader, facts)
        # Saving makes the server read the file again for its digest (omero-server RawPixelsBean.save).
        store.call("save", size_bytes=prod(reader.shape) * reader.dtype.itemsize)
    return facts


def _send(store: Service, reader: PixelsReader, facts: PlaneFacts) -> None:
    pending = None
    for band in iter_bands(reader):
        for arguments in _calls(band):
            # While a call is in flight, the next band is digested.
            if pending is not None:
                pending.result()
            pending = store.begin("setTile", *arguments)
        facts.take(band)
        faultpoint("server:band-written")
    if pending is not None:
        pending.result()


def _calls(band: Part) -> Iterator[tuple[Any, ...]]:
    """Yield the arguments of setTile: full-width rows, the only ones a pixel file takes."""
    t, c, z = band.plane
    height, width = band.pixels.shape
    big = band.pixels.astype(band.pixels.dtype.newbyteorder(">"), copy=False)
    rows = max(1, CALL_BYTES // (width * big.dtype.itemsize))
    for top in range(0, height, rows):
        part = np.ascontiguousarray(big[top : top + rows])
        yield part.tobytes(), z, c, t, 0, band.y + top, width, len(part)
