"""Bytes on their way into a store of a server."""

from __future__ import annotations

from collections.abc import Iterable

from omero_rocrate_transfer.model.digests import Hasher
from omero_rocrate_transfer.server.session.stateful import PendingCall, Service
from omero_rocrate_transfer.server.session.streams import resized


def write_blocks(store: Service, blocks: Iterable[bytes], hasher: Hasher, size: int) -> None:
    """Write a stream into a store from its beginning; one block is read and hashed while another is sent.

    Parameters
    ----------
    hasher
        Takes in what is written.
    size
        Bytes of a call.
    """
    pending: PendingCall | None = None
    for block in resized(blocks, size):
        offset = hasher.size_bytes
        hasher.update(block)
        if pending is not None:
            pending.result()
        pending = store.begin("write", block, offset, len(block))
    if pending is None:
        # A file of no bytes exists only once something was written to it.
        pending = store.begin("write", b"", 0, 0)
    pending.result()
