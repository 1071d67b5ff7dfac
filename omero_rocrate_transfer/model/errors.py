"""Errors of omero_rocrate_transfer; each class carries the exit code of the command it ends.

TransferError                 exit 1    a bug, if nothing more specific is raised
├── UsageError                exit 2    the command line asks for something that cannot be
├── IncompleteError           exit 3    the run ended, some items failed or were left out
│   └── OddItemError                    an item holds values that nothing can be made of
├── IntegrityError            exit 4    bytes or objects differ from what was promised
│   └── DigestMismatchError
├── NotFoundError             exit 5    an object or a path is missing or not readable
├── LoginError                exit 6    no connection or no session
│   └── LinkLostError                   the link broke while working
├── RefusedError              exit 7    the target exists, or another run holds it
│   ├── OtherDatabaseError              another database answers after a lost connection
│   └── CollisionError                  somebody made the same at the same time
├── UnsafeCrateError          exit 8    the crate is invalid or hostile; nothing was written
│   └── CrateLimitError                 it asks for more than a limit allows
└── StoppedError              exit 9    a limit or a full disk; the same command goes on
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from omero_rocrate_transfer.model.secrets import redact

if TYPE_CHECKING:
    from omero_rocrate_transfer.model.digests import Digest

#: Hint for a crate that is invalid or hostile, whoever reads it and whatever for.
GET_AGAIN: Final = "Do not trust it: get it again, or ask who made it."


class TransferError(Exception):
    """An error that is told in one sentence: what failed, on which object, what to do.

    Parameters
    ----------
    message
        What failed and on which object; one sentence without a line break.
    hint
        What the reader can do about it.
    """

    exit_code: ClassVar[int] = 1
    #: Stable word for machines; the texts may change, this does not.
    error_id: ClassVar[str] = "unexpected"

    def __init__(self, message: str, *, hint: str = "") -> None:
        # both may quote what a server said
        self.message, self.hint = redact(message), redact(hint)
        super().__init__(self.message)
        #: Whether it was tried again in vain already.
        self.was_retried = False

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(TransferError):
    """The command line asks for something that cannot be."""

    exit_code = 2
    error_id = "usage"


class IncompleteError(TransferError):
    """The run ended, but some items failed."""

    exit_code = 3
    error_id = "incomplete"


class OddItemError(IncompleteError):
    """One item holds values that nothing can be made of; the others do not suffer from it."""

    error_id = "odd-item"

    #: What such values raise, somewhere, in this package or in a library.
    CAUSES: ClassVar[tuple[type[Exception], ...]] = (
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        RecursionError,
        TypeError,
        ValueError,
    )

    def __init__(self, name: object, cause: Exception) -> None:
        reason = ": ".join(filter(None, (type(cause).__name__, " ".join(str(cause).split())[:200])))
        super().__init__(
            f"{name} holds values that cannot be carried ({reason}).",
            hint="The log says where; please report it.",
        )


class IntegrityError(TransferError):
    """Bytes or objects differ from what was promised."""

    exit_code = 4
    error_id = "integrity"


class DigestMismatchError(IntegrityError):
    """The bytes read are not the bytes that were promised."""

    error_id = "digest-mismatch"

    def __init__(self, name: str, *, expected: Digest, found: Digest, hint: str = "") -> None:
        super().__init__(
            f"{name}: {expected.algorithm} is {found.hex}, expected {expected.hex}.",
            hint=hint or "The file changed or was damaged; get it again from its source.",
        )


class NotFoundError(TransferError):
    """An object or a path is missing or not readable."""

    exit_code = 5
    error_id = "not-found"


class LoginError(TransferError):
    """No connection, or the server does not let this user in."""

    exit_code = 6
    error_id = "login"


class LinkLostError(LoginError):
    """The connection or the session ended while work was under way."""

    error_id = "link-lost"


class RefusedError(TransferError):
    """The target exists already, or another run is at work on it."""

    exit_code = 7
    error_id = "refused"


class OtherDatabaseError(RefusedError):
    """After a lost connection another database answers in the place of the server."""

    error_id = "other-database"


class CollisionError(RefusedError):
    """Somebody made the same thing at the same time; a repetition finds it there."""

    error_id = "collision"


class UnsafeCrateError(TransferError):
    """The crate is invalid or hostile; nothing was written."""

    exit_code = 8
    error_id = "unsafe-crate"


class CrateLimitError(UnsafeCrateError):
    """The crate asks for more than a limit allows, which whoever trusts it may raise."""

    error_id = "crate-limit"

    def __init__(self, message: str, *, limit: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        #: Field of the limits of crates that refused it.
        self.limit = limit


class StoppedError(TransferError):
    """A limit or a full disk ended the run; the same command goes on."""

    exit_code = 9
    error_id = "stopped"
