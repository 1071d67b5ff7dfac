"""IAdmin: accounts, memberships, privileges and passwords, through real Ice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import Glacier2
import omero
import pytest
from omero.rtypes import rbool, rstring


def admin_of(client: Any) -> Any:
    return client.getSession().getAdminService()


def user(number: int) -> Any:
    return omero.model.ExperimenterI(number, False)


def group(number: int) -> Any:
    return omero.model.ExperimenterGroupI(number, False)


def experimenter(name: str) -> Any:
    made = omero.model.ExperimenterI()
    made.omeName, made.firstName, made.lastName = rstring(name), rstring("F"), rstring("L")
    made.ldap = rbool(False)
    return made


def groups_of(found: Any) -> list[str]:
    return [link.parent.name.val for link in found.copyGroupExperimenterMap()]


def privileges(*names: str) -> list[Any]:
    made = []
    for name in names:
        privilege = omero.model.AdminPrivilegeI()
        privilege.value = rstring(name)
        made.append(privilege)
    return made


def test_a_new_user_has_the_default_group_first(people: Any) -> None:
    lab, second = people.group("lab"), people.group("second")
    people.user("alice", lab, second)
    assert groups_of(people.admin.lookupExperimenter("alice")) == ["lab", "second", "user"]


def test_create_user_makes_an_active_member_of_one_group(people: Any) -> None:
    people.group("lab")
    made = people.admin.createUser(experimenter("alice"), "lab")
    assert groups_of(people.admin.getExperimenter(made)) == ["lab", "user"]


@pytest.mark.parametrize(
    "look_up",
    [
        lambda admin: admin.lookupExperimenter("nobody"),
        lambda admin: admin.getExperimenter(99),
        lambda admin: admin.lookupGroup("nowhere"),
        lambda admin: admin.getGroup(99),
        lambda admin: admin.createUser(experimenter("x"), "nowhere"),
        lambda admin: admin.changeUserPassword("nobody", rstring("x")),
    ],
)
def test_what_does_not_exist_is_a_usage_error(root: Any, look_up: Callable[[Any], Any]) -> None:
    with pytest.raises(omero.ApiUsageException, match="No such"):
        look_up(admin_of(root))


def test_a_login_name_is_taken_once(people: Any) -> None:
    lab = people.group("lab")
    people.user("alice", lab)
    with pytest.raises(omero.ValidationException, match="duplicate key"):
        people.user("alice", lab)
    assert len(people.admin.lookupExperimenters()) == 3


def test_a_group_name_is_taken_once(people: Any) -> None:
    people.group("lab")
    with pytest.raises(omero.ValidationException, match="duplicate key"):
        people.group("lab")


def test_a_user_needs_a_name(people: Any) -> None:
    made = omero.model.ExperimenterI()
    made.ldap = rbool(False)
    people.group("lab")
    with pytest.raises(omero.ValidationException, match="not-null"):
        people.admin.createUser(made, "lab")
    assert len(people.admin.lookupExperimenters()) == 2


def test_an_inactive_user_cannot_log_in(people: Any, connect: Callable[..., Any]) -> None:
    lab = people.group("lab")
    people.admin.createExperimenterWithPassword(experimenter("gone"), rstring("pw"), group(lab), [])
    with pytest.raises(Glacier2.CannotCreateSessionException) as caught:
        connect("gone", "pw")
    assert "not active" in caught.value.reason


@pytest.mark.parametrize("permissions", ["rw----", "rwr---", "rwra--", "rwrw--"])
def test_a_group_keeps_its_permissions(people: Any, permissions: str) -> None:
    made = people.group("lab", permissions)
    assert str(people.admin.getGroup(made).details.permissions) == permissions


def test_a_group_is_private_by_default(people: Any) -> None:
    made = omero.model.ExperimenterGroupI()
    made.name, made.ldap = rstring("lab"), rbool(False)
    number = people.admin.createGroup(made)
    assert str(people.admin.getGroup(number).details.permissions) == "rw----"


def test_permissions_of_a_group_can_be_changed_by_its_owner(people: Any) -> None:
    lab = people.group("lab")
    people.user("pi", lab, leads=lab)
    people.user("alice", lab)
    permissions = omero.model.PermissionsI("rwra--")
    with pytest.raises(omero.SecurityViolation):
        admin_of(people.login("alice")).changePermissions(group(lab), permissions)
    admin_of(people.login("pi")).changePermissions(group(lab), permissions)
    assert str(people.admin.getGroup(lab).details.permissions) == "rwra--"


def test_members_come_and_go(people: Any) -> None:
    lab, second = people.group("lab"), people.group("second")
    alice = user(people.user("alice", lab))
    people.admin.addGroups(alice, [group(second), group(lab)])
    assert people.admin.getMemberOfGroupIds(alice) == [lab, 1, second]
    people.admin.removeGroups(alice, [group(1)])
    assert groups_of(people.admin.getExperimenter(alice.id.val)) == ["lab", "second"]
    assert [u.omeName.val for u in people.admin.containedExperimenters(second)] == ["alice"]


def test_adding_to_no_group_is_refused(people: Any) -> None:
    alice = user(people.user("alice", people.group("lab")))
    with pytest.raises(omero.ValidationException, match="Nothing to do"):
        people.admin.addGroups(alice, [])


def test_users_choose_their_own_default_group(people: Any) -> None:
    lab, second = people.group("lab"), people.group("second")
    alice = user(people.user("alice", lab, second))
    admin_of(people.login("alice")).setDefaultGroup(alice, group(second))
    assert people.admin.getDefaultGroup(alice.id.val).name.val == "second"
    assert [g.name.val for g in people.admin.containedGroups(alice.id.val)] == ["second", "lab", "user"]
    with pytest.raises(omero.SecurityViolation):
        admin_of(people.login("alice")).setDefaultGroup(user(0), group(0))


def test_owners_of_a_group_manage_its_members(people: Any) -> None:
    lab, other = people.group("lab"), people.group("other")
    pi = people.user("pi", lab, leads=lab)
    bob = user(people.user("bob", other))
    admin = admin_of(people.login("pi"))
    assert admin.getLeaderOfGroupIds(user(pi)) == [lab]
    admin.addGroups(bob, [group(lab)])
    with pytest.raises(omero.SecurityViolation, match="ModifyGroupMembership"):
        admin.removeGroups(bob, [group(other)])
    people.admin.unsetGroupOwner(group(lab), user(pi))
    with pytest.raises(omero.SecurityViolation, match="ModifyGroupMembership"):
        admin.removeGroups(bob, [group(lab)])


def test_users_manage_no_accounts(alice: Any) -> None:
    admin = admin_of(alice)
    made = omero.model.ExperimenterGroupI()
    made.name, made.ldap = rstring("mine"), rbool(False)
    with pytest.raises(omero.SecurityViolation, match="ModifyGroup"):
        admin.createGroup(made)
    with pytest.raises(omero.SecurityViolation, match="ModifyUser"):
        admin.createUser(experimenter("x"), "lab")


def test_users_change_their_own_address_but_not_their_login(alice: Any) -> None:
    changed = experimenter("boss")
    changed.email = rstring("alice@example.org")
    admin_of(alice).updateSelf(changed)
    found = admin_of(alice).lookupExperimenter("alice")
    assert found.email.val == "alice@example.org"


def test_an_administrator_has_all_privileges_but_those_withdrawn(people: Any) -> None:
    light = people.user("light", 0)
    people.admin.setAdminPrivileges(user(light), privileges("Sudo", "WriteOwned"))
    context = admin_of(people.login("light")).getEventContext()
    assert (context.isAdmin, context.adminPrivileges) == (True, ["Sudo", "WriteOwned"])
    with_chown = people.admin.getAdminsWithPrivileges(privileges("Chown"))
    assert [u.omeName.val for u in with_chown] == ["root"]


def test_nobody_grants_a_privilege_they_lack(people: Any) -> None:
    light = people.user("light", 0)
    people.admin.setAdminPrivileges(user(light), privileges("ModifyUser"))
    with pytest.raises(omero.SecurityViolation, match="Chown"):
        admin_of(people.login("light")).setAdminPrivileges(user(light), privileges("ModifyUser", "Chown"))


def test_a_restricted_administrator_is_made_in_one_call(people: Any) -> None:
    made = people.admin.createRestrictedSystemUserWithPassword(
        experimenter("light"), privileges("Chown"), rstring("pw")
    )
    assert [p.value.val for p in people.admin.getAdminPrivileges(user(made))] == ["Chown"]
    assert groups_of(people.admin.getExperimenter(made)) == ["system", "user"]


def test_a_password_is_changed_by_its_owner(people: Any, alice: Any, connect: Callable[..., Any]) -> None:
    admin_of(alice).changePasswordWithOldPassword(rstring("alice"), rstring("new"))
    with pytest.raises(Glacier2.PermissionDeniedException):
        people.login("alice")
    assert connect("alice", "new").getSessionId()
    with pytest.raises(omero.SecurityViolation, match="Old password"):
        admin_of(alice).changePasswordWithOldPassword(rstring("alice"), rstring("newer"))


def test_a_joined_session_must_prove_the_password_first(alice: Any, connect: Callable[..., Any]) -> None:
    joined = connect(alice.getSessionId(), alice.getSessionId())
    with pytest.raises(omero.SecurityViolation, match="Bad authentication credentials"):
        admin_of(joined).changePassword(rstring("new"))
    with pytest.raises(omero.SecurityViolation, match="Bad password"):
        joined.getSession().setSecurityPassword("wrong")
    joined.getSession().setSecurityPassword("alice")
    admin_of(joined).changePassword(rstring("new"))
    assert connect("alice", "new").getSessionId()


def test_a_user_with_data_is_not_deleted(people: Any) -> None:
    lab = people.group("lab")
    idle, busy = people.user("idle", lab), people.user("busy", lab)
    people.admin.deleteExperimenter(user(idle))
    with pytest.raises(omero.ApiUsageException, match="No such experimenter"):
        people.admin.getExperimenter(idle)
    people.login("busy")
    with pytest.raises(omero.ValidationException, match="foreign key"):
        people.admin.deleteExperimenter(user(busy))
    assert groups_of(people.admin.getExperimenter(busy)) == ["lab", "user"]


def test_an_empty_group_is_deleted(people: Any) -> None:
    lab = people.group("lab")
    people.admin.deleteGroup(group(lab))
    with pytest.raises(omero.ApiUsageException, match="No such group"):
        people.admin.getGroup(lab)


def test_roles_are_those_of_every_server(root: Any) -> None:
    roles = admin_of(root).getSecurityRoles()
    assert (roles.rootId, roles.systemGroupId, roles.userGroupId, roles.guestId) == (0, 0, 1, 1)
    assert (roles.rootName, roles.userGroupName) == ("root", "user")


def test_acting_for_another_user_takes_an_administrator(people: Any, root: Any, alice: Any) -> None:
    lab = people.admin.lookupGroup("lab").id.val
    alice_id = admin_of(alice).getEventContext().userId
    context = admin_of(root).getEventContext({"omero.user": str(alice_id), "omero.group": str(lab)})
    assert (context.userId, context.userName, context.isAdmin) == (alice_id, "alice", True)
    with pytest.raises(omero.SecurityViolation, match="not an admin and so cannot set uid to 0"):
        admin_of(alice).getEventContext({"omero.user": "0"})


def test_the_group_of_a_call_is_checked(people: Any, alice: Any) -> None:
    other = people.group("other")
    admin = admin_of(alice)
    with pytest.raises(omero.SecurityViolation, match="is not a member of group"):
        admin.getEventContext({"omero.group": str(other)})
    with pytest.raises(omero.ApiUsageException, match="No such group"):
        admin.getEventContext({"omero.group": "99"})
    assert admin.getEventContext({"omero.group": "-1"}).groupId == -1
    assert admin.getEventContext({"omero.group": "lab"}).groupName == "lab"


def test_what_the_sandbox_lacks_is_said_clearly(root: Any) -> None:
    with pytest.raises(omero.InternalException, match=r"IAdmin\.reportForgottenPassword is not implemented"):
        admin_of(root).reportForgottenPassword("root", "root@example.org")
