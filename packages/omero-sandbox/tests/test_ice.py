"""Servants made from plain objects, called through real Ice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import Glacier2
import Ice
import omero
import omero.clients
import pytest

from omero_sandbox.net.faults import Faults
from omero_sandbox.net.ice import operations, servant


class Context:
    """Stands for a ServiceContext: lets every call in and keeps the names."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.server = SimpleNamespace(faults=Faults())
        self.unregistered: list[Any] = []

    @contextmanager
    def call(self, current: Any, operation: str) -> Iterator[str]:
        self.names.append(operation)
        yield f"call of {current.operation}"

    def unregister(self, implementation: Any) -> None:
        self.unregistered.append(implementation)


class Implementation:
    def __init__(self, **methods: Any) -> None:
        self.context = Context()
        self.__dict__.update(methods)


def raising(error: BaseException) -> Callable[..., None]:
    def method(*_: Any) -> None:
        raise error

    return method


@pytest.fixture
def serve() -> Iterator[Callable[..., Any]]:
    """Serve an implementation and give a proxy that calls it over a connection."""
    data = Ice.InitializationData()
    data.properties = Ice.createProperties()
    data.properties.setProperty("Ice.Warn.Dispatch", "0")
    data.properties.setProperty("Ice.ThreadPool.Server.Size", "4")
    server, client = Ice.initialize(data), Ice.initialize()
    adapter = server.createObjectAdapterWithEndpoints("test", "tcp -h 127.0.0.1 -p 0")
    adapter.activate()

    def start(interface: type, proxy: Any, implementation: Any) -> Any:
        made = adapter.addWithUUID(servant(interface, implementation))
        return proxy.uncheckedCast(client.stringToProxy(server.proxyToString(made)))

    yield start
    client.destroy()
    server.destroy()


def test_an_operation_gets_the_call_and_its_arguments(serve: Callable[..., Any]) -> None:
    implementation = Implementation(getConfigValue=lambda call, key: f"{call}: {key}")
    proxy = serve(omero.api.IConfig, omero.api.IConfigPrx, implementation)
    assert proxy.getConfigValue("a") == "call of getConfigValue: a"
    assert implementation.context.names == ["IConfig.getConfigValue"]


def test_an_operation_that_is_not_asynchronous_works_alike(serve: Callable[..., Any]) -> None:
    handle = Implementation(cancel=lambda call: True)
    assert serve(omero.cmd.Handle, omero.cmd.HandlePrx, handle).cancel() is True


@pytest.mark.parametrize("interface", ["IQuery", "IAdmin", "RawPixelsStore", "ServiceFactory"])
def test_every_operation_of_an_interface_has_a_method(interface: str) -> None:
    kind = getattr(omero.api, interface)
    made = servant(kind, Implementation())
    for name in operations(kind):
        method = getattr(made, f"{name}_async", None) or getattr(made, name)
        assert method.__qualname__.startswith("_dispatched")


def test_a_void_operation_answers(serve: Callable[..., Any]) -> None:
    proxy = serve(omero.api.IConfig, omero.api.IConfigPrx, Implementation(setConfigValue=lambda *_: None))
    assert proxy.setConfigValue("a", "b") is None


def test_a_lacking_operation_says_so(serve: Callable[..., Any]) -> None:
    proxy = serve(omero.api.IConfig, omero.api.IConfigPrx, Implementation())
    with pytest.raises(omero.InternalException, match=r"IConfig\.getVersion is not implemented"):
        proxy.getVersion()


@pytest.mark.parametrize(
    ("raised", "expected", "message"),
    [
        (omero.ValidationException(None, None, "no"), omero.ValidationException, "no"),
        (ValueError("bad"), omero.ApiUsageException, "bad"),
        (
            IndexError("7"),
            omero.InternalException,
            " Wrapped Exception: (java.lang.IndexOutOfBoundsException):\n7",
        ),
        (NotImplementedError("x"), omero.InternalException, "java.lang.UnsupportedOperationException"),
        (RuntimeError("y"), omero.InternalException, "java.lang.RuntimeException"),
    ],
)
def test_errors_are_translated(
    serve: Callable[..., Any], raised: Exception, expected: Any, message: str
) -> None:
    proxy = serve(omero.api.IConfig, omero.api.IConfigPrx, Implementation(getVersion=raising(raised)))
    with pytest.raises(expected) as caught:
        proxy.getVersion()
    assert message in caught.value.message


def test_an_error_that_an_operation_does_not_declare_is_unknown(serve: Callable[..., Any]) -> None:
    handle = Implementation(getStatus=raising(omero.ApiUsageException(None, None, "x")))
    with pytest.raises(Ice.UnknownUserException):
        serve(omero.cmd.Handle, omero.cmd.HandlePrx, handle).getStatus()


def test_ice_errors_pass(serve: Callable[..., Any]) -> None:
    failing = Implementation(getVersion=raising(Ice.ObjectNotExistException()))
    proxy = serve(omero.api.IConfig, omero.api.IConfigPrx, failing)
    with pytest.raises(Ice.ObjectNotExistException):
        proxy.getVersion()


def test_an_answer_of_the_wrong_type_is_an_error_not_a_crash(serve: Callable[..., Any]) -> None:
    proxy = serve(omero.api.IConfig, omero.api.IConfigPrx, Implementation(getVersion=lambda _: 5))
    with pytest.raises((omero.InternalException, Ice.UnknownException, Ice.MarshalException)):
        proxy.getVersion()


def test_a_stateful_service_closes_without_a_method_of_its_own(serve: Callable[..., Any]) -> None:
    implementation = Implementation()
    serve(omero.api.RawFileStore, omero.api.RawFileStorePrx, implementation).close()
    assert implementation.context.unregistered == [implementation]


def waiting(started: threading.Event, go_on: threading.Event) -> Callable[..., int]:
    def size(_: Any) -> int:
        started.set()
        assert go_on.wait(5)
        return 1

    return size


def test_a_second_call_of_a_busy_stateful_service_is_refused_and_the_service_is_lost(
    serve: Callable[..., Any],
) -> None:
    started, go_on = threading.Event(), threading.Event()
    implementation = Implementation(size=waiting(started, go_on), close=raising(ValueError("not saved")))
    proxy = serve(omero.api.RawFileStore, omero.api.RawFileStorePrx, implementation)
    first = proxy.begin_size()
    assert started.wait(5)
    with pytest.raises(omero.InternalException, match="Hibernate session is not re-entrant"):
        proxy.exists()
    go_on.set()
    assert proxy.end_size(first) == 1
    with pytest.raises(omero.InternalException, match="connection handle already closed"):
        proxy.size()
    proxy.close()
    assert implementation.context.unregistered == [implementation]


def test_short_calls_that_are_sent_together_meet(serve: Callable[..., Any]) -> None:
    proxy = serve(omero.api.RawFileStore, omero.api.RawFileStorePrx, Implementation(size=lambda _: 1))
    sent = [proxy.begin_size() for _ in range(2)]
    with pytest.raises(omero.InternalException):
        [proxy.end_size(each) for each in sent]


def test_calls_of_a_stateless_service_may_overlap(serve: Callable[..., Any]) -> None:
    both = threading.Barrier(2, timeout=5)
    proxy = serve(
        omero.api.IConfig, omero.api.IConfigPrx, Implementation(getVersion=lambda _: f"{both.wait()}")
    )
    sent = [proxy.begin_getVersion() for _ in range(2)]
    assert sorted(proxy.end_getVersion(each) for each in sent) == ["0", "1"]


def test_login_errors_of_glacier_pass(serve: Callable[..., Any]) -> None:
    failing = Implementation(createSession=raising(Glacier2.CannotCreateSessionException("full")))
    proxy = serve(omero.api.ISession, omero.api.ISessionPrx, failing)
    with pytest.raises(Glacier2.CannotCreateSessionException, match="full"):
        proxy.createSession(omero.sys.Principal(), "x")
