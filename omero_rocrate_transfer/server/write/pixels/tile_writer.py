"""Writes pixels into OMERO's own pixel file (ROMIO), band by band."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import prod
from typing import Any

import Ice
import numpy as np

from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.tiles import CALL_BYTES
from omero_rocrate_transfer.server.session.timeouts import in_flight, patient
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
    context = connection.context(group)
    with _open_store(connection, pixels, context, doing) as store:
        with server_errors(doing):
            if store.requiresPixelsPyramid():
                raise PyramidNeededError
        with server_errors(doing), in_flight(store, connection.limit_ms) as writer:
            _send(writer, reader, facts)
        with server_errors(doing):
            # Saving makes the server read the file again for its digest (omero-server RawPixelsBean.save).
            size_bytes = prod(reader.shape) * reader.dtype.itemsize
            patient(store, connection.limit_ms, size_bytes=size_bytes).save(context)
    return facts


def _send(store: Any, reader: PixelsReader, facts: PlaneFacts) -> None:
    flying = None
    for band in iter_bands(reader):
        for call in _calls(band):
            # One call in flight, for a store has one buffer; meanwhile the next band is digested.
            if flying is not None:
                store.end_setTile(flying)
            flying = store.begin_setTile(*call)
        facts.take(band)
        faultpoint("server:band-written")
    store.end_setTile(flying)


def _calls(band: Part) -> Iterator[tuple[Any, ...]]:
    """Yield the arguments of setTile: full-width rows, the only ones a pixel file takes."""
    t, c, z = band.plane
    height, width = band.pixels.shape
    big = band.pixels.astype(band.pixels.dtype.newbyteorder(">"), copy=False)
    rows = max(1, CALL_BYTES // (width * big.dtype.itemsize))
    for top in range(0, height, rows):
        part = np.ascontiguousarray(big[top : top + rows])
        yield part.tobytes(), z, c, t, 0, band.y + top, width, len(part)


@contextmanager
def _open_store(connection: Connection, pixels: int, context: dict[str, str], doing: str) -> Iterator[Any]:
    with server_errors(doing):
        store = connection.session.createRawPixelsStore()
    try:
        with server_errors(doing):
            store.setPixelsId(pixels, True, context)  # noqa: FBT003 -- ignored by the server
        yield store
    except BaseException:
        # What happened first is what matters.
        with suppress(Ice.Exception):
            store.close(context)
        raise
    with server_errors(doing):
        store.close(context)
