"""Sessions of owners: one for each, few at a time, ended when nobody needs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from omero_rocrate_transfer.model.errors import LinkLostError, RefusedError
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.people import Account
from omero_rocrate_transfer.server.session.sudo import SudoSessions
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import seed

PEOPLE = 12


@pytest.fixture
def accounts(connection: Connection) -> list[Account]:
    """Make people in the group lab."""
    lab = seed.group(connection.client, "lab")
    names = [f"user-{number}" for number in range(PEOPLE)]
    return [Account(name, seed.user(connection.client, name, name, [lab])) for name in names]


@pytest.fixture
def live(sandbox: SandboxServer) -> Callable[[], list[int]]:
    """Give the ids of those who have a session by sudo."""
    return lambda: sorted(one.user_id for one in sandbox.sessions.live() if one.sudoer_id is not None)


def test_few_sessions_stay_open_and_none_after_the_end(
    connection: Connection, accounts: list[Account], live: Callable[[], list[int]]
) -> None:
    sessions = SudoSessions(connection, "lab")
    for account in accounts:
        with sessions.of(account) as session:
            assert (session.user, session.user_id) == (account.login, account.id)
    kept = live()

    sessions.close()
    sessions.close()

    assert kept == sorted(account.id for account in accounts[-8:])
    assert live() == []


def test_a_session_at_work_is_never_ended(
    connection: Connection, accounts: list[Account], live: Callable[[], list[int]]
) -> None:
    sessions = SudoSessions(connection, "lab")
    first, *others = accounts
    with sessions.of(first) as session:
        for account in others:
            with sessions.of(account):
                pass
        assert session.session.getAdminService().getEventContext().userName == first.login
    assert len(live()) == 8
    sessions.close()


def test_one_session_serves_all_units_of_an_owner(
    connection: Connection, accounts: list[Account], sandbox: SandboxServer
) -> None:
    sessions = SudoSessions(connection, "lab")
    sandbox.calls.clear()
    for _ in range(5):
        with sessions.of(accounts[0]):
            pass
    assert sandbox.calls["ISession.createSessionWithTimeouts"] == 1
    sessions.close()


def test_what_it_creates_carries_the_mark_of_the_run(
    connection: Connection, accounts: list[Account], sandbox: SandboxServer
) -> None:
    connection.mark_with("the run")
    sessions = SudoSessions(connection, "lab")
    with sessions.of(accounts[0]) as session:
        assert session.run_id == "the run"
    sessions.close()


def test_a_session_that_ended_is_opened_again(
    connection: Connection, accounts: list[Account], sandbox: SandboxServer, live: Callable[[], list[int]]
) -> None:
    sessions = SudoSessions(connection, "lab")
    with sessions.of(accounts[0]) as session:
        for one in sandbox.sessions.live():
            if one.sudoer_id is not None:
                sandbox.sessions.remove(one)
        sessions.revive()
        assert session.session.getAdminService().getEventContext().userName == accounts[0].login
    assert live() == [accounts[0].id]
    sessions.close()


def test_a_session_that_ends_at_once_counts_as_a_lost_link(
    connection: Connection, accounts: list[Account], sandbox: SandboxServer
) -> None:
    def end(_current: Any) -> None:
        for one in sandbox.sessions.live():
            if one.sudoer_id is not None:
                sandbox.sessions.remove(one)

    sandbox.faults.add("ISession.createSessionWithTimeouts", end, late=True)
    sessions = SudoSessions(connection, "lab")

    with pytest.raises(LinkLostError, match="it ended at once"), sessions.of(accounts[0]):
        pass
    with sessions.of(accounts[0]) as session:
        assert session.user == accounts[0].login
    sessions.close()


def test_who_is_no_member_has_no_session_in_the_group(connection: Connection) -> None:
    seed.group(connection.client, "lab")
    other = seed.group(connection.client, "other")
    account = Account("eve", seed.user(connection.client, "eve", "eve", [other]))

    with pytest.raises(RefusedError, match="not a member"), SudoSessions(connection, "lab").of(account):
        pass
