"""The security context of one call: who acts, as whom, in which group (OMERO's event context)."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

import omero
import omero.clients
from omero.rtypes import rlong, rstring

from omero_sandbox.db.store import Row, Store
from omero_sandbox.security import permissions, roles
from omero_sandbox.security import rights as security

if TYPE_CHECKING:
    from omero_sandbox.net.context import ServiceContext
    from omero_sandbox.net.sessions import Session

log = logging.getLogger(__name__)


class Call:
    """One call of one client.

    Group and user come from the Ice context (``omero.group``, ``omero.user``), else from the session; they
    are checked when first used, as BasicSecuritySystem.loadEventContext does before a service method runs.
    """

    def __init__(self, context: ServiceContext, session: Session, current: Any) -> None:
        self.context = context
        self.session = session
        self.current = current
        self.ctx: dict[str, str] = dict(current.ctx or {}) if current is not None else {}
        self.store: Store = context.store
        self._event: int | None = None

    # -- who --------------------

    @property
    def client_uuid(self) -> str | None:
        """Client named by the call's own Ice context; an explicit context without it has none."""
        return self.ctx.get("omero.client.uuid")

    @property
    def session_uuid(self) -> str | None:
        """Session named by the call's own Ice context."""
        return self.ctx.get("omero.session.uuid")

    @property
    def caller_id(self) -> int:
        """User of the session, whatever ``omero.user`` says."""
        return self.session.user_id

    @cached_property
    def memberships(self) -> list[Row]:
        """GroupExperimenterMap rows of the caller, default group first."""
        return security.memberships(self.store, self.caller_id)

    @cached_property
    def member_of(self) -> list[int]:
        """Ids of the caller's groups."""
        return [row.values["parent"] for row in self.memberships]

    @cached_property
    def leader_of(self) -> list[int]:
        """Ids of the groups the caller owns."""
        return [row.values["parent"] for row in self.memberships if row.values["owner"]]

    @cached_property
    def is_admin(self) -> bool:
        """Member of group ``system``, light administrators included."""
        return roles.SYSTEM_GROUP in self.member_of

    @cached_property
    def privileges(self) -> frozenset[str]:
        """Administrator privileges; a sudo session has at most those of the sudoer (LightAdminPrivileges)."""
        if not self.is_admin:
            return frozenset()
        mine = security.privileges(self.store, self.caller_id)
        sudoer = self.session.sudoer_id
        return mine if sudoer is None else mine & security.privileges(self.store, sudoer)

    @cached_property
    def user_id(self) -> int:
        """Owner of what this call creates."""
        wanted = self._number("omero.user")
        if wanted is None or wanted == self.caller_id:
            return self.caller_id
        if not self.is_admin:
            message = f"User {self.caller_id} is not an admin and so cannot set uid to {wanted}"
            raise omero.SecurityViolation(None, None, message)
        return wanted

    # -- where --------------------

    @cached_property
    def group_id(self) -> int:
        """Group of the call; negative means all readable groups."""
        wanted = self._number("omero.group")
        group = self.session.group_id if wanted is None else wanted
        if group < 0 and self.session.led_groups is None:
            return group
        if group >= 0 and self.store.get("ExperimenterGroup", group) is None:
            raise omero.ApiUsageException(None, None, f"No such group: {group}")
        if not self._may_enter(group):
            message = f"User {self.caller_id} is not a member of group {group} and cannot login"
            raise omero.SecurityViolation(None, None, message)
        return group

    def _may_enter(self, group: int) -> bool:
        if self.session.led_groups is not None and group not in self.session.led_groups:
            return False
        readable = permissions.world_reads(security.group_permissions(self.store, group))
        return group in self.member_of or self.is_admin or readable

    @cached_property
    def readable_groups(self) -> list[int]:
        """Groups whose data this call may see at all."""
        if self.group_id >= 0:
            return [self.group_id, roles.USER_GROUP]
        if self.is_admin:
            return [row.id for row in self.store.rows("ExperimenterGroup")]
        groups = self.store.rows("ExperimenterGroup")
        return [row.id for row in groups if row.id in self.member_of or self._may_enter(row.id)]

    def _number(self, key: str) -> int | None:
        text = self.ctx.get(key)
        if not text:
            return None
        try:
            return int(text)
        except ValueError:
            # BasicEventContext.parseId: a group name is for login only, later calls go on without it.
            log.warning("Ignored call context %s=%r: not a number", key, text)
            return None

    def check(self) -> None:
        """Refuse a call whose user or group is not the caller's to use."""
        _ = self.user_id, self.group_id

    # -- rights --------------------

    def can_read(self, row: Row) -> bool:
        """Tell whether the row is visible in the group of this call."""
        return security.can_read(self, row)

    def can_annotate(self, row: Row) -> bool:
        """Tell whether annotations may be linked to the row."""
        return security.can_annotate(self, row)

    def can_link(self, row: Row) -> bool:
        """Tell whether the row may be linked or referred to by new objects."""
        return security.can_link(self, row)

    def can_edit(self, row: Row) -> bool:
        """Tell whether the row's values may be changed."""
        return security.can_edit(self, row)

    def can_delete(self, row: Row) -> bool:
        """Tell whether the row may be deleted."""
        return security.can_delete(self, row)

    def can_chgrp(self, row: Row) -> bool:
        """Tell whether the row may be moved to another group."""
        return security.can_chgrp(self, row)

    def can_chown(self, row: Row) -> bool:
        """Tell whether the row may be given to another user."""
        return security.can_chown(self, row)

    def require_read(self, row: Row) -> None:
        """Raise a SecurityViolation as BasicACLVoter.throwLoadViolation does if the row is not readable."""
        if not self.can_read(row):
            message = f"Cannot read {row.model.java_name}:Id_{row.id}"
            raise omero.SecurityViolation(None, None, message)

    def require_edit(self, row: Row) -> None:
        """Raise a SecurityViolation if the row may not be changed."""
        if not self.can_edit(row):
            message = f"Updating {row.model.java_name}:Id_{row.id} not allowed."
            raise omero.SecurityViolation(None, None, message)

    def require_delete(self, row: Row) -> None:
        """Raise a SecurityViolation if the row may not be deleted."""
        if not self.can_delete(row):
            message = f"Deleting {row.model.java_name}:Id_{row.id} not allowed."
            raise omero.SecurityViolation(None, None, message)

    def require_privilege(self, privilege: str) -> None:
        """Raise a SecurityViolation unless the caller is an administrator with this privilege."""
        if privilege not in self.privileges:
            message = f"Restricted administrators need privilege {privilege}; user {self.caller_id} lacks it."
            raise omero.SecurityViolation(None, None, message)

    # -- events --------------------

    def event(self) -> int:
        """Id of this call's Event, made on first use; under group -1 it is booked on the first real group."""
        if self._event is None or self.store.get("Event", self._event) is None:
            group = self.group_id
            if group < 0:
                group = next((g for g in self.member_of if g != roles.USER_GROUP), roles.USER_GROUP)
            self._event = self.store.new_event(
                user=self.user_id, group=group, session=self.session.row_id, kind=self.session.event_type
            )
        return self._event

    def event_context(self) -> Any:
        """Build the ``omero.sys.EventContext`` of this call."""
        user = security.experimenter(self.store, self.user_id)
        group = self.store.get("ExperimenterGroup", self.group_id)
        held = security.group_permissions(self.store, self.group_id) if group else permissions.PRIVATE
        sudoer = None
        if self.session.sudoer_id is not None:
            sudoer = security.experimenter(self.store, self.session.sudoer_id)
        return omero.sys.EventContext(
            shareId=-1,
            sessionId=self.session.row_id,
            sessionUuid=self.session.uuid,
            userId=user.id,
            userName=user.values["omeName"],
            sudoerId=None if sudoer is None else rlong(sudoer.id),
            sudoerName=None if sudoer is None else rstring(sudoer.values["omeName"]),
            groupId=self.group_id,
            groupName=group.values["name"] if group else "",
            isAdmin=self.is_admin,
            adminPrivileges=sorted(self.privileges),
            eventId=-1 if self._event is None else self._event,
            eventType=self.session.event_type,
            memberOfGroups=self.member_of,
            leaderOfGroups=self.leader_of,
            groupPermissions=permissions.make(held),
        )
