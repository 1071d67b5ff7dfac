"""Stateful services of a server: opened, called and closed here, with one call in flight each.

A server keeps a database session, a file or a buffer for each of these services and serves one call at a
time. A second one fails and wrecks the first, or both wait for ever (seen on OMERO.server 5.6.18 with
RawFileStore, uploaders and stores of ``ManagedRepository.fileById``). Parallelism is several services with
one call each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any, Final

import Ice
import omero
import omero.clients

from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.timeouts import patient

_FAILURES: Final = (Ice.Exception, omero.ClientError)
Context = dict[str, str]


class PendingCall:
    """A call that was sent and whose answer is fetched later, by any thread.

    Each has a limit of its own, and the first one without an answer hangs up: nothing must be sent to a
    service that may still be busy. Ice's invocation timeout -2, which hangs up by itself, is not for such
    calls: where Ice 3.6.5 sends one again over a new connection, it sets the timer a second time, stumbles
    over that in its own thread, and never ends the calls there (ProxyOutgoingAsyncBase::cancelable).

    Parameters
    ----------
    context
        Of the call; that of the session if None.
    """

    def __init__(self, proxy: Any, operation: str, arguments: Sequence[Any], context: Context | None) -> None:
        self._end = getattr(proxy, f"end_{operation}")
        self._proxy = proxy
        self._lock = Lock()
        self._answer: Any = None
        self._error: Exception | None = None
        self._sent: Any = getattr(proxy, f"begin_{operation}")(*arguments, _ctx=context)

    def result(self) -> Any:
        """Return the answer or raise the error that the server answered with; to be called once."""
        self.wait()
        if self._error is not None:
            raise self._error
        answer, self._answer = self._answer, None
        return answer

    def wait(self) -> None:
        """Return when the answer is there."""
        with self._lock:
            if self._sent is None:
                return
            try:
                self._answer = self._end(self._sent)
            except Ice.InvocationTimeoutException as error:
                with suppress(Ice.LocalException):
                    self._proxy.ice_getConnection().close(True)  # noqa: FBT003 -- at once
                self._error = error
            except Ice.Exception as error:
                self._error = error
            self._sent = None


class Service:
    """One stateful service: a call waits until the one before it has been answered.

    Parameters
    ----------
    proxy
        Of the service.
    context
        Of all its calls.
    limit_ms
        How long an answer is waited for; 0 for no limit.
    """

    def __init__(self, proxy: Any, context: Context, limit_ms: int) -> None:
        self._proxy = proxy
        self._context = context
        self._limit_ms = limit_ms
        self._lock = Lock()
        self._last: PendingCall | None = None
        #: Whether `close` was sent.
        self.is_closed = False

    def call(self, operation: str, *arguments: Any, **work: int) -> Any:
        """Return the answer of an operation; ``work`` is what `timeouts.patient` takes."""
        return self.begin(operation, *arguments, **work).result()

    def begin(self, operation: str, *arguments: Any, **work: int) -> PendingCall:
        """Send a call and return at once, so that something else is done until its answer is needed."""
        with self._lock:
            if self._last is not None:
                self._last.wait()
            self._last = self._send(patient(self._proxy, self._limit_ms, **work), operation, arguments)
            return self._last

    def close(self, **work: int) -> None:
        """Close the service now, not at the end of the block that it is open for."""
        self.begin_close(**work).result()

    def begin_close(self, **work: int) -> PendingCall:
        """Send the last call."""
        self.is_closed = True
        return self.begin("close", **work)

    def _send(self, proxy: Any, operation: str, arguments: Sequence[Any]) -> PendingCall:
        return PendingCall(proxy, operation, arguments, self._context)


def close_all(services: Sequence[Service]) -> None:
    """Close services, all at the same time; raise the first error once all have been tried."""
    pending, errors = [], []
    for service in services:
        if not service.is_closed:
            try:
                pending.append(service.begin_close())
            except _FAILURES as error:
                errors.append(error)
    for call in pending:
        try:
            call.result()
        except _FAILURES as error:
            errors.append(error)
    if errors:
        raise errors[0]


def close_quietly(services: Sequence[Service]) -> None:
    """Close services after an error: what happened first is what matters."""
    with suppress(*_FAILURES):
        close_all(services)


@contextmanager
def closing_all(services: Sequence[Service], doing: str) -> Iterator[None]:
    """Close services at the end of the block, also those that were added to the list in it."""
    try:
        yield
    except BaseException:
        close_quietly(services)
        raise
    with server_errors(doing):
        close_all(services)


def open_repository_stores(
    connection: Connection, file: int, context: Context, count: int = 1
) -> list[Service]:
    """Return stores that read a file of the managed repository, opened at the same time.

    Opened in one call and read at up to twice the speed of `open_file_stores`.

    Raises
    ------
    omero.SecurityViolation
        The file is not in this repository, or not readable (omero-blitz PublicRepositoryI.checkId).
    """
    return _open(connection, connection.managed_repository, "fileById", (file,), context, count=count)


def open_file_stores(connection: Connection, file: int, context: Context, count: int = 1) -> list[Service]:
    """Return RawFileStores of a file wherever it is, opened at the same time."""
    stores = _open(connection, connection.session, "createRawFileStore", (), context, count=count)
    return _call_all(stores, "setFileId", file)


def open_pixels_store(connection: Connection, pixels: int, context: Context) -> Service:
    """Return a RawPixelsStore of some Pixels."""
    stores = _open(connection, connection.session, "createRawPixelsStore", (), context)
    # The flag is ignored by the server; the group must be given here (omero-server RawPixelsBean).
    return _call_all(stores, "setPixelsId", pixels, True)[0]  # noqa: FBT003 -- as OMERO has it


def open_thumbnail_store(connection: Connection, context: Context) -> Service:
    """Return a ThumbnailStore."""
    return _open(connection, connection.session, "createThumbnailStore", (), context)[0]


def open_import(connection: Connection, fileset: Any, settings: Any, context: Context) -> Service:
    """Return the process of a new import."""
    return _open(
        connection,
        connection.managed_repository,
        "importFileset",
        (fileset, settings),
        context,
        files=fileset.sizeOfUsedFiles(),
    )[0]


def open_uploader(connection: Connection, process: Service, place: int, context: Context) -> Service:
    """Return the store that takes the bytes of one file of an import, the same one until it is closed."""
    uploader = process.call("getUploader", place)
    if uploader is None:
        # what a server answers that has failed to open the file (omero-blitz ManagedImportProcessI)
        raise omero.InternalException(None, None, "it opened no store for the file")
    return Service(uploader, context, connection.limit_ms)


def _open(
    connection: Connection,
    proxy: Any,
    operation: str,
    arguments: Sequence[Any],
    context: Context,
    *,
    count: int = 1,
    files: int = 0,
) -> list[Service]:
    """Open services at the same time, each by the same call; return all or none."""
    limit_ms = connection.limit_ms
    proxy = patient(proxy, limit_ms, files=files)
    services: list[Service] = []
    errors: list[Exception] = []
    for call in [PendingCall(proxy, operation, arguments, context) for _ in range(count)]:
        try:
            services.append(Service(call.result(), context, limit_ms))
        except _FAILURES as error:
            errors.append(error)
    if errors:
        close_quietly(services)
        raise errors[0]
    return services


def _call_all(services: list[Service], operation: str, *arguments: Any) -> list[Service]:
    """Call an operation of all services at the same time; close them if it fails."""
    try:
        for call in [service.begin(operation, *arguments) for service in services]:
            call.result()
    except BaseException:
        close_quietly(services)
        raise
    return services
