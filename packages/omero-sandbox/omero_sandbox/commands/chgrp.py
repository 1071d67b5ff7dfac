"""Moving objects to another group (omero-blitz ``Chgrp2I``)."""

from __future__ import annotations

import omero.clients

from omero_sandbox.commands import rules
from omero_sandbox.commands.command import CommandFailedError, graph_error
from omero_sandbox.commands.delete import delete_rows, with_links
from omero_sandbox.commands.graph import GraphCommand, by_class, link_ends, references
from omero_sandbox.commands.options import Options
from omero_sandbox.commands.paths import Path
from omero_sandbox.commands.plan import Planner, Policy, label
from omero_sandbox.db.store import Row
from omero_sandbox.net.call import Call
from omero_sandbox.security import permissions, roles
from omero_sandbox.security import rights as security

_PERSONAL = frozenset({"RenderingDef", "Thumbnail"})


class ChgrpPolicy(Policy):
    """What is held only by the moved moves too, except what is another user's into a private group."""

    verb = "move"

    def __init__(self, call: Call, *, to_private: bool) -> None:
        super().__init__(call)
        self._to_private = to_private

    def considers(self, path: Path, holder: Row, held: Row) -> bool:
        """Follow the rules of blitz-chgrp-rules.xml."""
        if holder.owner == held.owner:
            return True
        if self._to_private or held.type in rules.OWN_ANNOTATIONS:
            return False
        return self.permits(held) or self.call.can_delete(held)

    def keeps(self, whole: Row, part: Row) -> bool:
        """Others' rendering settings and thumbnails do not go into a private group."""
        return self._to_private and part.type in _PERSONAL and part.owner != whole.owner

    def permits(self, row: Row) -> bool:
        """Check for the owner or privilege Chgrp; what is part of the moved goes unchecked."""
        return row.type in rules.UNCHECKED or row.model.is_link or self.call.can_chgrp(row)


class Chgrp(GraphCommand):
    """Change the group of objects and of what belongs to them; links to what stays are deleted."""

    def plan(self) -> None:
        """Find what is moved and what is deleted because it cannot be."""
        group = self.request.groupId
        if "Chgrp" not in self.call.privileges and group not in self.call.member_of:
            raise CommandFailedError("not a member of the chgrp destination group", name="not-in-group")
        if self.store.get("ExperimenterGroup", group) is None:
            raise CommandFailedError(f"No such group: {group}", name="graph-fail")
        to_private = not permissions.group_reads(security.group_permissions(self.store, group))
        policy = ChgrpPolicy(self.call, to_private=to_private)
        chosen = Planner(self.store, policy, self.options).select(self.targets())
        self._moved = {row: None for row in chosen if not row.model.is_global}
        dropped = self._left_behind() if to_private else []
        dropped = Planner(self.store, _Taken(self.call), Options()).select(dropped)
        self._gone, self._nulled = with_links(self.store, dropped)
        self._gone += self._settle_links()
        self._check()

    def apply(self) -> None:
        """Change the groups; the update events stay, as ``Chgrp2I`` updates in bulk."""
        delete_rows(self.store, self.call, self._gone, self._nulled)
        for row in self._moved:
            self.store.update(row, {}, group=self.request.groupId)

    def response(self) -> omero.cmd.Response:
        """List what was moved and deleted, or would be."""
        return omero.cmd.Chgrp2Response(by_class(self._moved), by_class(self._gone))

    def _left_behind(self) -> list[Row]:
        """Others' settings, thumbnails and ROIs of what goes into a private group: they are deleted."""
        found = []
        for row in self._moved:
            for referrer, field, _ in references(self.store, row):
                if referrer in self._moved or (referrer.type, field) not in _DEPENDENTS:
                    continue
                found.append(referrer)
        return found

    def _settle_links(self) -> list[Row]:
        """Move links between moved objects; return those that go because an end stays."""
        gone: dict[Row, None] = {}
        deleted = set(self._gone)
        for row in list(self._moved):
            for link, _, _ in references(self.store, row):
                if not link.model.is_link or link.model.is_global or link in self._moved or link in deleted:
                    continue
                if all(end in self._moved for end in link_ends(self.store, link)):
                    self._moved[link] = None
                else:
                    gone[link] = None
        return list(gone)

    def _check(self) -> None:
        """Nothing may refer across the border of groups."""
        gone = set(self._gone)
        for row in self._moved:
            for field in row.model.fields.values():
                target = row.get(field.name) if field.kind == "one" else None
                found = None if target is None else self.store.get(str(field.target), target)
                if found is not None and _in_group(found) and found not in self._moved:
                    raise graph_error(f"may not move {label(row)} while {label(found)} remains")
            for referrer, _, _ in references(self.store, row):
                if _in_group(referrer) and referrer not in self._moved and referrer not in gone:
                    raise graph_error(f"may not move {label(row)} while {label(referrer)} remains")


class _Taken(Policy):
    """Deletes parts without a question: the rules do so regardless of permissions."""

    verb = "delete"

    def considers(self, path: Path, holder: Row, held: Row) -> bool:
        return False

    def permits(self, row: Row) -> bool:
        return True


_DEPENDENTS = frozenset({("RenderingDef", "pixels"), ("Thumbnail", "pixels"), ("Roi", "image")})


def _in_group(row: Row) -> bool:
    return not row.model.is_global and row.group not in {None, roles.USER_GROUP}
