"""Pixels of one image, read tile by tile through several RawPixelsStores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Lock
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import omero
import omero.clients
from omero.sys import ParametersI

from omero_rocrate_transfer.model.errors import IntegrityError, NotFoundError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.tiles import best_tile

#: Samples arrive big-endian, whatever the file (omero-romio BfPixelsWrapper.swapIfRequired).
DTYPES: Final = {
    name: np.dtype(code)
    for name, code in {
        "bit": "u1", "int8": "i1", "uint8": "u1", "int16": ">i2", "uint16": ">u2", "int32": ">i4",
        "uint32": ">u4", "float": ">f4", "double": ">f8",
    }.items()
}  # fmt: skip
#: Stores open at most for one image.
STORES: Final = 4
_PIXELS: Final = (
    "select p.id, p.sizeT, p.sizeC, p.sizeZ, p.sizeY, p.sizeX, t.value from Pixels p join p.pixelsType t"
    " where p.image.id = :id order by p.id"
)


class ServerPixels:
    """The pixels of one image; implements `omero_rocrate_transfer.transfer.ports.PixelsReader`.

    A RawPixelsStore shares one buffer between its calls (omero-server RawPixelsBean.getTile), so each thread
    takes a store of its own from a pool that grows to as many as are used at once.

    Parameters
    ----------
    stores
        Stores open at most; more threads than that wait for one another.

    Raises
    ------
    NotFoundError
        The image is missing, not readable, without pixels, or its pixels are of a type that is not given out.
    """

    def __init__(self, connection: Connection, image: ObjectRef, *, stores: int = STORES) -> None:
        self._connection = connection
        self._doing = f"Reading the pixels of {image}"
        self._pixels_id, self.shape, self.dtype = _look_up(connection, image, self._doing)
        self._free = BoundedSemaphore(stores)
        self._idle: SimpleQueue[Any] = SimpleQueue()
        self._all: list[Any] = []
        self._lock = Lock()
        with self._store() as store, server_errors(self._doing):
            width, height = store.getTileSize()
        #: Width and height of tiles that cost the server little; multiples of 256, or up to the edge.
        self.tile_size: tuple[int, int] = best_tile(self.shape[4], self.shape[3], width, height, self.dtype)

    def read_tile(
        self, t: int, c: int, z: int, x: int, y: int, width: int, height: int
    ) -> npt.NDArray[np.generic]:
        """Return one tile, shape ``(height, width)``, a view of the bytes as they came."""
        with self._store() as store, server_errors(self._doing):
            data = self._read(store, (z, c, t), (x, y, width, height))
        if len(data) != width * height * self.dtype.itemsize:
            raise IntegrityError(
                f"{self._doing}: a tile of {width} x {height} came with {len(data)} bytes.",
            )
        return np.frombuffer(data, dtype=self.dtype).reshape(height, width)

    def _read(self, store: Any, plane: tuple[int, int, int], region: tuple[int, int, int, int]) -> bytes:
        try:
            return store.getTile(*plane, *region)
        except omero.InternalException:
            x, y, width, height = region
            if (x, width) != (0, self.shape[4]):
                raise
            # A plane that begins with 80 7F 80 7F … counts as never written (RomioPixelBuffer.getPlane), but
            # not below; where this is not the trouble, the answer is an error again.
            row = width * self.dtype.itemsize
            return store.getRegion(height * row, store.getPlaneOffset(*plane) + y * row)

    def close(self) -> None:
        """Close all stores; safe to call twice."""
        with self._lock:
            stores, self._all = self._all, []
        for store in stores:
            with server_errors(self._doing):
                store.close(self._connection.context())

    @contextmanager
    def _store(self) -> Iterator[Any]:
        with self._free:
            try:
                store = self._idle.get_nowait()
            except Empty:
                store = self._open()
            yield store
            # Not given back after an error: its state is unknown, and `close` has it still.
            self._idle.put(store)

    def _open(self) -> Any:
        with server_errors(self._doing):
            store = self._connection.session.createRawPixelsStore()
            with self._lock:
                self._all.append(store)
            # The flag is ignored by the server; the group must be given here (omero-server RawPixelsBean).
            store.setPixelsId(self._pixels_id, True, self._connection.context())  # noqa: FBT003 -- as OMERO has it
        return store


def _look_up(
    connection: Connection, image: ObjectRef, doing: str
) -> tuple[int, tuple[int, int, int, int, int], np.dtype[np.generic]]:
    """Return the id of the pixels, their shape ``(t, c, z, y, x)`` and their big-endian dtype."""
    with server_errors(doing):
        rows = connection.query.projection(_PIXELS, ParametersI().addId(image.id), connection.context())
    if not rows:
        raise NotFoundError(f"{image}: not found, not readable by user {connection.user}, or without pixels.")
    pixels, t, c, z, y, x, kind = (value.val for value in rows[0])
    if kind not in DTYPES:
        raise NotFoundError(f"{image}: OMERO gives out no pixels of type {kind}.")
    return pixels, (t, c, z, y, x), DTYPES[kind]
