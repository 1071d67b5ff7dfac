"""What OMERO and Ice raise, told in the words of this package."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import Glacier2
import Ice
import omero

from omero_rocrate_transfer.model.errors import (
    CollisionError,
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
#: What the database says of a row that is there already: foreign keys have names that begin with fk
#: (omero-server, names that Hibernate gives them), and are no matter of time.
_TAKEN: Final = re.compile(r"could not insert: \[.*?constraint \[\"?(?!fk|null)(\w+)", re.DOTALL)
#: What the server says to a user without the role that a call needs (active users have ``user``), to one
#: in a group that is not theirs, and to one who wants a session of somebody else (omero-server 5.6).
_NO_ROLE: Final = re.compile(r"No matching roles found .*\(allowed: \[(?P<roles>.*?)\]\)", re.DOTALL)
_NO_MEMBER: Final = re.compile(r"User \d+ is not a member of group (?P<group>-?\d+)")
_NO_SUDO: Final = "Group sudo is not permitted"
#: Keys of sessions look like this, and messages may name them.
_KEY: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
#: Constraint on the rows of files and folders of a repository.
FOLDER_ROW: Final = "originalfile_repo_path_index"
#: What an import says of a folder that another one just makes, before its row is there (omero-blitz 5.8).
_UNREGISTERED: Final = "exists but is not registered"
NO_SPACE: Final = "No space left on device"
_LONGEST_MESSAGE: Final = 300
#: What IQuery.get, lazy loading and RawPixelsStore.setPixelsId say of objects that are not there.
_MISSING: Final = ("is not available", "No row with the given identifier exists", "Cannot read")


class UnloadedError(TransferError):
    """An object came with its id only, where its fields were asked for.

    Parameters
    ----------
    found
        The object.
    doing
        As for `server_errors`.
    """

    error_id = "unloaded"

    def __init__(self, found: Any, doing: str) -> None:
        name = type(found).__name__.removesuffix("I")
        number = found.__dict__["_id"]
        super().__init__(
            f"{doing}: {name}:{number.val if number is not None else '?'} came without its fields, for the"
            " query does not fetch what it refers to.",
            hint="This is a bug; please report it with the log.",
        )


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
        if isinstance(cause, (LinkLostError, CollisionError, omero.ConcurrencyException)) or _is_gone(cause):
            return True
        if isinstance(cause, omero.WrappedCreateSessionException):
            return bool(cause.concurrency)
        cause = cause.__cause__
    return False


def constraint_of(error: BaseException) -> str | None:
    """Return the constraint that keeps a row from being made a second time, None for any other error."""
    if isinstance(error, CollisionError):
        return constraint_of(error.__cause__) if error.__cause__ is not None else None
    if isinstance(error, omero.ResourceError) and _UNREGISTERED in str(error.message):
        return FOLDER_ROW
    return taken_in(str(error.message)) if isinstance(error, omero.ValidationException) else None


def taken_in(text: str) -> str | None:
    """Return the constraint that a text of the server names as `constraint_of` does."""
    match = _TAKEN.search(text)
    return None if match is None else match[1].lower()


def message_of(error: Exception) -> str:
    """Return the first line that says something of an error of OMERO or Ice."""
    texts = (str(getattr(error, name, "") or "").strip() for name in ("message", "reason", "unknown"))
    text = next(filter(None, texts), str(error).strip()) or type(error).__name__
    return _KEY.sub("…", text.splitlines()[0].strip())[:_LONGEST_MESSAGE]


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
    return LoginError(
        f"{doing}: the server opens no session: {message_of(error).rstrip('.')}.",
        hint="Check user and group.",
    )


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
    if (role := _NO_ROLE.search(message)) is not None:
        return _no_role(role["roles"], doing)
    if (member := _NO_MEMBER.search(message)) is not None:
        return LoginError(
            f"{doing}: this user is not a member of group {member['group']}.",
            hint="Choose a group of this user, or ask an administrator for membership.",
        )
    if message.startswith(_NO_SUDO):
        return RefusedError(
            f"{doing}: this user may not open sessions for others.",
            hint="This takes an administrator with the privilege Sudo.",
        )
    return RefusedError(f"{doing}: this user may not do that: {message}")


def _no_role(roles: str, doing: str) -> TransferError:
    if "user" in re.split(r"\W+", roles):
        return LoginError(
            f"{doing}: this user is not active on the server.",
            hint="Ask an administrator to activate the account.",
        )
    return RefusedError(f"{doing}: only administrators may do that.")


def _bad_digest(error: Any, doing: str) -> TransferError:
    count = len(error.failingChecksums or {})
    return IntegrityError(
        f"{doing}: the server's digests differ from ours for {count} file(s).", hint="Run it again."
    )


def _invalid(error: Any, doing: str) -> TransferError:
    message = message_of(error)
    if (constraint := constraint_of(error)) is not None:
        return collision(constraint, doing)
    if any(words in message for words in _MISSING):
        return NotFoundError(f"{doing}: missing, or not readable by this user.")
    return RefusedError(f"{doing}: the server does not accept it: {message}")


def collision(constraint: str, doing: str) -> CollisionError:
    """Return the error for something that is there already by a constraint of the database."""
    return CollisionError(
        f"{doing}: the server has the same already, or somebody just makes it ({constraint}).",
        hint="Run the same command again.",
    )


def _busy(error: Any, doing: str) -> TransferError:
    return TransferError(f"{doing}: the server is busy: {message_of(error)}", hint="Run it again later.")


def _no_resource(error: Any, doing: str) -> TransferError:
    if (constraint := constraint_of(error)) is not None:
        return collision(constraint, doing)
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
