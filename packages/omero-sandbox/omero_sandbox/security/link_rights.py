"""Who may refer to whose objects (OmeroInterceptor.newTransientDetails and evaluateLinkages)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import omero
import omero.clients

from omero_sandbox.db.store import Row
from omero_sandbox.security import permissions, roles
from omero_sandbox.security import rights as security

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call

# Everybody who sees an image may have settings and thumbnails for it.
_READ_SUFFICES = frozenset({"RenderingDef", "Thumbnail"})


class Reference(NamedTuple):
    """A reference that a save sets."""

    holder: Row
    field: str
    target: Row


def require_link(call: Call, reference: Reference) -> None:
    """Refuse a reference that the caller may not make.

    Raises
    ------
    omero.SecurityViolation
        The target is not visible, as in another group than that of the call, or the group's permissions
        forbid it; or all groups are the call's (``ReadOnlyGroupSecurityViolation`` of others' private data).
    """
    holder, target = reference.holder, reference.target
    if holder.model.is_global or target.model.is_global or target.group == roles.USER_GROUP:
        return
    if call.group_id < 0:
        raise not_granted("------", target)
    call.require_read(target)
    held = security.group_permissions(call.store, target.group)
    if holder.owner == target.owner:
        return
    if _is_critical(call, target, held):
        message = (
            f"Cannot link to {target.model.java_name}:Id_{target.id}\n"
            "Current user is an admin or the owner of\nthe private group. It is not allowed to\n"
            "link to users' data."
        )
        raise omero.ReadOnlyGroupSecurityViolation(None, None, message)
    if not _allowed(call, reference):
        raise not_granted(held, target)


def not_granted(held: str, target: Row) -> BaseException:
    """Make the error of a reference that the permissions of the group do not allow (throwIfNotGranted)."""
    message = f"Group is {held}. Cannot link to object: {target.model.java_name}:Id_{target.id}"
    return omero.SecurityViolation(None, None, message)


def _is_critical(call: Call, target: Row, held: str) -> bool:
    """Tell whether the target is private data of others, to which nobody may link what these would not see.

    That is the only right that administrators do not have (CurrentDetails.isGraphCritical).
    """
    return held == permissions.PRIVATE and target.owner != call.user_id


def _allowed(call: Call, reference: Reference) -> bool:
    holder = reference.holder.type
    if holder in _READ_SUFFICES:
        return True
    if holder.endswith("AnnotationLink") or (holder == "Roi" and reference.field == "image"):
        return call.can_annotate(reference.target)
    return call.can_link(reference.target)
