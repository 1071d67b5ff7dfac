"""Users and groups, made through IAdmin as an administrator does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import omero
import pytest
from omero.rtypes import rbool, rstring

_USER_GROUP = 1


class People:
    """Adds groups and users; a user's password is the login name."""

    def __init__(self, connect: Callable[..., Any]) -> None:
        self._connect = connect
        self.admin = connect().getSession().getAdminService()

    def group(self, name: str, permissions: str = "rw----") -> int:
        group = omero.model.ExperimenterGroupI()
        group.name = rstring(name)
        group.ldap = rbool(False)
        group.details.permissions = omero.model.PermissionsI(permissions)
        return int(self.admin.createGroup(group))

    def user(self, name: str, *groups: int, leads: int | None = None) -> int:
        others = [omero.model.ExperimenterGroupI(group, False) for group in (*groups[1:], _USER_GROUP)]
        default = omero.model.ExperimenterGroupI(groups[0], False)
        made = int(
            self.admin.createExperimenterWithPassword(experimenter(name), rstring(name), default, others)
        )
        if leads is not None:
            group = omero.model.ExperimenterGroupI(leads, False)
            self.admin.setGroupOwner(group, omero.model.ExperimenterI(made, False))
        return made

    def login(self, name: str) -> Any:
        return self._connect(name, name)


def experimenter(name: str) -> Any:
    user = omero.model.ExperimenterI()
    user.omeName = rstring(name)
    user.firstName = rstring(name.title())
    user.lastName = rstring("Tester")
    user.ldap = rbool(False)
    return user


@pytest.fixture
def connect(sandbox_login: Callable[..., Any]) -> Callable[..., Any]:
    """Log in: ``connect(user, password)`` gives an ``omero.client``, closed after the test."""
    return sandbox_login


@pytest.fixture
def root(connect: Callable[..., Any]) -> Any:
    """Give a client logged in as root."""
    return connect()


@pytest.fixture
def people(connect: Callable[..., Any]) -> People:
    """Give a way to add users and groups."""
    return People(connect)


@pytest.fixture
def alice(people: People) -> Any:
    """Give a client of Alice, who is in the private group ``lab``."""
    people.user("alice", people.group("lab"))
    return people.login("alice")
