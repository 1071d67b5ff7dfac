"""Clients of OMERO: how they come into a session, and what is done with one whose connection is lost."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

import Ice
import omero

from omero_rocrate_transfer.model.errors import LinkLostError, LoginError
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.timeouts import CONNECT_S


def close_quietly(client: Any) -> None:
    """Destroy a client whose connection is gone: OMERO's own way would say goodbye to the server first."""
    with suppress(Ice.Exception, omero.ClientError):
        client.getCommunicator().destroy()
        client.closeSession()


def rejoin(properties: dict[str, str], key: str) -> Any:
    """Return a new client in a session whose client is lost.

    OMERO's command line would take any failure for the end of a stored session, and forget it.

    Parameters
    ----------
    properties
        Of the lost client.
    key
        Of the session.

    Raises
    ------
    LoginError
        The session is gone, or nobody answers there (yet).
    """
    client = omero.client(pmap=dict(properties))
    return opened(client, host_of(client), "", "", key)


def host_of(client: Any) -> str:
    """Return the name or address of the server of a client."""
    # A URL is kept apart from a host name (omero-py BaseClient.__init__).
    return client.getProperty("omero.url.host") or client.getProperty("omero.host") or "localhost"


def refuse_silence(host: str, port: int) -> None:
    """Raise where nobody listens: OMERO's own login would tell that from a wrong password by words only."""
    try:
        socket.create_connection((host, port), timeout=CONNECT_S).close()
    except OSError as error:
        raise no_answer(host, port) from error


def no_answer(host: str, port: int) -> LinkLostError:
    """Return the error for a server that was there before."""
    return LinkLostError(
        f"No OMERO server answers at {host}:{port}.", hint="Run the same command again later."
    )


def is_silence(error: LoginError) -> bool:
    """Tell whether a login failed because nobody answered it."""
    return isinstance(error.__cause__, (Ice.LocalException, omero.ClientError))


def opened(client: Any, where: str, user: str, password: str, key: str) -> Any:
    """Return a new client with its session, or close it."""
    try:
        _open_session(client, where, user, password, key)
    except BaseException:
        close_quietly(client)
        raise
    return client


def _open_session(client: Any, where: str, user: str, password: str, key: str) -> None:
    doing = f"Logging in to {where} as {user}" if not key else f"Joining the session on {where}"
    if not key and not (user and password):
        raise LoginError(f"{doing}: user name or password are empty.", hint="Give both, or a session key.")
    try:
        with server_errors(doing):
            if key:
                # The session belongs to whoever made the key: it must outlive this client.
                client.joinSession(key).detachOnDestroy()
            else:
                client.createSession(user, password)
    except LoginError as error:
        if is_silence(error):
            raise LoginError(
                f"No OMERO server answers at {where} ({type(error.__cause__).__name__}).",
                hint="Check host and port.",
            ) from error.__cause__
        raise
