"""Giving objects to another user (omero-blitz ``Chown2I``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import omero.clients

from omero_sandbox.commands import rules
from omero_sandbox.commands.command import graph_error
from omero_sandbox.commands.graph import GraphCommand, by_class, link_ends, references
from omero_sandbox.commands.paths import Path
from omero_sandbox.commands.plan import Planner, Policy
from omero_sandbox.db.store import Row
from omero_sandbox.net.call import Call
from omero_sandbox.security import permissions
from omero_sandbox.security import rights as security


class ChownPolicy(Policy):
    """Contents follow if they have the same owner, annotations and ROIs only where others cannot annotate."""

    verb = "give"

    def __init__(self, call: Call, acceptable: frozenset[int]) -> None:
        super().__init__(call)
        self._acceptable = acceptable

    def considers(self, path: Path, holder: Row, held: Row) -> bool:
        """Follow the rules of blitz-chown-rules.xml."""
        same_owner = holder.owner == held.owner
        if held.model.root == "Annotation" or held.type == "Roi":
            return same_owner and not permissions.group_annotates(self._permissions(held))
        return same_owner or (path not in rules.contents() and holder.model.root != "Job")

    def keeps(self, whole: Row, part: Row) -> bool:
        """Keep rendering settings and thumbnails their owner's except in private groups."""
        if part.type not in {"RenderingDef", "Thumbnail"}:
            return False
        return permissions.group_reads(self._permissions(part))

    def permits(self, row: Row) -> bool:
        """Check for privilege Chown, else for an owner of the group who gives to a member."""
        return "Chown" in self.call.privileges or (row.group in self._acceptable and self.call.can_chown(row))

    def _permissions(self, row: Row) -> str:
        return security.group_permissions(self.call.store, row.group)


class Chown(GraphCommand):
    """Change the owner of objects and of what belongs to them."""

    def plan(self) -> None:
        """Find what is given, and the links that cannot be."""
        user = self.request.userId
        security.experimenter(self.store, user)
        policy = ChownPolicy(self.call, self._acceptable_groups(user))
        targets = self.targets() + list(self._objects_of_users())
        chosen = Planner(self.store, policy, self.options).select(list(dict.fromkeys(targets)))
        self._given = {row: None for row in chosen if not row.model.is_global}
        self._gone: dict[Row, None] = {}
        for row in chosen:
            for link, _, _ in references(self.store, row):
                if link.model.is_link and link not in self._given and not link.model.is_global:
                    self._settle(link)
        self._drop_duplicates(user)

    def apply(self) -> None:
        """Change the owners; the update events stay, as ``Chown2I`` updates in bulk."""
        for row in self._gone:
            self.store.delete(row)
        for row in self._given:
            self.store.update(row, {}, owner=self.request.userId)

    def response(self) -> omero.cmd.Response:
        """List what was given and deleted, or would be."""
        return omero.cmd.Chown2Response(by_class(self._given), by_class(self._gone))

    def _acceptable_groups(self, user: int) -> frozenset[int]:
        if "Chown" in self.call.privileges:
            return frozenset()
        if not self.call.leader_of:
            raise graph_error("not an owner of any group")
        joined = {row.values["parent"] for row in security.memberships(self.store, user)}
        return frozenset(joined & set(self.call.leader_of))

    def _objects_of_users(self) -> Iterator[Row]:
        users = set(self.request.targetUsers or ())
        if not users:
            return
        for name in sorted(rules.targets()):
            for row in self.store.rows(name):
                mine = "Chown" in self.call.privileges or row.group in self.call.leader_of
                if row.type == name and row.owner in users and mine:
                    yield row

    def _settle(self, link: Row) -> None:
        """Give a link whose ends are both given; delete one that the group's permissions forbid."""
        ends = link_ends(self.store, link)
        if all(end in self._given for end in ends):
            if link.owner in {end.owner for end in ends if end}:
                self._given[link] = None
            return
        held = security.group_permissions(self.store, link.group)
        is_annotation = link.type.endswith("AnnotationLink")
        is_container = any(link.model.fields[end].target in _CONTAINERS for end in ("parent", "child"))
        forbidden = not permissions.group_reads(held) if is_annotation else not permissions.group_writes(held)
        if forbidden and (is_annotation or is_container):
            self._gone[link] = None

    def _drop_duplicates(self, user: int) -> None:
        """Delete what a user would have twice (``Chown2I.InternalProcessor``)."""
        seen: set[Any] = set()
        for link in [row for row in self._given if row.model.is_link]:
            ends = (link.type, link.get("parent"), link.get("child"))
            twins = self.store.referrers(link.type, "parent", link.values["parent"])
            has_one = any(
                twin.owner == user and twin not in self._given and twin.get("child") == link.get("child")
                for twin in twins
            )
            if has_one or ends in seen:
                del self._given[link]
                self._gone[link] = None
            seen.add(ends)


_CONTAINERS = frozenset({"Project", "Dataset", "Folder", "Screen"})
