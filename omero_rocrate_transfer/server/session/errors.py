"""What OMERO and Ice raise, told in the words of this package."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import Glacier2
import Ice
import omero

from omero_rocrate_transfer.model.errors import (
    IntegrityError,
    LinkLostError,
    LoginError,
    NotFoundError,
    RefusedError,
    StoppedError,
    TransferError,
)

#: What a servant, a connection or a session answers once it is gone. Which of them a client sees depends on
#: how far the server is with cleaning up (omero-server SessionCache, omero-blitz ServiceFactoryI, Glacier2).
_GONE: Final = (
    omero.SessionException,
    Glacier2.SessionNotExistException,
    Ice.SocketException,
    Ice.TimeoutException,
    Ice.DNSException,
    Ice.ProtocolException,
    Ice.CloseConnectionException,
    Ice.ForcedCloseConnectionException,
    Ice.CommunicatorDestroyedException,
    Ice.ObjectAdapterDeactivatedException,
    Ice.ObjectNotExistException,
)
#: What an ``omero.client`` says where nobody took its connection, and once another thread has closed it
#: (omero-py BaseClient.createSession, getCommunicator, getAdapter, getSession).
_CLIENT_GONE: Final = (
    "Obtained null object prox",
    "No Ice.Communicator active",
    "No Ice.ObjectAdapter active",
    "No session available",
)
NO_SPACE: Final = "No space left on device"
_LONGEST_MESSAGE: Final = 300
#: What IQuery.get, lazy loading and RawPixelsStore.setPixelsId say of objects that are not there.
_MISSING: Final = ("is not available", "No row with the given identifier exists", "Cannot read")


@contextmanager
def server_errors(doing: str) -> Iterator[None]:
    """Raise what happens on the server inside this block as a `TransferError`.

    Parameters
    ----------
    doing
        What is being done and on which object, like ``"Reading Image:5"``; it begins the sentence.
    """
    try:
        yield
    except (Ice.Exception, omero.ClientError) as error:
        raise translate(error, doing) from error


def translate(error: Exception, doing: str) -> TransferError:
    """Return the error of this package for one of OMERO or Ice."""
    if NO_SPACE in message_of(error):
        return StoppedError(
            f"{doing}: the server's disk is full.", hint="Make room there, then run it again."
        )
    if _is_gone(error):
        return _link_lost(error, doing)
    for kinds, tell in _RULES:
        if isinstance(error, kinds):
            return tell(error, doing)
    return TransferError(f"{doing}: the server failed with {type(error).__name__}: {message_of(error)}")


def is_transient(error: BaseException) -> bool:
    """Tell whether the same call may succeed a little later, perhaps on a new connection."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (LinkLostError, omero.ConcurrencyException)) or _is_gone(cause):
            return True
        if isinstance(cause, omero.WrappedCreateSessionException):
            return bool(cause.concurrency)
        cause = cause.__cause__
    return False


def message_of(error: Exception) -> str:
    """Return the first line that says something of an error of OMERO or Ice."""
    for name in ("message", "reason", "unknown"):
        lines = str(getattr(error, name, "") or "").strip().splitlines()
        if lines:
            return lines[0].strip()[:_LONGEST_MESSAGE]
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:_LONGEST_MESSAGE]


def _is_gone(error: BaseException) -> bool:
    if isinstance(error, Ice.UnknownException):
        # The router passes on by name what it met itself, or what an operation does not declare.
        return any(name in error.unknown for name in _names(_GONE))
    if isinstance(error, omero.ClientError):
        return str(error).startswith(_CLIENT_GONE)
    return isinstance(error, _GONE)


@cache
def _names(kinds: tuple[type, ...]) -> frozenset[str]:
    """Return the names of classes and of all classes below them."""
    below = (_names(tuple(kind.__subclasses__())) for kind in kinds)
    return frozenset(kind.__name__ for kind in kinds).union(*below)


def _denied(_: Any, doing: str) -> TransferError:
    return LoginError(
        f"{doing}: user name or password are not accepted.",
        hint="Check both; a session key may have expired.",
    )


def _no_session(error: Any, doing: str) -> TransferError:
    return LoginError(f"{doing}: the server opens no session: {message_of(error)}")


def _link_lost(error: Any, doing: str) -> TransferError:
    if isinstance(error, Ice.TimeoutException) and not isinstance(error, Ice.ConnectTimeoutException):
        return LinkLostError(
            f"{doing}: no answer from the server ({type(error).__name__}).",
            hint="Run the same command again, with a longer --timeout if the server is slow.",
        )
    return LinkLostError(
        f"{doing}: the connection to the server ended ({type(error).__name__}).",
        hint="Run the same command again.",
    )


def _forbidden(error: Any, doing: str) -> TransferError:
    message = message_of(error)
    if message.startswith("Cannot read"):
        return NotFoundError(f"{doing}: not readable by this user.", hint="Log in as a user who may read it.")
    if message.startswith("Download is restricted"):
        return NotFoundError(f"{doing}: the server's policy does not give its files out.")
    return RefusedError(f"{doing}: this user may not do that: {message}")


def _bad_digest(error: Any, doing: str) -> TransferError:
    count = len(error.failingChecksums or {})
    return IntegrityError(
        f"{doing}: the server's digests differ from ours for {count} file(s).", hint="Run it again."
    )


def _invalid(error: Any, doing: str) -> TransferError:
    message = message_of(error)
    if any(words in message for words in _MISSING):
        return NotFoundError(f"{doing}: missing, or not readable by this user.")
    return RefusedError(f"{doing}: the server does not accept it: {message}")


def _busy(error: Any, doing: str) -> TransferError:
    return TransferError(f"{doing}: the server is busy: {message_of(error)}", hint="Run it again later.")


def _no_resource(error: Any, doing: str) -> TransferError:
    return NotFoundError(f"{doing}: the server cannot read its own file: {message_of(error)}")


#: From the special to the general: the first that fits is used.
_RULES: Final[tuple[tuple[Any, Callable[[Any, str], TransferError]], ...]] = (
    (Glacier2.PermissionDeniedException, _denied),
    (Glacier2.CannotCreateSessionException, _no_session),
    (omero.SecurityViolation, _forbidden),
    (omero.ChecksumValidationException, _bad_digest),
    (omero.ValidationException, _invalid),
    ((omero.ConcurrencyException, omero.OverUsageException, Ice.MemoryLimitException), _busy),
    (omero.ResourceError, _no_resource),
)
