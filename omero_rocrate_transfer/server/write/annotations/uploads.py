"""Attached files on their way into a server."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

import Ice
import omero.model
from omero.rtypes import rstring
from omero.sys import ParametersI

from omero_rocrate_transfer.model.digests import Hasher
from omero_rocrate_transfer.model.errors import IntegrityError, TransferError
from omero_rocrate_transfer.server.session.commands import delete
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.timeouts import patient
from omero_rocrate_transfer.transfer.faultpoints import faultpoint

#: The algorithm that OMERO's own clients use (omero-py BaseClient.upload).
_ALGORITHM: Final = "SHA1-160"
#: Bytes per write; ``omero.block_size`` of OMERO's own clients.
BLOCK_SIZE: Final = 4 * 1024 * 1024
_STORED: Final = "select f.size, f.hash from OriginalFile f where f.id = :id"


def upload_file(
    connection: Connection,
    group: int,
    blocks: Iterable[bytes],
    *,
    name: str,
    path: str | None,
    media_type: str | None,
) -> int:
    """Create an OriginalFile from a stream and return its id.

    Raises
    ------
    IntegrityError
        The server holds something else afterwards; the file is deleted again.
    """
    doing = f"Uploading {name}"
    context = connection.context(group)
    with server_errors(doing):
        number = connection.update.saveAndReturnIds([_row(name, path, media_type)], context)[0]
    try:
        faultpoint("server:file-created")
        sent = _send(connection, number, blocks, context, doing)
        _check(connection, number, sent, context, doing)
    except BaseException:
        # What happened first is what matters.
        with suppress(TransferError):
            delete(connection, "OriginalFile", [number], group)
        raise
    return int(number)


def _row(name: str, path: str | None, media_type: str | None) -> Any:
    file = omero.model.OriginalFileI()
    file.name, file.path = rstring(name), rstring(path or "")
    file.mimetype = None if media_type is None else rstring(media_type)
    file.hasher = omero.model.ChecksumAlgorithmI()
    file.hasher.value = rstring(_ALGORITHM)
    return file


def _send(
    connection: Connection, number: int, blocks: Iterable[bytes], context: dict[str, str], doing: str
) -> Hasher:
    hasher = Hasher([_ALGORITHM])
    with server_errors(doing):
        store = connection.session.createRawFileStore()
        store.setFileId(number, context)
    try:
        # A file of no bytes exists only once something was written to it.
        with server_errors(doing):
            store.write(b"", 0, 0, context)
        for block in blocks:
            for start in range(0, len(block), BLOCK_SIZE):
                part = block[start : start + BLOCK_SIZE]
                with server_errors(doing):
                    store.write(part, hasher.size_bytes, len(part), context)
                hasher.update(part)
    except BaseException:
        with suppress(Ice.Exception):
            store.close(context)
        raise
    with server_errors(doing):
        # Saving makes the server read the file again for its digest (omero-server RawFileBean.save).
        patient(store, connection.limit_ms, size_bytes=hasher.size_bytes).save(context)
        store.close(context)
    return hasher


def _check(connection: Connection, number: int, sent: Hasher, context: dict[str, str], doing: str) -> None:
    with server_errors(doing):
        [[size, digest]] = connection.query.projection(_STORED, ParametersI().addId(number), context)
    expected = sent.digests()[_ALGORITHM].hex
    found = (0 if size is None else size.val, "" if digest is None else digest.val.lower())
    if found != (sent.size_bytes, expected):
        raise IntegrityError(
            f"{doing}: the server holds {found[0]} bytes with {_ALGORITHM} {found[1]}, "
            f"sent were {sent.size_bytes} with {expected}.",
            hint="Run it again.",
        )
