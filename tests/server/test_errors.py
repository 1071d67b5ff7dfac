"""What servers raise, as our own errors with one sentence."""

import Glacier2
import Ice
import omero
import pytest

from omero_rocrate_transfer.model.errors import (
    IntegrityError,
    LinkLostError,
    LoginError,
    NotFoundError,
    RefusedError,
    StoppedError,
    TransferError,
)
from omero_rocrate_transfer.server.session.errors import is_transient, message_of, server_errors, translate


def server_error(kind: type, message: str) -> Exception:
    error: Exception = kind(None, "java.lang.Exception", message)
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Glacier2.PermissionDeniedException("Password check failed for 'ada': [id]"), LoginError),
        (Glacier2.CannotCreateSessionException("No such group"), LoginError),
        (Ice.ConnectionLostException(), LinkLostError),
        (Ice.ObjectNotExistException(), LinkLostError),
        (Ice.CommunicatorDestroyedException(), LinkLostError),
        (Ice.UnknownLocalException("Ice.ConnectionLostException: recv() returned zero"), LinkLostError),
        (Ice.UnknownUserException("::omero::RemovedSessionException"), LinkLostError),
        (Ice.UnknownException("java.lang.NullPointerException"), TransferError),
        (
            server_error(omero.ValidationException, "The requested object (Image,5) is not available."),
            NotFoundError,
        ),
        (server_error(omero.RemovedSessionException, "No context for uuid"), LinkLostError),
        (server_error(omero.SecurityViolation, "Cannot read ome.model.core.Image:Id_5"), NotFoundError),
        (server_error(omero.SecurityViolation, "Download is restricted for Plate"), NotFoundError),
        (server_error(omero.ReadOnlyGroupSecurityViolation, "Group is read-only"), RefusedError),
        (
            server_error(omero.ValidationException, "No row with the given identifier exists"),
            NotFoundError,
        ),
        (server_error(omero.ValidationException, "not-null property references a null"), RefusedError),
        (omero.ChecksumValidationException(None, None, "differs", {0: "ab", 2: "cd"}), IntegrityError),
        (server_error(omero.ResourceError, "/OMERO/Files/5 is missing"), NotFoundError),
        (server_error(omero.ResourceError, "java.io.IOException: No space left on device"), StoppedError),
        (server_error(omero.InternalException, " Wrapped Exception: (java.lang.X):\nbad"), TransferError),
        (omero.ClientError("no router"), TransferError),
        (omero.ClientError("Obtained null object prox"), LinkLostError),
        (omero.ClientError("No session available"), LinkLostError),
    ],
)
def test_each_error_gets_its_class_and_one_line_naming_the_work(
    error: Exception, expected: type[TransferError]
) -> None:
    told = translate(error, "Reading Image:5")

    assert type(told) is expected
    assert told.message.startswith("Reading Image:5: ")
    assert "\n" not in str(told)


def test_block_raises_the_translated_error_with_its_cause() -> None:
    cause = Ice.ConnectionLostException()

    with pytest.raises(LinkLostError) as caught, server_errors("Reading Image:5"):
        raise cause

    assert caught.value.__cause__ is cause


def test_block_leaves_our_own_and_foreign_errors_alone() -> None:
    with pytest.raises(IntegrityError, match="promised"), server_errors("x"):
        raise IntegrityError("not as promised")
    with pytest.raises(KeyError), server_errors("x"):
        raise KeyError("y")


def test_passwords_in_server_messages_never_appear_in_login_errors() -> None:
    denied = Glacier2.PermissionDeniedException("Password check failed for 'ada': [secret]")

    assert "secret" not in str(translate(denied, "Logging in"))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Ice.ConnectionLostException(), True),
        (Ice.ConnectionRefusedException(), True),
        (Ice.ConnectTimeoutException(), True),
        (server_error(omero.SessionTimeoutException, "expired"), True),
        (omero.TryAgain(None, None, "deadlock", 500), True),
        (omero.MissingPyramidException(None, None, "soon", 500, 3), True),
        (LinkLostError("gone"), True),
        (omero.WrappedCreateSessionException("starting", True, 1000, "x"), True),
        (omero.WrappedCreateSessionException("no group", False, 0, "x"), False),
        (server_error(omero.SecurityViolation, "no"), False),
        (server_error(omero.ValidationException, "no"), False),
        (Glacier2.PermissionDeniedException("no"), False),
        (ValueError("no"), False),
    ],
)
def test_transient_errors_are_told_from_permanent_ones(error: Exception, expected: bool) -> None:
    assert is_transient(error) is expected


def test_translated_errors_are_as_transient_as_their_cause() -> None:
    with pytest.raises(TransferError) as caught, server_errors("Saving"):
        raise omero.TryAgain(None, None, "deadlock", 500)

    assert is_transient(caught.value)


def test_long_server_messages_are_cut_to_their_first_line() -> None:
    assert message_of(server_error(omero.InternalException, f"\n {'x' * 400}\nmore")) == "x" * 300
