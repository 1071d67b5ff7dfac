"""The part of IAdmin that only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import omero
import omero.clients
from omero.rtypes import rlist

from omero_sandbox.db.marshal import Marshaller
from omero_sandbox.db.schema import resolve
from omero_sandbox.security import accounts, roles
from omero_sandbox.security import rights as security
from omero_sandbox.security.ownership import id_of

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext

USER_PLAN: dict[str, Any] = {"groupExperimenterMap": {"parent": {}}}
_GROUP_PLAN: dict[str, Any] = {"groupExperimenterMap": {"child": {}}}


class AdminLookups:
    """Look-ups of what does not exist raise an ApiUsageException, they never answer None."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    # -- context --------------------

    def getEventContext(self, call: Call) -> Any:
        """Return who the caller is."""
        return call.event_context()

    def getSecurityRoles(self, call: Call) -> Any:
        """Return ids and names of the users and groups that every server has."""
        return omero.sys.Roles(
            rootId=roles.ROOT,
            rootName=roles.ROOT_NAME,
            systemGroupId=roles.SYSTEM_GROUP,
            systemGroupName=roles.SYSTEM_GROUP_NAME,
            userGroupId=roles.USER_GROUP,
            userGroupName=roles.USER_GROUP_NAME,
            guestId=roles.GUEST,
            guestName=roles.GUEST_NAME,
            guestGroupId=roles.GUEST_GROUP,
            guestGroupName=roles.GUEST_GROUP_NAME,
        )

    def canUpdate(self, call: Call, obj: Any) -> bool:
        """Tell whether the caller may change an object in the current group."""
        number = id_of(obj)
        row = None if number is None else call.store.get(resolve(type(obj).__name__).root, number)
        if row is None:
            raise omero.ApiUsageException(None, None, "Only existing objects can be updated")
        return call.group_id >= 0 and row.group in {None, call.group_id} and call.can_edit(row)

    # -- look-ups --------------------

    def getExperimenter(self, call: Call, id: int) -> Any:
        """Return a user with groups."""
        return Marshaller(call.store, call).entity(security.experimenter(call.store, id), USER_PLAN)

    def lookupExperimenter(self, call: Call, name: str) -> Any:
        """Return a user with groups by login name."""
        row = call.store.lookup("Experimenter", "omeName", name)
        if row is None:
            raise omero.ApiUsageException(None, None, f"No such experimenter: {name}")
        return self.getExperimenter(call, row.id)

    def lookupExperimenters(self, call: Call) -> list[Any]:
        """Return all users with groups."""
        return Marshaller(call.store, call).entities(call.store.rows("Experimenter"), USER_PLAN)

    def getGroup(self, call: Call, id: int) -> Any:
        """Return a group with members."""
        return Marshaller(call.store, call).entity(accounts.group_row(call.store, id), _GROUP_PLAN)

    def lookupGroup(self, call: Call, name: str) -> Any:
        """Return a group with members by name."""
        row = call.store.lookup("ExperimenterGroup", "name", name)
        if row is None:
            raise omero.ApiUsageException(None, None, f"No such group: {name}")
        return self.getGroup(call, row.id)

    def lookupGroups(self, call: Call) -> list[Any]:
        """Return all groups with members."""
        return Marshaller(call.store, call).entities(call.store.rows("ExperimenterGroup"), _GROUP_PLAN)

    def containedExperimenters(self, call: Call, groupId: int) -> list[Any]:
        """Return the members of a group."""
        maps = call.store.referrers("GroupExperimenterMap", "parent", groupId)
        users = [security.experimenter(call.store, row.values["child"]) for row in maps]
        return Marshaller(call.store, call).entities(users, USER_PLAN)

    def containedGroups(self, call: Call, experimenterId: int) -> list[Any]:
        """Return the groups of a user, default group first."""
        maps = security.memberships(call.store, experimenterId)
        groups = [accounts.group_row(call.store, row.values["parent"]) for row in maps]
        return Marshaller(call.store, call).entities(groups, _GROUP_PLAN)

    def getDefaultGroup(self, call: Call, experimenterId: int) -> Any:
        """Return the first group of a user besides ``user``."""
        for row in security.memberships(call.store, experimenterId):
            if row.values["parent"] != roles.USER_GROUP:
                return self.getGroup(call, row.values["parent"])
        raise omero.ApiUsageException(None, None, f"The user {experimenterId} has no default group")

    def getMemberOfGroupIds(self, call: Call, exp: Any) -> list[int]:
        """Return the ids of a user's groups."""
        user = accounts.user_row(call.store, exp)
        return [row.values["parent"] for row in security.memberships(call.store, user.id)]

    def getLeaderOfGroupIds(self, call: Call, exp: Any) -> list[int]:
        """Return the ids of the groups that a user owns."""
        user = accounts.user_row(call.store, exp)
        return [
            row.values["parent"] for row in security.memberships(call.store, user.id) if row.values["owner"]
        ]

    def lookupLdapAuthExperimenter(self, call: Call, id: int) -> str:
        """Return no distinguished name: there is no LDAP."""
        security.experimenter(call.store, id)
        return ""

    def lookupLdapAuthExperimenters(self, call: Call) -> Any:
        """Return nobody: there is no LDAP."""
        return rlist([])

    def getMyUserPhotos(self, call: Call) -> list[Any]:
        """Return nothing: the sandbox takes no portraits."""
        return []
