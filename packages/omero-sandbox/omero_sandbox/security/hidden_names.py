"""Names of users, which only those see who share a group with them (omero-model PrivilegedStringType)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omero.rtypes import rstring

from omero_sandbox.db.store import Row

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call

_HIDDEN = "<hidden>"


def hide(call: Call | None, user: Row, members: dict[str, Any]) -> None:
    """Replace what the caller may not know in the data members of an ExperimenterI."""
    known = None if call is None else call.known_users
    if known is None or user.id in known:
        return
    members |= {f"_{name}": rstring(_HIDDEN) for name in ("omeName", "firstName", "lastName")}
    members |= {f"_{name}": None for name in ("middleName", "institution", "email")}
