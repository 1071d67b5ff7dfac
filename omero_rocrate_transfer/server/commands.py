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
from omero_rocrate_transfer.server.errors import NO_SPACE, server_errors
from omero_rocrate_transfer.server.session import Connection

#: The server tells when it is done; asking too makes up for a message that got lost.
_POLL_MS: Final = 2000


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
    """Delete objects, ids by type, and what belongs to them: all or none."""
    wanted = {name: list(ids) for name, ids in targets.items() if ids}
    doing = "Deleting " + ", ".join(f"{name}:{','.join(map(str, ids))}" for name, ids in wanted.items())
    with server_errors(doing):
        handle = connection.session.submit(Delete2(targetObjects=wanted), connection.context(group))
    wait_for(connection, handle, doing)


def _refused(error: Any, doing: str) -> TransferError:
    parameters = error.parameters or {}
    text = str(getattr(error, "message", "") or parameters.get("message") or "")
    reason = ": ".join(part for part in (error.name, *text.strip().splitlines()[:1]) if part)
    if NO_SPACE in text:
        return StoppedError(f"{doing}: the server's disk is full.", hint="Make room there first.")
    return TransferError(f"{doing}: the server refused: {reason or error.category}")
