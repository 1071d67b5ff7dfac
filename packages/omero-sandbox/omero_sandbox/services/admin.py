"""IAdmin: users, groups, privileges, passwords (ome.logic.AdminImpl)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import omero
import omero.clients

from omero_sandbox.db.marshal import Marshaller, read_value
from omero_sandbox.db.schema import resolve
from omero_sandbox.security import accounts, permissions, roles
from omero_sandbox.security import rights as security
from omero_sandbox.security.ownership import id_of
from omero_sandbox.security.passwords import check_password, set_password
from omero_sandbox.services.admin_lookups import USER_PLAN, AdminLookups
from omero_sandbox.services.session_service import require_password_login

if TYPE_CHECKING:
    from omero_sandbox.db.store import Row
    from omero_sandbox.net.call import Call

_SELF_FIELDS = ("firstName", "middleName", "lastName", "email", "institution")


class AdminService(AdminLookups):
    """Changes, besides the look-ups."""

    # -- users --------------------

    def createUser(self, call: Call, experimenter: Any, group: str) -> int:
        """Add an active user with one group besides ``user``."""
        row = call.store.lookup("ExperimenterGroup", "name", group)
        if row is None:
            raise omero.ApiUsageException(None, None, f"No such group: {group}")
        accounts.require_group_rights(call, "ModifyUser", [row.id])
        return accounts.create_user(call, experimenter, [row.id, roles.USER_GROUP])

    def createSystemUser(self, call: Call, experimenter: Any) -> int:
        """Add an administrator."""
        return self.createRestrictedSystemUser(call, experimenter, _all_privileges())

    def createRestrictedSystemUser(self, call: Call, experimenter: Any, privileges: list[Any]) -> int:
        """Add an administrator with some privileges."""
        return self.createRestrictedSystemUserWithPassword(call, experimenter, privileges, None)

    def createRestrictedSystemUserWithPassword(
        self, call: Call, experimenter: Any, privileges: list[Any], password: Any
    ) -> int:
        """Add an administrator with some privileges, none that the caller lacks."""
        call.require_privilege("ModifyUser")
        granted = _privilege_names(privileges)
        _require_own(call, granted)
        groups = [roles.SYSTEM_GROUP, roles.USER_GROUP]
        missing = security.all_privileges() - granted
        return accounts.create_user(call, experimenter, groups, _text(password), missing)

    def createExperimenter(self, call: Call, user: Any, defaultGroup: Any, groups: list[Any]) -> int:
        """Add a user without password; inactive unless ``user`` is among the groups."""
        return self._create(call, user, None, defaultGroup, groups)

    def createExperimenterWithPassword(
        self, call: Call, user: Any, password: Any, defaultGroup: Any, groups: list[Any]
    ) -> int:
        """Add a user with password; inactive unless ``user`` is among the groups."""
        return self._create(call, user, _text(password), defaultGroup, groups)

    def _create(self, call: Call, user: Any, password: str | None, default: Any, others: list[Any]) -> int:
        groups = accounts.group_ids(call.store, [default, *(others or ())])
        accounts.require_group_rights(call, "ModifyUser", groups)
        return accounts.create_user(call, user, groups, password)

    def updateSelf(self, call: Call, experimenter: Any) -> None:
        """Change one's own names and address."""
        row = security.experimenter(call.store, call.caller_id)
        call.store.update(row, accounts.values_of(experimenter, _SELF_FIELDS), event=call.event())

    def updateExperimenter(self, call: Call, experimenter: Any) -> None:
        """Change a user's fields."""
        call.require_privilege("ModifyUser")
        row = accounts.user_row(call.store, experimenter)
        call.store.update(row, accounts.values_of(experimenter), event=call.event())

    def updateExperimenterWithPassword(self, call: Call, experimenter: Any, password: Any) -> None:
        """Change a user's fields and password."""
        self.updateExperimenter(call, experimenter)
        set_password(accounts.user_row(call.store, experimenter), _text(password))

    def deleteExperimenter(self, call: Call, user: Any) -> None:
        """Delete a user who has done nothing yet."""
        call.require_privilege("ModifyUser")
        accounts.delete_account(call, accounts.user_row(call.store, user), "child")

    # -- groups --------------------

    def createGroup(self, call: Call, group: Any) -> int:
        """Add a group with the permissions in its details, by default private."""
        call.require_privilege("ModifyGroup")
        return accounts.create_group(call, group)

    def updateGroup(self, call: Call, group: Any) -> None:
        """Change a group's fields and permissions."""
        accounts.require_group_rights(call, "ModifyGroup", [accounts.group_row(call.store, id_of(group)).id])
        accounts.update_group(call, group)

    def changePermissions(self, call: Call, obj: Any, perms: Any) -> None:
        """Change the permissions of a group."""
        if not isinstance(obj, omero.model.ExperimenterGroup):
            raise omero.ApiUsageException(None, None, "Permissions belong to groups, not to single objects")
        row = accounts.group_row(call.store, id_of(obj))
        accounts.require_group_rights(call, "ModifyGroup", [row.id])
        call.store.update(row, {"permissions": permissions.permissions_string(perms)}, event=call.event())

    def deleteGroup(self, call: Call, group: Any) -> None:
        """Delete a group without data."""
        call.require_privilege("ModifyGroup")
        accounts.delete_account(call, accounts.group_row(call.store, id_of(group)), "parent")

    def addGroups(self, call: Call, user: Any, groups: list[Any]) -> None:
        """Add a user to groups."""
        accounts.add_to_groups(call, *self._membership(call, user, groups))

    def removeGroups(self, call: Call, user: Any, groups: list[Any]) -> None:
        """Take a user out of groups."""
        accounts.remove_from_groups(call, *self._membership(call, user, groups))

    def _membership(self, call: Call, user: Any, groups: list[Any]) -> tuple[Row, list[int]]:
        ids = accounts.group_ids(call.store, groups)
        if not ids:
            raise omero.ValidationException(None, None, "Nothing to do.")
        accounts.require_group_rights(call, "ModifyGroupMembership", ids)
        return accounts.user_row(call.store, user), ids

    def setDefaultGroup(self, call: Call, user: Any, group: Any) -> None:
        """Choose the group that logins of a user go to."""
        row = accounts.user_row(call.store, user)
        if row.id != call.caller_id:
            call.require_privilege("ModifyGroupMembership")
        accounts.set_default_group(call, row, accounts.group_row(call.store, id_of(group)).id)

    def setGroupOwner(self, call: Call, group: Any, owner: Any) -> None:
        """Make a user an owner of a group."""
        self.addGroupOwners(call, group, [owner])

    def unsetGroupOwner(self, call: Call, group: Any, owner: Any) -> None:
        """Make an owner of a group a simple member."""
        self.removeGroupOwners(call, group, [owner])

    def addGroupOwners(self, call: Call, group: Any, owners: list[Any]) -> None:
        """Make users owners of a group."""
        self._set_owners(call, group, owners, owner=True)

    def removeGroupOwners(self, call: Call, group: Any, owners: list[Any]) -> None:
        """Make owners of a group simple members."""
        self._set_owners(call, group, owners, owner=False)

    def _set_owners(self, call: Call, group: Any, users: list[Any], *, owner: bool) -> None:
        row = accounts.group_row(call.store, id_of(group))
        accounts.require_group_rights(call, "ModifyGroupMembership", [row.id])
        ids = [accounts.user_row(call.store, user).id for user in users]
        accounts.set_owner(call, row.id, ids, owner=owner)

    # -- privileges --------------------

    def getCurrentAdminPrivileges(self, call: Call) -> list[Any]:
        """Return the caller's own privileges."""
        return _privilege_objects(call.privileges)

    def getAdminPrivileges(self, call: Call, user: Any) -> list[Any]:
        """Return a user's privileges."""
        return _privilege_objects(security.privileges(call.store, accounts.user_row(call.store, user).id))

    def getAdminsWithPrivileges(self, call: Call, privileges: list[Any]) -> list[Any]:
        """Return the administrators that have all these privileges."""
        wanted = _privilege_names(privileges)
        admins = call.store.referrers("GroupExperimenterMap", "parent", roles.SYSTEM_GROUP)
        ids = [row.values["child"] for row in admins]
        found = [
            security.experimenter(call.store, i) for i in ids if wanted <= security.privileges(call.store, i)
        ]
        return Marshaller(call.store, call).entities(found, USER_PLAN)

    def setAdminPrivileges(self, call: Call, user: Any, privileges: list[Any]) -> None:
        """Replace an administrator's privileges by some of the caller's."""
        call.require_privilege("ModifyUser")
        granted = _privilege_names(privileges)
        _require_own(call, granted)
        accounts.set_privileges(call, accounts.user_row(call.store, user), granted)

    # -- passwords --------------------

    def changePassword(self, call: Call, newPassword: Any) -> None:
        """Change one's own password; needs a login with password."""
        require_password_login(self.context)
        set_password(security.experimenter(call.store, call.caller_id), _text(newPassword))

    def changePasswordWithOldPassword(self, call: Call, oldPassword: Any, newPassword: Any) -> None:
        """Change one's own password."""
        row = security.experimenter(call.store, call.caller_id)
        if not check_password(row, _text(oldPassword) or ""):
            raise omero.SecurityViolation(None, None, "Old password is invalid")
        set_password(row, _text(newPassword))

    def changeUserPassword(self, call: Call, omeName: str, newPassword: Any) -> None:
        """Change a user's password; needs a login with password and privilege ModifyUser."""
        require_password_login(self.context)
        call.require_privilege("ModifyUser")
        row = call.store.lookup("Experimenter", "omeName", omeName)
        if row is None:
            raise omero.ApiUsageException(None, None, f"No such experimenter: {omeName}")
        set_password(row, _text(newPassword))

    def synchronizeLoginCache(self, call: Call) -> None:
        """Do nothing: logins are never cached."""


def _text(value: Any) -> str | None:
    return None if value is None else value.getValue()


def _privilege_names(privileges: list[Any]) -> frozenset[str]:
    field = resolve("AdminPrivilege").fields["value"]
    return frozenset(read_value(privilege, field) for privilege in privileges)


def _all_privileges() -> list[Any]:
    return _privilege_objects(security.all_privileges())


def _privilege_objects(names: frozenset[str]) -> list[Any]:
    made = []
    for name in sorted(names):
        privilege = omero.model.AdminPrivilegeI()
        privilege.setValue(omero.rtypes.rstring(name))
        made.append(privilege)
    return made


def _require_own(call: Call, granted: frozenset[str]) -> None:
    if not granted <= call.privileges:
        lacking = ", ".join(sorted(granted - call.privileges))
        raise omero.SecurityViolation(None, None, f"Cannot grant privileges one lacks: {lacking}")
