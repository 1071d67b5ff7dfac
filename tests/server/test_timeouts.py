"""A server that keeps silent counts as away after a while; one that has much to do gets more time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import Ice
import omero
import pytest

from omero_rocrate_transfer.model.contents import OriginalFile
from omero_rocrate_transfer.model.errors import LinkLostError, LoginError
from omero_rocrate_transfer.server.read.files import iter_blocks
from omero_rocrate_transfer.server.session.clients import close_quietly
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.stateful import Service
from omero_rocrate_transfer.server.session.timeouts import limit_of, patient
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import seed

Hold = Callable[[str], None]


@pytest.fixture
def connection(sandbox: SandboxServer) -> Iterator[Connection]:
    one = Connection.login("tcp://127.0.0.1", sandbox.port, user="root", password="omero", timeout_s=1)
    yield one
    one.close()


@pytest.fixture
def hold(sandbox: SandboxServer) -> Iterator[Hold]:
    """Let the server hang in the next call of an operation until the end of the test."""
    go_on = Event()
    yield lambda operation: sandbox.faults.add(operation, lambda _: go_on.wait(60))
    go_on.set()


def test_call_without_an_answer_is_a_lost_link(connection: Connection, hold: Hold) -> None:
    hold("IQuery.projection")

    with pytest.raises(LinkLostError, match="no answer"), server_errors("Asking"):
        connection.query.projection("select i.id from Image i", None, connection.context())


def test_login_without_an_answer_is_told(sandbox: SandboxServer, hold: Hold) -> None:
    hold("Router.createSession")

    with pytest.raises(LoginError, match="No OMERO server answers"):
        Connection.login("tcp://127.0.0.1", sandbox.port, user="root", password="omero", timeout_s=1)


def test_file_without_an_answer_hangs_up_once_for_all_calls(
    connection: Connection, hold: Hold, tmp_path: Path
) -> None:
    (tmp_path / "data.bin").write_bytes(b"x" * 100)
    annotation = seed.attachment(connection.client, tmp_path / "data.bin", "application/octet-stream")
    number = connection.query.get("FileAnnotation", annotation.id.val).file.id.val
    hold("RawFileStore.read")
    hold("IAdmin.getEventContext")
    admin = connection.session.getAdminService().ice_invocationTimeout(60_000)
    waiting = admin.begin_getEventContext()

    with pytest.raises(LinkLostError):
        list(iter_blocks(connection, OriginalFile(key=str(number), path="data.bin", size_bytes=100)))

    with pytest.raises(Ice.ForcedCloseConnectionException):
        admin.end_getEventContext(waiting)


def test_work_that_grows_with_what_was_sent_gets_more_time(
    connection: Connection, sandbox: SandboxServer
) -> None:
    sandbox.faults.add("IQuery.projection", lambda _: Event().wait(1.5))
    started = time.monotonic()

    patient(connection.query, connection.limit_ms, size_bytes=100_000_000).projection(
        "select i.id from Image i", None, connection.context()
    )

    assert time.monotonic() - started > 1


def test_without_a_limit_nothing_is_limited(root: Any) -> None:
    query = root.sf.getQueryService()

    assert patient(query, limit_of(root), files=5) is query


def test_proxy_of_a_client_that_was_closed_meanwhile_is_a_lost_link(connection: Connection) -> None:
    query, store = connection.query, connection.session.createRawFileStore()
    close_quietly(connection.client)

    with pytest.raises(LinkLostError), server_errors("Asking"):
        patient(query, connection.limit_ms, files=5).get("Image", 1)
    with pytest.raises(LinkLostError), server_errors("Writing"):
        Service(store, connection.context(), connection.limit_ms).call("write", b"x", 0, 1)
    with pytest.raises(LinkLostError):
        _ = connection.managed_repository


def test_connection_that_comes_back_lets_go_of_its_dead_client(connection: Connection) -> None:
    dead = connection.client
    dead.getSession().destroy()

    connection.revive()

    with pytest.raises(omero.ClientError, match="No Ice"):
        dead.getCommunicator()
    assert connection.query.projection("select i.id from Image i", None, connection.context()) == []


def test_server_that_keeps_silent_while_we_come_back_is_told_with_host_and_port(
    connection: Connection, sandbox: SandboxServer, hold: Hold
) -> None:
    connection.client.getSession().destroy()
    hold("Router.createSession")

    with pytest.raises(LinkLostError, match=f"No OMERO server answers at 127.0.0.1:{sandbox.port}"):
        connection.revive()
    connection.revive()

    assert connection.query.projection("select i.id from Image i", None, connection.context()) == []
