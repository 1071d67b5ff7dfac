"""Logging in, and what is known of a server afterwards."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from omero_rocrate_transfer.model.errors import LinkLostError, LoginError, TransferError, UsageError
from omero_rocrate_transfer.server.session.connection import Connection, lsid_host
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import world as demo_world

ROOT_PASSWORD = "omero"
Login = Callable[..., Connection]


@pytest.fixture
def login(sandbox: SandboxServer) -> Iterator[Login]:
    opened: list[Connection] = []

    def open_one(user: str = "root", password: str | None = None, **options: Any) -> Connection:
        url = f"tcp://{sandbox.host}"
        opened.append(
            Connection.login(
                url,
                sandbox.port,
                user=user,
                password=ROOT_PASSWORD if password is None else password,
                **options,
            )
        )
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_connection_knows_server_and_user(login: Login, sandbox: SandboxServer) -> None:
    connection = login()

    assert connection.info.host == "127.0.0.1"
    assert connection.info.database_uuid == sandbox.uuid
    assert connection.info.version.startswith("5.6")
    assert (connection.user, connection.user_id) == ("root", 0)


def test_wrong_password_is_one_sentence_without_the_password(login: Login) -> None:
    with pytest.raises(LoginError, match="not accepted") as caught:
        login(password="Hunter2!")

    assert "Hunter2!" not in str(caught.value)
    assert "root" in str(caught.value)
    assert not isinstance(caught.value, LinkLostError)


def test_unknown_user_is_told_like_a_wrong_password(login: Login) -> None:
    with pytest.raises(LoginError, match="not accepted"):
        login(user="nobody")


def test_empty_password_is_refused_before_any_call(login: Login, sandbox: SandboxServer) -> None:
    with pytest.raises(LoginError, match="empty"):
        login(password="")

    assert not sandbox.calls


def test_nobody_listening_is_told_with_host_and_port() -> None:
    port = free_port()

    with pytest.raises(LoginError, match=f"No OMERO server answers at .*127.0.0.1:{port}") as caught:
        Connection.login("tcp://127.0.0.1", port, user="root", password="omero")

    assert not isinstance(caught.value, LinkLostError)


def test_dead_session_key_is_not_accepted(login: Login) -> None:
    with pytest.raises(LoginError, match="Joining the session"):
        login(key="00000000-0000-0000-0000-000000000000")


def test_joining_a_session_by_key_leaves_it_open(login: Login, root: Any) -> None:
    key = root.getSessionId()
    root.sf.detachOnDestroy()

    login(key=key).close()

    again = login(key=key)
    assert again.user == "root"


def test_closing_ends_an_own_session(login: Login) -> None:
    connection = login()
    key = connection.client.getSessionId()

    connection.close()
    connection.close()

    with pytest.raises(LoginError):
        login(key=key)


def test_closing_leaves_a_lent_client_alone(root: Any) -> None:
    Connection(root, owned=False).close()

    assert root.sf.getAdminService().getEventContext().userName == "root"


def test_context_of_a_group_keeps_the_session(login: Login) -> None:
    connection = login()

    context = connection.context(5)

    assert context["omero.group"] == "5"
    assert context["omero.session.uuid"] == connection.client.getSessionId()
    assert "omero.client.uuid" in context


def test_group_is_chosen_by_name(login: Login, root: Any) -> None:
    people = demo_world.add_people(root)

    assert login("alice", "alice", group="cell lab").group_id == people.group
    with pytest.raises(UsageError, match="no group 'nowhere'"):
        login("alice", "alice", group="nowhere")


def test_a_stopped_server_is_a_lost_link(login: Login, sandbox: SandboxServer) -> None:
    connection = login()
    sandbox.stop()

    with pytest.raises(LinkLostError):
        _ = connection.managed_repository


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("omero.example.org", "omero.example.org"),
        ("localhost", "localhost.localdomain"),
        ("::1", "--1.localdomain"),
        ("ömero.org", "-mero.org"),
        ("omero.", "omero.localdomain"),
    ],
)
def test_lsid_hosts_are_valid_in_ome_xml(host: str, expected: str) -> None:
    assert lsid_host(host) == expected


def test_server_without_managed_repository_is_refused(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = login()
    monkeypatch.setattr(connection.client, "getManagedRepository", lambda: None)

    with pytest.raises(TransferError, match="no managed repository"):
        _ = connection.managed_repository
