"""Changes to users, groups and memberships (ome.logic.AdminImpl)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import omero
import omero.clients

from omero_sandbox.db import constraints
from omero_sandbox.db.marshal import read_value
from omero_sandbox.db.schema import resolve
from omero_sandbox.db.store import Row, Store
from omero_sandbox.security import permissions, roles
from omero_sandbox.security import rights as security
from omero_sandbox.security.ownership import id_of
from omero_sandbox.security.passwords import set_password

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call


def group_row(store: Store, group: int | None) -> Row:
    """Return the row of a group.

    Raises
    ------
    omero.ApiUsageException
        There is no such group.
    """
    row = None if group is None else store.get("ExperimenterGroup", group)
    if row is None:
        raise omero.ApiUsageException(None, None, f"No such group: {group}")
    return row


def user_row(store: Store, obj: Any) -> Row:
    """Return the row of a received Experimenter.

    Raises
    ------
    omero.ApiUsageException
        It has no id or there is no such user.
    """
    number = id_of(obj)
    if number is None:
        raise omero.ApiUsageException(None, None, "Experimenter has no id")
    return security.experimenter(store, number)


def group_ids(store: Store, groups: Iterable[Any] | None) -> list[int]:
    """Return the ids of received groups, all of which must exist."""
    return [group_row(store, id_of(group)).id for group in groups or ()]


def values_of(obj: Any, names: Iterable[str] | None = None) -> dict[str, Any]:
    """Read and check the plain fields of a received object."""
    model = resolve(type(obj).__name__)
    values = {}
    for field in model.fields.values():
        if field.kind not in {"one", "many"} and (names is None or field.name in names):
            values[field.name] = read_value(obj, field)
            constraints.check_value(model.java_name, field, values[field.name])
    return values


def require_group_rights(call: Call, privilege: str, groups: Iterable[int]) -> None:
    """Let administrators with a privilege pass, and owners of all these groups.

    Raises
    ------
    omero.SecurityViolation
    """
    if privilege in call.privileges:
        return
    foreign = [group for group in groups if group not in {*call.leader_of, roles.USER_GROUP}]
    if foreign or not call.leader_of:
        message = f"User {call.caller_id} neither has privilege {privilege} nor owns the groups {foreign}"
        raise omero.SecurityViolation(None, None, message)


def create_user(
    call: Call, obj: Any, groups: list[int], password: str | None = None, missing: Iterable[str] = ()
) -> int:
    """Add a user to groups, default group first.

    Parameters
    ----------
    missing : iterable of str
        Administrator privileges the user shall not have.

    Raises
    ------
    omero.ValidationException
        The name is taken, or a required field is null.
    """
    store = call.store
    with store.transaction():
        values = values_of(obj)
        config = [(f"{roles.PRIVILEGE_PREFIX}{name}", "false") for name in sorted(missing)]
        values["config"] = [*(values.get("config") or []), *config]
        row = store.insert("Experimenter", values, event=call.event())
        constraints.check_required(row)
        set_password(row, password)
        add_to_groups(call, row, groups)
    return row.id


def add_to_groups(call: Call, user: Row, groups: Iterable[int]) -> None:
    """Append groups to a user's list; those the user has already are left alone."""
    held = security.memberships(call.store, user.id)
    known = [row.values["parent"] for row in held]
    position = 1 + max((row.values["child_index"] for row in held), default=-1)
    for group in groups:
        if group not in known:
            values = {"parent": group, "child": user.id, "child_index": position, "owner": False}
            call.store.insert("GroupExperimenterMap", values, event=call.event())
            known.append(group)
            position += 1


def remove_from_groups(call: Call, user: Row, groups: Iterable[int]) -> None:
    """Take a user out of groups and close the gaps of the list."""
    gone = set(groups)
    for row in security.memberships(call.store, user.id):
        if row.values["parent"] in gone:
            call.store.delete(row)
    _renumber(call, security.memberships(call.store, user.id))


def set_default_group(call: Call, user: Row, group: int) -> None:
    """Move a group to the head of a user's list.

    Raises
    ------
    omero.ApiUsageException
        The user is not a member.
    """
    held = security.memberships(call.store, user.id)
    if group not in [row.values["parent"] for row in held]:
        raise omero.ApiUsageException(None, None, f"User {user.id} is not a member of group {group}")
    _renumber(call, sorted(held, key=lambda row: bool(row.values["parent"] != group)))


def set_owner(call: Call, group: int, users: Iterable[int], *, owner: bool) -> None:
    """Make users owners of a group (adding them to it), or simple members again."""
    for user in users:
        row = security.experimenter(call.store, user)
        if owner:
            add_to_groups(call, row, [group])
        for membership in security.memberships(call.store, user):
            if membership.values["parent"] == group:
                call.store.update(membership, {"owner": owner}, event=call.event())


def create_group(call: Call, obj: Any) -> int:
    """Add a group; without permissions it is private.

    Raises
    ------
    omero.ValidationException
        The name is taken, or a required field is null.
    """
    details = obj.getDetails()
    given = None if details is None else details.getPermissions()
    held = permissions.PRIVATE if given is None else permissions.permissions_string(given)
    with call.store.transaction():
        values = values_of(obj) | {"permissions": held}
        row = call.store.insert("ExperimenterGroup", values, event=call.event())
        constraints.check_required(row)
    return row.id


def update_group(call: Call, obj: Any) -> None:
    """Change a group's fields and, if its details have some, its permissions."""
    row = group_row(call.store, id_of(obj))
    changes = values_of(obj)
    details = obj.getDetails()
    if details is not None and details.getPermissions() is not None:
        changes["permissions"] = permissions.permissions_string(details.getPermissions())
    with call.store.transaction():
        call.store.update(row, changes, event=call.event())
        constraints.check_required(row)


def delete_account(call: Call, row: Row, field: str) -> None:
    """Delete a user or group with its memberships, if nothing else refers to it.

    Parameters
    ----------
    field : str
        Which end of a membership it is: ``child`` for users, ``parent`` for groups.

    Raises
    ------
    omero.ValidationException
        It owns data or made changes.
    """
    with call.store.transaction():
        for membership in call.store.referrers("GroupExperimenterMap", field, row.id):
            call.store.delete(membership)
        constraints.check_unreferenced(call.store, row)
        call.store.delete(row)


def set_privileges(call: Call, user: Row, granted: Iterable[str]) -> None:
    """Note the administrator privileges that a user lacks in the user's config."""
    held = user.values.get("config", [])
    config = [pair for pair in held if not pair[0].startswith(roles.PRIVILEGE_PREFIX)]
    missing = sorted(security.all_privileges() - set(granted))
    config += [(f"{roles.PRIVILEGE_PREFIX}{name}", "false") for name in missing]
    call.store.update(user, {"config": config}, event=call.event())


def _renumber(call: Call, rows: Iterable[Row]) -> None:
    for position, row in enumerate(rows):
        if row.values["child_index"] != position:
            call.store.update(row, {"child_index": position}, event=call.event())
