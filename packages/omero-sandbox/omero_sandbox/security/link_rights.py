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
    omero.GroupSecurityViolation
        The objects are in different groups.
    omero.SecurityViolation
        The target is not visible, or the group's permissions forbid it (``ReadOnlyGroupSecurityViolation`` in
        private and read-only groups).
    """
    holder, target = reference.holder, reference.target
    if holder.model.is_global or target.model.is_global or target.group == roles.USER_GROUP:
        return
    names = f"{holder.model.java_name}:Id_{holder.id} and {target.model.java_name}:Id_{target.id}"
    if holder.group != target.group:
        message = f"{names}: Group is {target.group}, not {holder.group}. Cannot link to object"
        raise omero.GroupSecurityViolation(None, None, message)
    call.require_read(target)
    held = security.group_permissions(call.store, target.group)
    if holder.owner == target.owner or (not _is_critical(call, target, held) and _allowed(call, reference)):
        return
    read_only = held in {permissions.PRIVATE, permissions.READ_ONLY}
    kind = omero.ReadOnlyGroupSecurityViolation if read_only else omero.SecurityViolation
    raise kind(None, None, f"Linking {names} is not allowed in a group with permissions {held}")


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
