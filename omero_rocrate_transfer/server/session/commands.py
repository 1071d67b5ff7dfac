"""Commands that a server works on by itself, and waiting for their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import Ice
import omero
from omero.callbacks import CmdCallbackI
from omero.cmd import ERR, Delete2

from omero_rocrate_transfer.model.errors import StoppedError, TransferError
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import NO_SPACE, server_errors
from omero_rocrate_transfer.server.session.queries import Reader

#: The server tells when it is done; asking too makes up for a message that got lost.
_POLL_MS: Final = 2000
_PLATES: Final = (
    "select ws.id, w.plate.id from WellSample ws join ws.well w join ws.image i where i.fileset.id in (:ids)"
    " order by ws.id"
)
_FIELDS: Final = (
    "select ws.id, w.plate.id, f.id from WellSample ws join ws.well w join ws.image i"
    " left outer join i.fileset f where w.plate.id in (:ids) order by ws.id"
)


def wait_for(connection: Connection, handle: Any, doing: str) -> Any:
    """Return the answer of a command once it is there; cancels the command where waiting is cut short.

    Raises
    ------
    TransferError
        The server answered with an error.
    """
    with server_errors(doing):
        callback = CmdCallbackI(connection.client, handle)
        try:
            while not callback.block(_POLL_MS):
                callback.poll()
            response = callback.getResponse()
        except BaseException:
            with suppress(Ice.Exception, omero.ClientError):
                handle.cancel()
            raise
        finally:
            with suppress(Ice.Exception):
                callback.close(True)  # noqa: FBT003 -- closes the handle too
    if isinstance(response, ERR):
        raise _refused(response, doing)
    return response


def delete(connection: Connection, type_name: str, ids: list[int], group: int) -> None:
    """Delete objects of one type and what belongs to them."""
    delete_all(connection, {type_name: ids}, group)


def delete_all(connection: Connection, targets: Mapping[str, Sequence[int]], group: int) -> None:
    """Delete objects, ids by type, and what belongs to them: all or none.

    An image is not deleted while it is a field of a plate (omero-blitz blitz-delete-rules.xml), so with
    filesets go the plates that have fields of nothing else.
    """
    filesets = targets.get("Fileset", ())
    plates = {*targets.get("Plate", ()), *_plates_of(connection, filesets)}
    wanted = {name: list(ids) for name, ids in {**targets, "Plate": sorted(plates)}.items() if ids}
    if not wanted:
        return
    doing = "Deleting " + ", ".join(f"{name}:{','.join(map(str, ids))}" for name, ids in wanted.items())
    with server_errors(doing):
        handle = connection.session.submit(Delete2(targetObjects=wanted), connection.context(group))
    wait_for(connection, handle, doing)


def _plates_of(connection: Connection, filesets: Sequence[int]) -> set[int]:
    """Return the plates whose fields all are images of these filesets."""
    reader, chosen = Reader(connection), set(filesets)
    rows = reader.rows(_PLATES, chosen, doing="Looking for plates of filesets")
    plates = {plate for _, plate in rows}
    fields = reader.rows(_FIELDS, plates, doing="Looking for the fields of plates")
    return plates - {plate for _, plate, fileset in fields if fileset not in chosen}


def _refused(error: Any, doing: str) -> TransferError:
    parameters = error.parameters or {}
    text = str(getattr(error, "message", "") or parameters.get("message") or "")
    reason = ": ".join(part for part in (error.name, *text.strip().splitlines()[:1]) if part)
    if NO_SPACE in text:
        return StoppedError(f"{doing}: the server's disk is full.", hint="Make room there first.")
    return TransferError(f"{doing}: the server refused: {reason or error.category}")
