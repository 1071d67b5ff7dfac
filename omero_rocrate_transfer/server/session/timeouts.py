"""How long a server may keep silent before it counts as away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import Ice

#: Seconds, unless told otherwise.
TIMEOUT_S: Final = 300
#: Seconds in which a connection is there (omero-py Constants, CONNECTTIMEOUT), and in which a server that is
#: well answers the simplest of questions.
CONNECT_S: Final = 5
#: Seconds that the end of a connection is waited for.
_CLOSE_S: Final = 2
_LIMIT: Final = "Ice.Override.Timeout"
#: What a server digests in a second at least, in bytes; slow disks on the network give about this.
_DIGESTED_PER_S: Final = 10_000_000
#: Files that a server makes rows of, or compares, in a second at least.
_FILES_PER_S: Final = 20
#: Images that a server makes a thumbnail of in a second at least.
_IMAGES_PER_S: Final = 1


def ice_properties(timeout_s: int) -> dict[str, str]:
    """Return the properties of a client that waits this long for an answer, and for progress in a message.

    Nothing limits a call otherwise: omero-py sets no such property, and Ice 3.6 waits for ever. The
    invocation timeout -2 is that of older Ices: a call without an answer also closes its connection, so that
    all other calls on it, and those that clean up behind it, fail at once instead of one timeout after the
    other (Ice 3.6 manual, ``Ice.Default.InvocationTimeout``); it is for calls that block, see `in_flight`.
    Ice's heartbeats are no help: Glacier2 sends one in 300 s (``Glacier2.SessionTimeout``), and a server that
    hangs sends them too.
    """
    properties = {
        "Ice.Default.InvocationTimeout": "-2",
        _LIMIT: str(timeout_s * 1000),
        "Ice.Override.CloseTimeout": str(_CLOSE_S * 1000),
    }
    if timeout_s < CONNECT_S:
        properties["Ice.Override.ConnectTimeout"] = str(timeout_s * 1000)
    return properties


def limit_of(client: Any) -> int:
    """Return how long a client waits for an answer, in ms; 0 where nothing limits it.

    To be asked of a client that has just connected, and kept: once another thread has closed the client, Ice
    3.6.5 crashes where one of its proxies is asked for the communicator (IcePy, getCommunicatorWrapper).
    """
    return max(0, int(client.getProperty(_LIMIT) or 0))


def patient(proxy: Any, limit_ms: int, *, size_bytes: int = 0, files: int = 0, images: int = 0) -> Any:
    """Return the proxy for a call whose work on the server grows with what was sent there.

    Parameters
    ----------
    limit_ms
        For calls whose work does not; 0 where there is none.
    size_bytes
        What the server reads again for a digest, as when a written file is closed.
    files
        How many the server makes or compares.
    images
        How many the server renders.
    """
    if not limit_ms:
        return proxy
    more_s = size_bytes / _DIGESTED_PER_S + files / _FILES_PER_S + images / _IMAGES_PER_S
    return proxy.ice_invocationTimeout(limit_ms + int(more_s * 1000))


@contextmanager
def in_flight(proxy: Any, limit_ms: int) -> Iterator[Any]:
    """Give the proxy for calls that are begun and ended in the block, several at a time.

    Each has a limit of its own, and the first without an answer hangs up. The invocation timeout -2 is not
    for them: where Ice 3.6.5 sends such a call again over a new connection, it sets the timer a second time,
    stumbles over that in its own thread, and never ends the calls there (ProxyOutgoingAsyncBase::cancelable).
    """
    limited = patient(proxy, limit_ms)
    try:
        yield limited
    except Ice.InvocationTimeoutException:
        with suppress(Ice.LocalException):
            limited.ice_getConnection().close(True)  # noqa: FBT003 -- at once
        raise
