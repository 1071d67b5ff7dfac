"""Commands that a server works on by itself, and waiting for their answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import Ice
import omero
from omero.callbacks import CmdCallbackI
from omero.cmd import ERR, Delete2, GraphException
from omero.cmd.graphs import ChildOption

from omero_rocrate_transfer.model.errors import NotFoundError, RefusedError, StoppedError, TransferError
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import NO_SPACE, collision, server_errors, taken_in
from omero_rocrate_transfer.server.session.queries import IDS_PER_QUERY, Reader, batches

#: The server tells when it is done; asking too makes up for a message that got lost.
_POLL_MS: Final = 2000
#: What ``omero delete`` keeps unless it is told otherwise (omero-py plugins/delete.py).
_SHARED: Final = ("FileAnnotation", "TagAnnotation", "TermAnnotation")
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
    IncompleteError
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


def delete(
    connection: Connection, type_name: str, ids: Iterable[int], group: int, *, keep_shared: bool = False
) -> None:
    """Delete objects of one type and what belongs to them, batch by batch; see `delete_all`."""
    for batch in batches(ids, IDS_PER_QUERY):
        delete_all(connection, {type_name: batch}, group, keep_shared=keep_shared)


def delete_all(
    connection: Connection,
    targets: Mapping[str, Sequence[int]],
    group: int,
    *,
    dry_run: bool = False,
    keep_shared: bool = False,
) -> dict[str, set[int]]:
    """Delete objects, ids by type, and what belongs to them: all or none.

    Parameters
    ----------
    dry_run
        Whether nothing is deleted.
    keep_shared
        Whether tags, terms and attachments on them stay, as ``omero delete`` keeps them, also when nothing
        else has them.

    Returns
    -------
    dict
        Ids of all that was, or would be, deleted, by class without package.

    An image is not deleted while it is a field of a plate (omero-blitz blitz-delete-rules.xml), so with
    filesets go the plates that have fields of nothing else.
    """
    filesets = targets.get("Fileset", ())
    plates = {*targets.get("Plate", ()), *_plates_of(connection, filesets)}
    wanted = {name: list(ids) for name, ids in {**targets, "Plate": sorted(plates)}.items() if ids}
    if not wanted:
        return {}
    doing = "Deleting " + ", ".join(f"{name}:{','.join(map(str, ids))}" for name, ids in wanted.items())
    request = Delete2(targetObjects=wanted, dryRun=dry_run)
    if keep_shared:
        request.childOptions = [ChildOption(excludeType=list(_SHARED))]
    with server_errors(doing):
        handle = connection.session.submit(request, connection.context(group))
    deleted = wait_for(connection, handle, doing).deletedObjects
    return {name.rpartition(".")[2]: set(ids) for name, ids in deleted.items()}


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
    if (constraint := taken_in("\n".join((text, *map(str, parameters.values()))))) is not None:
        return collision(constraint, doing)
    if NO_SPACE in text:
        return StoppedError(f"{doing}: the server's disk is full.", hint="Make room there first.")
    if isinstance(error, GraphException) and text.startswith("cannot read"):
        return NotFoundError(f"{doing}: {text.splitlines()[0]}: missing, or not readable by this user.")
    return RefusedError(f"{doing}: the server refused: {reason or error.category}")
