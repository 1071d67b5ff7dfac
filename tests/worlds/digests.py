"""Reads the bytes of files and images as a client gets them."""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import Any

from omero_sandbox.db.store import Row

_BLOCK = 1_000_000


class Digests:
    """Digests of the bytes behind rows; whatever a server does not give out has none.

    Parameters
    ----------
    client : omero.client
        Logged in as an administrator.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def __call__(self, row: Row) -> str:
        """Return the digest for the row of an OriginalFile or of Pixels."""
        context = self._client.getImplicitContext()
        context.put("omero.group", str(row.group))
        try:
            return self._file(row) if row.type == "OriginalFile" else self._pixels(row)
        finally:
            context.remove("omero.group")

    def _file(self, row: Row) -> str:
        digest = hashlib.sha256()
        with closing(self._client.sf.createRawFileStore()) as store:
            store.setFileId(row.id)
            size = row.values.get("size", 0)
            for offset in range(0, size, _BLOCK):
                digest.update(store.read(offset, min(_BLOCK, size - offset)))
        return digest.hexdigest()

    def _pixels(self, row: Row) -> str:
        digest = hashlib.sha256()
        z, c, t = (row.values[f"size{axis}"] for axis in "ZCT")
        with closing(self._client.sf.createRawPixelsStore()) as store:
            store.setPixelsId(row.id, False)
            for place in ((at_z, at_c, at_t) for at_t in range(t) for at_c in range(c) for at_z in range(z)):
                digest.update(store.getPlane(*place))
        return digest.hexdigest()
