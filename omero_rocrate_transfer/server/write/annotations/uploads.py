"""Attached files on their way into a server."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

import omero.model
from omero.rtypes import rstring
from omero.sys import ParametersI

from omero_rocrate_transfer.model.digests import Hasher
from omero_rocrate_transfer.model.errors import IntegrityError, TransferError
from omero_rocrate_transfer.server.session.commands import delete
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.stateful import closing_all, open_file_stores
from omero_rocrate_transfer.server.session.streams import block_bytes
from omero_rocrate_transfer.server.session.writing import write_blocks
from omero_rocrate_transfer.transfer.faultpoints import faultpoint

#: The algorithm that OMERO's own clients use (omero-py BaseClient.upload).
_ALGORITHM: Final = "SHA1-160"
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
        stores = open_file_stores(connection, number, context)
    with closing_all(stores, doing), server_errors(doing):
        [store] = stores
        write_blocks(store, blocks, hasher, block_bytes(connection.round_trip_s))
        # Saving makes the server read the file again for its digest (omero-server RawFileBean.save).
        store.call("save", size_bytes=hasher.size_bytes)
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
