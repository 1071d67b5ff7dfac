"""ISession: sudo, timeouts and reference counts, through real Ice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import Ice
import omero
import pytest
from omero.rtypes import rstring

from omero_sandbox.server import SandboxServer


def sessions_of(client: Any) -> Any:
    return client.getSession().getSessionService()


def context_of(client: Any) -> Any:
    return client.getSession().getAdminService().getEventContext()


def principal(name: str, group: str = "", kind: str = "User") -> Any:
    made = omero.sys.Principal()
    made.name, made.group, made.eventType = name, group, kind
    return made


def named(kind: str) -> Any:
    made = getattr(omero.model, f"{kind}I")()
    made.name = rstring("x")
    return made


def test_an_administrator_acts_as_any_user(people: Any, root: Any, connect: Callable[..., Any]) -> None:
    people.user("alice", people.group("lab"), people.group("second"))
    made = sessions_of(root).createSessionWithTimeouts(principal("alice", "second"), 60_000, 30_000)
    assert (made.timeToLive.val, made.timeToIdle.val, made.sudoer.id.val) == (60_000, 30_000, 0)
    context = context_of(connect(made.uuid.val, made.uuid.val))
    assert (context.userName, context.groupName, context.isAdmin) == ("alice", "second", False)
    assert (context.sudoerId.val, context.sudoerName.val) == (0, "root")


def test_a_session_with_one_timeout_does_not_idle_out(people: Any, root: Any) -> None:
    people.user("alice", people.group("lab"))
    made = sessions_of(root).createSessionWithTimeout(principal("alice"), 60_000)
    assert (made.timeToLive.val, made.timeToIdle.val) == (60_000, 0)


@pytest.mark.parametrize(
    "wanted", [principal("nobody"), principal("alice", "nowhere"), principal("alice", "", "Nonsense")]
)
def test_a_principal_must_exist(people: Any, root: Any, wanted: Any) -> None:
    people.user("alice", people.group("lab"))
    with pytest.raises(omero.AuthenticationException, match="Error creating session"):
        sessions_of(root).createSessionWithTimeout(wanted, 60_000)


def test_a_user_acts_as_nobody_else(people: Any, alice: Any) -> None:
    people.user("bob", people.group("other"))
    with pytest.raises(omero.SecurityViolation, match=r"not permitted for group other \(gid="):
        sessions_of(alice).createSessionWithTimeout(principal("bob"), 60_000)


def test_an_administrator_without_sudo_acts_as_nobody_else(people: Any, alice: Any) -> None:
    light = omero.model.ExperimenterI(people.user("light", 0), False)
    people.admin.setAdminPrivileges(light, [])
    with pytest.raises(omero.SecurityViolation, match=r"not permitted for group lab \(gid="):
        sessions_of(people.login("light")).createSessionWithTimeout(principal("alice"), 60_000)


def test_a_group_owner_acts_as_a_member_within_the_group_only(
    people: Any, connect: Callable[..., Any]
) -> None:
    lab, other = people.group("lab"), people.group("other")
    people.user("pi", lab, leads=lab)
    people.user("alice", lab, other)
    pi = sessions_of(people.login("pi"))
    with pytest.raises(omero.SecurityViolation, match="Group sudo is not permitted"):
        pi.createSessionWithTimeout(principal("alice", "other"), 60_000)
    uuid = pi.createSessionWithTimeout(principal("alice", "lab"), 60_000).uuid.val
    client = connect(uuid, uuid)
    assert context_of(client).userName == "alice"
    admin = client.getSession().getAdminService()
    for group in (other, -1):
        with pytest.raises(omero.SecurityViolation, match="Group-sudo session cannot change context!"):
            admin.getEventContext({"omero.group": str(group)})
    with pytest.raises(omero.SecurityViolation, match="Group-sudo session cannot change context!"):
        client.getSession().setSecurityContext(omero.model.ExperimenterGroupI(other, False))


def test_a_sudo_session_has_no_more_privileges_than_the_sudoer(
    people: Any, connect: Callable[..., Any]
) -> None:
    light = omero.model.ExperimenterI(people.user("light", 0), False)
    sudo = omero.model.AdminPrivilegeI()
    sudo.value = rstring("Sudo")
    people.admin.setAdminPrivileges(light, [sudo])
    uuid = sessions_of(people.login("light")).createSessionWithTimeout(principal("root"), 60_000).uuid.val
    assert context_of(connect(uuid, uuid)).adminPrivileges == ["Sudo"]


def test_a_second_session_for_oneself_takes_a_password(alice: Any, connect: Callable[..., Any]) -> None:
    made = sessions_of(alice).createUserSession(60_000, 30_000, "lab")
    assert made.uuid.val != alice.getSessionId()
    joined = connect(made.uuid.val, made.uuid.val)
    with pytest.raises(omero.SecurityViolation, match="Bad authentication credentials"):
        sessions_of(joined).createUserSession(60_000, 30_000, "lab")


def test_closing_counts_references_down(
    sandbox: SandboxServer, alice: Any, connect: Callable[..., Any]
) -> None:
    uuid = alice.getSessionId()
    connect(uuid, uuid)
    service = sessions_of(connect("root"))
    session = service.getSession(uuid)
    assert service.getReferenceCount(uuid) == 2
    assert [service.closeSession(session) for _ in range(3)] == [1, -2, -1]
    with pytest.raises(omero.RemovedSessionException, match="No context"):
        service.getSession(uuid)
    with pytest.raises(Ice.ObjectNotExistException):
        alice.getSession().keepAlive(None)


def test_a_session_shows_its_owner_and_timeouts(alice: Any) -> None:
    context = context_of(alice)
    session = sessions_of(alice).getSession(alice.getSessionId())
    assert (session.timeToIdle.val, session.timeToLive.val) == (600_000, 0)
    assert session.details.owner.id.val == session.owner.id.val == context.userId
    assert session.details.group.id.val == context.groupId
    assert session.id.val == context.sessionId


def test_my_open_sessions_are_mine(alice: Any, connect: Callable[..., Any]) -> None:
    connect("alice", "alice")
    assert len(sessions_of(alice).getMyOpenSessions()) == 2
    assert len(sessions_of(alice).getMyOpenAgentSessions("OMERO.py")) == 2
    assert sessions_of(alice).getMyOpenAgentSessions("other") == []


def test_the_group_of_a_session_changes_for_all_its_clients(people: Any, connect: Callable[..., Any]) -> None:
    lab, second = people.group("lab"), people.group("second")
    people.user("alice", lab, second)
    alice = people.login("alice")
    joined = connect(alice.getSessionId(), alice.getSessionId())
    previous = alice.getSession().setSecurityContext(omero.model.ExperimenterGroupI(second, False))
    assert previous.id.val == lab
    assert context_of(joined).groupName == "second"


@pytest.mark.parametrize(("number", "error"), [(-1, omero.ApiUsageException), (99, omero.SecurityViolation)])
def test_the_group_of_a_session_must_exist(alice: Any, number: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        alice.getSession().setSecurityContext(omero.model.ExperimenterGroupI(number, False))


def test_the_group_of_a_session_must_be_one_s_own(people: Any, alice: Any) -> None:
    other = people.group("other")
    with pytest.raises(omero.SecurityViolation, match="is not a member of group"):
        alice.getSession().setSecurityContext(omero.model.ExperimenterGroupI(other, False))


def test_the_group_is_fixed_while_a_stateful_service_is_open(people: Any) -> None:
    lab, second = people.group("lab"), people.group("second")
    people.user("alice", lab, second)
    session = people.login("alice").getSession()
    store = session.createRawFileStore()
    with pytest.raises(
        omero.SecurityViolation,
        match=r"(?s)change cancelled:.*has active stateful services:.*omero\.api\.RawFileStore",
    ):
        session.setSecurityContext(omero.model.ExperimenterGroupI(second, False))
    store.close()
    session.setSecurityContext(omero.model.ExperimenterGroupI(second, False))
    assert session.getAdminService().getEventContext().groupName == "second"


def test_services_of_one_client_are_one_servant(alice: Any) -> None:
    session = alice.getSession()
    first, second = session.getTypesService(), session.getTypesService()
    assert first.ice_getIdentity() == second.ice_getIdentity()
    assert first.ice_getIdentity().category == alice.getSessionId()
    assert session.keepAlive(first) is True
    assert session.activeServices() == [first.ice_getIdentity().name]


def test_a_closed_service_is_gone(alice: Any) -> None:
    store = alice.getSession().createRawFileStore()
    with pytest.raises(omero.InternalException, match="should have a @Transactional annotation"):
        store.getCurrentEventContext()
    store.close()
    with pytest.raises(Ice.ObjectNotExistException):
        store.getCurrentEventContext()


def test_services_are_found_by_their_full_name(alice: Any) -> None:
    found = alice.getSession().getByName("omero.api.IQuery")
    assert omero.api.IQueryPrx.uncheckedCast(found).findAll("Image", None) == []


def test_an_unknown_service_is_a_usage_error(alice: Any) -> None:
    for name in ("omero.api.INonsense", "IQuery"):
        with pytest.raises(omero.ApiUsageException, match=f"{name} is an unknown service"):
            alice.getSession().getByName(name)


def test_stateful_and_stateless_services_may_be_got_and_created(alice: Any) -> None:
    session = alice.getSession()
    for name in ("omero.api.RawFileStore", "omero.api.IQuery"):
        assert session.getByName(name).ice_getIdentity() == session.getByName(name).ice_getIdentity()
        assert session.createByName(name).ice_getIdentity() != session.createByName(name).ice_getIdentity()
