"""Details of saved objects: who may create and change what, for whom, in which group (OmeroInterceptor)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import omero
import omero.clients

from omero_sandbox.db.marshal import read_value
from omero_sandbox.db.schema import Type, resolve
from omero_sandbox.db.store import Row
from omero_sandbox.security import permissions, roles
from omero_sandbox.security import rights as security

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call

_DUMMY = (
    "No valid permissions available! DUMMY permissions are not intended for copying."
    " Make sure that you have not passed omero.group=-1 for a save without context"
)


def id_of(obj: Any) -> int | None:
    """Id of a received object, None if it has none."""
    number = None if obj is None else obj.getId()
    return None if number is None else int(number.getValue())


def require_group(call: Call) -> None:
    """Refuse to save under a negative group (CurrentDetails.createDetails)."""
    if call.group_id < 0:
        raise omero.ApiUsageException(None, None, _DUMMY)


def require_creation(call: Call, model: Type, obj: Any, *, internal: bool) -> None:
    """Refuse an insert that the caller may not do.

    Raises
    ------
    omero.SecurityViolation
        A system type, a guest, no member of the group, or a file that would be in a repository.
    """
    if call.user_id == roles.GUEST:
        raise omero.SecurityViolation(None, None, "guest may not create objects")
    if model.is_global:
        if not security.may_write_system_type(call, model.name):
            message = f"{model.java_name} is a System-type, and may be created only through privileged APIs."
            raise omero.SecurityViolation(None, None, message)
        return
    privilege = "WriteFile" if model.name == "OriginalFile" else "WriteOwned"
    if call.group_id not in call.member_of and privilege not in call.privileges:
        message = f"You are not authorized to create {model.java_name} in group {call.group_id}"
        raise omero.SecurityViolation(None, None, message)
    if model.name == "OriginalFile" and not internal and read_value(obj, model.fields["repo"]) is not None:
        raise omero.SecurityViolation(
            None, None, "cannot set repo property of ome.model.core.OriginalFile via ORM"
        )


def of_new(call: Call, model: Type, obj: Any) -> tuple[int | None, int | None]:
    """Owner and group of a new object: the call's, or others named in its details by those who may.

    Raises
    ------
    omero.SecurityViolation
        Another owner without privilege WriteOwned, or another group.
    omero.PermissionMismatchGroupSecurityViolation
        Permissions that are not the group's.
    """
    if model.is_global:
        return None, None
    details = obj.getDetails()
    owner = id_of(details.getOwner()) if details is not None else None
    group = id_of(details.getGroup()) if details is not None else None
    name = model.java_name
    if owner not in {None, call.user_id} and "WriteOwned" not in call.privileges:
        message = f"You are not authorized to set the Experimenter for {name} to {owner}"
        raise omero.SecurityViolation(None, None, message)
    if group not in {None, call.group_id} and not (
        group == roles.USER_GROUP and "WriteOwned" in call.privileges
    ):
        message = f"You are not authorized to set the ExperimenterGroup for {name} to {group}"
        raise omero.SecurityViolation(None, None, message)
    wanted = call.group_id if group is None else group
    _check_permissions(call, details, wanted)
    return call.user_id if owner is None else owner, wanted


def check_managed(call: Call, obj: Any, row: Row) -> None:
    """Refuse details of an existing object that are out of date or not the caller's to change.

    Details without an update event are ignored: the row's are kept and there is no optimistic lock.

    Raises
    ------
    omero.OptimisticLockException
        Somebody has changed the object since it was loaded.
    omero.SecurityViolation
        Owner, group, creation event or permissions differ from the row's.
    """
    details = obj.getDetails()
    update_event = None if details is None else id_of(details.getUpdateEvent())
    if update_event is None:
        return
    name = f"{row.model.java_name}:Id_{row.id}"
    if update_event != row.updated and row.updated != call.event():
        message = f"{name} has been changed. You may need to reload the object before continuing."
        raise omero.OptimisticLockException(None, None, message, 0)
    for what, given, held in (
        ("Experimenter", details.getOwner(), row.owner),
        ("ExperimenterGroup", details.getGroup(), row.group),
        ("creation Event", details.getCreationEvent(), row.created),
    ):
        if id_of(given) not in {None, held}:
            message = f"You are not authorized to set the {what} of {name} to {id_of(given)}"
            raise omero.SecurityViolation(None, None, message)
    if row.group is not None:
        _check_permissions(call, details, row.group)


def require_update(call: Call, row: Row) -> None:
    """Refuse a change of values that the caller may not make.

    Raises
    ------
    omero.SecurityViolation
        Another group than the call's, or no right to edit.
    """
    if row.group not in {None, roles.USER_GROUP, call.group_id}:
        message = f"Currently logged into group {call.group_id}. Cannot alter object in group {row.group}"
        raise omero.SecurityViolation(None, None, message)
    call.require_edit(row)


def protect_file(call: Call, row: Row, values: dict[str, Any]) -> None:
    """Keep the repository of a file as it is, and users from pointing its path elsewhere.

    Raises
    ------
    omero.SecurityViolation
        The new path or name has a component ``.`` or ``..``.
    """
    values["repo"] = row.values.get("repo")
    for name in ("path", "name"):
        value = values[name] or ""
        if value != row.values.get(name) and {".", ".."} & set(value.split("/")) and not call.is_admin:
            message = f"only administrators may set the {name} of a file to {value!r}"
            raise omero.SecurityViolation(None, None, message)


def external_info(call: Call, obj: Any, row: Row) -> int | None:
    """Save the ExternalInfo in an object's details and return its id; no details keep what the row has.

    Raises
    ------
    omero.ValidationException
        It belongs to another object: the column is unique.
    """
    details = obj.getDetails()
    given = None if details is None else details.getExternalInfo()
    if given is None:
        fetched = details is not None and details.getUpdateEvent() is not None
        return None if fetched else row.external_info
    number, holder = id_of(given), (row.model.root, row.id)
    if number is None:
        fields = resolve("ExternalInfo").fields
        values = {name: read_value(given, field) for name, field in fields.items()}
        made = call.store.insert(
            "ExternalInfo", values | {"holder": holder}, owner=row.owner, group=row.group, event=call.event()
        )
        given.setId(omero.rtypes.rlong(made.id))
        return made.id
    known = call.store.get("ExternalInfo", number)
    if known is None or known.values["holder"] != holder:
        message = f"ExternalInfo {number} is not that of {row.type}:{row.id}; every object needs its own"
        raise omero.ValidationException(None, None, message)
    return number


def _check_permissions(call: Call, details: Any, group: int) -> None:
    given = None if details is None else details.getPermissions()
    if given is not None and not permissions.same(given, security.group_permissions(call.store, group)):
        message = "Manually setting permissions currently disallowed"
        raise omero.PermissionMismatchGroupSecurityViolation(None, None, message)
