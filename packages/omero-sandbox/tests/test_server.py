"""Logging in and out, through real Ice."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import Glacier2
import Ice
import omero
import omero.clients
import pytest
from omero.gateway import BlitzGateway

from omero_sandbox.net.faults import ANY
from omero_sandbox.server import SandboxServer

Factory = Callable[..., SandboxServer]


def in_group(server: SandboxServer, group: str) -> Any:
    router = f"OMERO.Glacier2/router:tcp -h {server.host} -p {server.port}"
    return omero.client([f"--omero.group={group}", f"--Ice.Default.Router={router}"])


def test_a_server_starts_in_a_moment(tmp_path: Path) -> None:
    begun = time.monotonic()
    with SandboxServer(tmp_path, ssl_port=0) as server:
        assert server.port > 0
        assert server.ssl_port not in {None, 0, server.port}
    assert time.monotonic() - begun < 1


def test_root_logs_in_over_tcp(sandbox: SandboxServer, connect: Callable[..., Any]) -> None:
    client = connect("root", "omero")
    context = client.getSession().getAdminService().getEventContext()
    assert (context.userName, context.isAdmin, context.groupName) == ("root", True, "system")
    assert context.sessionUuid == client.getSessionId()
    assert len(context.adminPrivileges) == 15


def test_a_default_client_logs_in_over_tls(sandbox_factory: Factory) -> None:
    server = sandbox_factory(ssl_port=0)
    client = omero.client(server.host, server.ssl_port)
    try:
        session = client.createSession("root", "omero")
        assert session.getConfigService().getVersion().startswith("5.6.")
        assert session.ice_getCachedConnection().type() == "ssl"
    finally:
        client.closeSession()


def test_a_gateway_connects_both_ways(sandbox_factory: Factory) -> None:
    server = sandbox_factory(ssl_port=0)
    for secure in (True, False):
        gateway = BlitzGateway("root", "omero", host=server.host, port=server.ssl_port, secure=secure)
        assert gateway.connect(), gateway.getLastError()
        assert gateway.getUser().getName() == "root"
        gateway.close()
    assert server.sessions.live() == []


@pytest.mark.parametrize(("user", "password"), [("root", "wrong"), ("nobody", "omero")])
def test_a_bad_login_is_denied(connect: Callable[..., Any], user: str, password: str) -> None:
    with pytest.raises(Glacier2.PermissionDeniedException) as caught:
        connect(user, password)
    assert caught.value.reason.startswith(f"Password check failed for '{user}'")


def test_a_bad_login_is_delayed(sandbox_factory: Factory) -> None:
    server = sandbox_factory(config={"omero.security.login_failure_throttle_time": "300"})
    client = omero.client(f"tcp://{server.host}", server.port)
    begun = time.monotonic()
    with pytest.raises(Glacier2.PermissionDeniedException):
        client.createSession("root", "wrong")
    assert time.monotonic() - begun >= 0.29
    client.closeSession()


def test_a_session_id_goes_with_itself_only(connect: Callable[..., Any], root: Any) -> None:
    with pytest.raises(Glacier2.PermissionDeniedException, match="use joinSession"):
        connect(root.getSessionId(), "omero")
    with pytest.raises(Glacier2.PermissionDeniedException, match="use joinSession"):
        connect("root", root.getSessionId())


def test_an_unknown_group_cannot_be_logged_in_to(people: Any, sandbox: SandboxServer) -> None:
    people.user("alice", people.group("lab"))
    client = in_group(sandbox, "nowhere")
    with pytest.raises(omero.WrappedCreateSessionException, match="No such group"):
        client.createSession("alice", "alice")
    client.closeSession()


def test_calls_in_a_group_one_is_not_in_fail_but_not_the_login(people: Any, sandbox: SandboxServer) -> None:
    people.group("other")
    people.user("alice", people.group("lab"))
    client = in_group(sandbox, "other")
    session = client.createSession("alice", "alice")
    with pytest.raises(
        omero.SecurityViolation, match=r"User \d+ is not a member of group \d+ and cannot login"
    ):
        session.getAdminService().getEventContext()
    client.closeSession()


def test_the_guest_is_logged_in_with_any_password(connect: Callable[..., Any]) -> None:
    session = connect("guest", "anything").getSession()
    with pytest.raises(omero.SecurityViolation, match=r"Access denied to guest user: omero\.api\.IQuery"):
        session.getQueryService().findAll("Image", None)


def test_the_group_named_at_login_is_the_session_s(people: Any, sandbox: SandboxServer) -> None:
    people.user("alice", people.group("lab"), people.group("second"))
    client = in_group(sandbox, "second")
    session = client.createSession("alice", "alice")
    # The name stays in the implicit context, where later calls ignore it.
    assert session.getAdminService().getEventContext().groupName == "second"
    client.closeSession()


def test_logging_out_ends_the_session(sandbox: SandboxServer, connect: Callable[..., Any]) -> None:
    client = connect()
    uuid = client.getSessionId()
    client.closeSession()
    assert sandbox.sessions.find(uuid) is None
    with pytest.raises(Glacier2.PermissionDeniedException):
        connect(uuid, uuid)


def test_a_detached_session_can_be_joined_later(sandbox: SandboxServer, connect: Callable[..., Any]) -> None:
    client = connect()
    uuid = client.getSessionId()
    client.getSession().detachOnDestroy()
    client.closeSession()
    joined = connect(uuid, uuid)
    assert joined.getSessionId() == uuid
    assert joined.getSession().getAdminService().getEventContext().userName == "root"


def test_a_session_lives_until_its_last_client_leaves(
    sandbox: SandboxServer, connect: Callable[..., Any]
) -> None:
    first = connect()
    uuid = first.getSessionId()
    second = connect(uuid, uuid)
    first.closeSession()
    assert second.getSession().keepAlive(None) is False
    second.closeSession()
    assert sandbox.sessions.find(uuid) is None


def test_a_client_that_vanishes_is_logged_out(sandbox: SandboxServer, connect: Callable[..., Any]) -> None:
    client = connect()
    uuid = client.getSessionId()
    client.getSession().ice_getCachedConnection().close(True)
    deadline = time.monotonic() + 10
    while sandbox.sessions.find(uuid) is not None:
        assert time.monotonic() < deadline
    assert sandbox.sessions.live() == []


def test_an_idle_session_times_out_then_its_services_are_gone(
    sandbox_factory: Factory, connect: Callable[..., Any]
) -> None:
    server = sandbox_factory(config={"omero.sessions.timeout": "100"})
    client = connect(server=server)
    admin = client.getSession().getAdminService()
    session = server.sessions.find(client.getSessionId())
    assert session is not None
    session.last_access -= 1
    with pytest.raises(omero.SessionTimeoutException):
        admin.getEventContext()
    with pytest.raises(Ice.ObjectNotExistException):
        admin.getEventContext()


def test_keeping_alive_puts_the_end_off(sandbox_factory: Factory, connect: Callable[..., Any]) -> None:
    server = sandbox_factory(config={"omero.sessions.timeout": "60000"})
    client = connect(server=server)
    session = server.sessions.find(client.getSessionId())
    assert session is not None
    session.last_access -= 50
    client.getSession().keepAlive(None)
    session.last_access -= 50
    assert server.sessions.find(session.uuid) is session


def test_the_reaper_ends_sessions_that_nobody_calls(
    sandbox_factory: Factory, connect: Callable[..., Any]
) -> None:
    server = sandbox_factory(config={"omero.sessions.sync_interval": "10"})
    client = connect(server=server)
    session = server.sessions.find(client.getSessionId())
    assert session is not None
    session.last_access -= 601
    deadline = time.monotonic() + 10
    while server._clients:
        assert time.monotonic() < deadline
    with pytest.raises(Ice.ObjectNotExistException):
        client.getSession().keepAlive(None)


def test_killing_a_session_ends_it_for_all(connect: Callable[..., Any]) -> None:
    first = connect()
    second = connect(first.getSessionId(), first.getSessionId())
    first.killSession()
    with pytest.raises(Ice.ObjectNotExistException):
        second.getSession().keepAlive(None)


def test_calls_are_counted(sandbox: SandboxServer, root: Any) -> None:
    types = root.getSession().getTypesService()
    for _ in range(3):
        types.getEnumeration("PixelsType", "uint8")
    assert sandbox.calls["ITypes.getEnumeration"] == 3
    assert sandbox.calls["ServiceFactory.getTypesService"] == 1


def test_a_planned_error_strikes_as_often_as_said(sandbox: SandboxServer, root: Any) -> None:
    types = root.getSession().getTypesService()
    sandbox.faults.add("ITypes.allEnumerations", omero.ResourceError(None, None, "disk"), times=2)
    for _ in range(2):
        with pytest.raises(omero.ResourceError, match="disk"):
            types.allEnumerations("Immersion")
    assert len(types.allEnumerations("Immersion")) == 8


def test_a_planned_function_can_cut_the_connection(sandbox: SandboxServer, root: Any) -> None:
    config = root.getSession().getConfigService()
    sandbox.faults.add("IConfig.getVersion", lambda current: current.con.close(True))
    with pytest.raises(Ice.ConnectionLostException):
        config.getVersion()


def test_a_late_error_strikes_after_the_work_is_done(sandbox: SandboxServer, root: Any) -> None:
    update = root.getSession().getUpdateService()
    sandbox.faults.add("IUpdate.saveObject", omero.TryAgain(None, None, "late", 0), late=True)
    project = omero.model.ProjectI()
    project.setName(omero.rtypes.rstring("p"))
    with pytest.raises(omero.TryAgain):
        update.saveObject(project)
    assert [row.values["name"] for row in sandbox.store.rows("Project")] == ["p"]


def test_an_error_may_strike_any_operation_after_some_calls(sandbox: SandboxServer, root: Any) -> None:
    config, types = root.getSession().getConfigService(), root.getSession().getTypesService()
    sandbox.faults.add(ANY, omero.ResourceError(None, None, "third"), skip=2)
    config.getVersion()
    types.allEnumerations("Immersion")
    with pytest.raises(omero.ResourceError, match="third"):
        config.getVersion()
    config.getVersion()


def test_a_server_that_is_starting_is_asked_again(
    sandbox: SandboxServer, connect: Callable[..., Any]
) -> None:
    starting = omero.WrappedCreateSessionException("Server not fully initialized", True, 1000, "")
    sandbox.faults.add("Router.createSession", starting, times=2)
    assert connect().getSession().keepAlive(None) is False
    assert sandbox.calls["Router.createSession"] == 3


def test_the_database_uuid_belongs_to_the_data_folder(tmp_path: Path) -> None:
    uuids = []
    for folder in ("a", "a", "b"):
        with SandboxServer(tmp_path / folder) as server:
            uuids.append(server.uuid)
    assert uuids[0] == uuids[1] != uuids[2]


def test_two_servers_live_side_by_side(sandbox_factory: Factory, connect: Callable[..., Any]) -> None:
    servers = [sandbox_factory(), sandbox_factory()]
    clients = [connect(server=server) for server in servers]
    uuids = {client.getSession().getConfigService().getDatabaseUuid() for client in clients}
    assert uuids == {server.uuid for server in servers}


def test_stopping_twice_is_stopping_once(tmp_path: Path) -> None:
    server = SandboxServer(tmp_path).start()
    server.stop()
    server.stop()
    assert server.sessions.live() == []


def test_many_clients_at_once_lose_nothing(sandbox: SandboxServer, connect: Callable[..., Any]) -> None:
    clients = [connect() for _ in range(6)]
    failures: list[BaseException] = []

    def work(client: Any) -> None:
        update, query = client.getSession().getUpdateService(), client.getSession().getQueryService()
        try:
            for _ in range(20):
                project = omero.model.ProjectI()
                project.setName(omero.rtypes.rstring("p"))
                number = update.saveAndReturnObject(project).id.val
                assert query.get("Project", number).name.val == "p"
        except BaseException as error:  # noqa: BLE001 -- a thread's only way to tell
            failures.append(error)

    threads = [threading.Thread(target=work, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [row.id for row in sandbox.store.rows("Project")] == list(range(1, 121))


def test_only_the_connection_of_a_login_reaches_its_services(sandbox: SandboxServer, root: Any) -> None:
    admin = root.sf.getAdminService()
    admin.getEventContext()
    admin.ice_getCachedConnection().close(True)

    with pytest.raises((Ice.ConnectionLostException, Ice.ObjectNotExistException)):
        admin.getEventContext()


def test_services_asked_for_by_several_threads_at_once_are_made_once(
    connect: Callable[..., Any], root: Any
) -> None:
    before, waiting = sys.getswitchinterval(), threading.Barrier(8)

    def ask(client: Any) -> str:
        waiting.wait(60)
        return str(client.sf.getRenderingSettingsService())

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for client in [connect() for _ in range(10)]:
                assert len(set(pool.map(ask, [client] * 8))) == 1
    finally:
        sys.setswitchinterval(before)


def test_two_clients_of_one_session_both_reach_the_repository(sandbox: SandboxServer, root: Any) -> None:
    other = omero.client(f"tcp://{sandbox.host}", sandbox.port)
    try:
        other.joinSession(root.getSessionId())

        assert root.getManagedRepository().root().id == other.getManagedRepository().root().id
    finally:
        other.closeSession()


def test_a_folder_of_an_earlier_server_is_refused(sandbox_factory: Factory, tmp_path: Path) -> None:
    first = sandbox_factory(data_dir=tmp_path / "data")
    first.stop()
    (tmp_path / "data" / "Pixels").mkdir(exist_ok=True)
    with pytest.raises(FileExistsError, match=r"holds the files of an earlier sandbox \(.*Pixels"):
        sandbox_factory(data_dir=tmp_path / "data")
