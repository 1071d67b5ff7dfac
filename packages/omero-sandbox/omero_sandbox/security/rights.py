"""Who may see and do what (ome.security.basic: OneGroupSecurityFilter, BasicACLVoter)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import omero
import omero.clients

from omero_sandbox.db.schema import schema
from omero_sandbox.db.store import Row, Store
from omero_sandbox.security import permissions, roles

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call

_FILE_TYPES = frozenset({"OriginalFile"})


def all_privileges() -> frozenset[str]:
    """Return the names of all administrator privileges."""
    return frozenset(schema().types["AdminPrivilege"].enumeration)


def memberships(store: Store, user: int) -> list[Row]:
    """Return the GroupExperimenterMap rows of a user, default group first."""
    rows = store.referrers("GroupExperimenterMap", "child", user)
    return sorted(rows, key=lambda row: row.values.get("child_index", 0))


def privileges(store: Store, user: int) -> frozenset[str]:
    """Return a user's administrator privileges; missing ones stand in the user's config."""
    if not any(row.values["parent"] == roles.SYSTEM_GROUP for row in memberships(store, user)):
        return frozenset()
    config = experimenter(store, user).values.get("config", [])
    missing = {
        name.removeprefix(roles.PRIVILEGE_PREFIX)
        for name, value in config
        if name.startswith(roles.PRIVILEGE_PREFIX) and value.lower() == "false"
    }
    return all_privileges() - missing


def experimenter(store: Store, user: int) -> Row:
    """Return the row of a user.

    Raises
    ------
    omero.ApiUsageException
        There is no such user.
    """
    row = store.get("Experimenter", user)
    if row is None:
        raise omero.ApiUsageException(None, None, f"No such experimenter: {user}")
    return row


def group_permissions(store: Store, group: int | None) -> str:
    """Return the permission string of a group; system objects have none and count as private."""
    row = None if group is None else store.get("ExperimenterGroup", group)
    return permissions.PRIVATE if row is None else str(row.values["permissions"])


def can_read(call: Call, row: Row) -> bool:
    """Tell whether a row is visible in the call's group (or, with a negative one, in any)."""
    if row.model.is_global:
        return row.type not in {"Session", "Share"} or call.is_admin or row.values["owner"] == call.user_id
    if row.group == roles.USER_GROUP:
        return True
    if call.group_id >= 0 and row.group != call.group_id:
        return False
    if _is_superior(call, row) or row.owner == call.user_id:
        return True
    held = group_permissions(call.store, row.group)
    if row.group in call.member_of:
        return permissions.group_reads(held)
    return permissions.world_reads(held)


def can_edit(call: Call, row: Row) -> bool:
    """Tell whether a row may be changed: by its owner, a group owner, an administrator or in ``rwrw--``."""
    return _may_write(call, row, "WriteFile" if row.type in _FILE_TYPES else "WriteOwned")


def can_delete(call: Call, row: Row) -> bool:
    """Tell whether a row may be deleted; as ``can_edit`` with the privileges for deleting."""
    return _may_write(call, row, "DeleteFile" if row.type in _FILE_TYPES else "DeleteOwned")


def can_link(call: Call, row: Row) -> bool:
    """Tell whether new objects may refer to a row; in private groups only the owner's."""
    if row.model.is_global or row.owner == call.user_id:
        return True
    held = group_permissions(call.store, row.group)
    if held == permissions.PRIVATE:
        return False
    return can_edit(call, row)


def can_annotate(call: Call, row: Row) -> bool:
    """Tell whether annotations may be linked to a row."""
    if can_link(call, row):
        return True
    held = group_permissions(call.store, row.group)
    return row.group in call.member_of and permissions.group_annotates(held)


def can_chgrp(call: Call, row: Row) -> bool:
    """Tell whether a row may be moved to another group: its owner or privilege Chgrp."""
    return not row.model.is_global and (row.owner == call.user_id or "Chgrp" in call.privileges)


def can_chown(call: Call, row: Row) -> bool:
    """Tell whether a row may be given away: group owners or privilege Chown, not its owner."""
    return not row.model.is_global and (row.group in call.leader_of or "Chown" in call.privileges)


def restrictions(call: Call, row: Row) -> list[bool]:
    """Return what is *not* allowed, in the order of omero.constants.permissions."""
    rights = (can_link, can_edit, can_delete, can_annotate, can_chgrp, can_chown)
    return [not right(call, row) for right in rights]


def _is_superior(call: Call, row: Row) -> bool:
    return call.is_admin or row.group in call.leader_of


def _may_write(call: Call, row: Row, privilege: str) -> bool:
    if row.model.is_global:
        return may_write_system_type(call, row.type)
    if row.owner == call.user_id or row.group in call.leader_of or privilege in call.privileges:
        return True
    return row.group in call.member_of and permissions.group_writes(group_permissions(call.store, row.group))


def may_write_system_type(call: Call, type_name: str) -> bool:
    """Tell whether the caller may create or change objects of a system type."""
    privilege = {
        "Experimenter": "ModifyUser",
        "ExperimenterGroup": "ModifyGroup",
        "GroupExperimenterMap": "ModifyGroupMembership",
    }.get(type_name, "WriteOwned")
    return privilege in call.privileges
