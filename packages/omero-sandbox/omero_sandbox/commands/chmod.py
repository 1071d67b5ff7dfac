"""Changing the permissions of groups (omero-blitz ``Chmod2I``)."""

from __future__ import annotations

import omero.clients

from omero_sandbox.commands.command import CommandFailedError, graph_error
from omero_sandbox.commands.graph import GraphCommand, by_class, link_ends
from omero_sandbox.db.schema import resolve, schema
from omero_sandbox.db.store import Row
from omero_sandbox.security import permissions


class Chmod(GraphCommand):
    """Change groups; one that becomes private loses the links between different users' objects."""

    def plan(self) -> None:
        """Check the request and find the links that a private group cannot have."""
        try:
            self._wanted = str(omero.model.PermissionsI(self.request.permissions))
        except (ValueError, IndexError) as error:
            raise CommandFailedError(str(error), name="bad-permissions") from error
        self._groups = self.targets()
        for group in self._groups:
            if not self.call.is_admin and group.id not in self.call.leader_of:
                name = f"{group.model.java_name}[{group.id}]"
                raise graph_error(f"not permitted to change permissions on {name}")
        to_private = not permissions.group_reads(self._wanted)
        self._gone = [link for group in self._groups if to_private for link in self._cross_links(group.id)]

    def apply(self) -> None:
        """Change the groups and delete the links."""
        for link in self._gone:
            self.store.delete(link)
        for group in self._groups:
            self.store.update(group, {"permissions": self._wanted}, event=self.call.event())

    def response(self) -> omero.cmd.Response:
        """List the groups and the deleted links."""
        return omero.cmd.Chmod2Response(by_class(self._groups), by_class(self._gone))

    def targets(self) -> list[Row]:
        """Find the groups that the request names."""
        found = []
        for name, ids in (self.request.targetObjects or {}).items():
            model = resolve(name.rpartition(".")[2])
            if model.name != "ExperimenterGroup":
                raise CommandFailedError(f"cannot target {model.name}", name="bad-target")
            for each in ids:
                row = self.store.get(model.name, each)
                if row is None:
                    raise CommandFailedError(f"no group {each}", name="bad-group")
                found.append(row)
        return found

    def _cross_links(self, group: int) -> list[Row]:
        names = [each.name for each in schema() if each.is_link and not each.is_global]
        links = [row for name in names for row in self.store.rows(name) if row.group == group]
        return [link for link in links if len({end.owner for end in link_ends(self.store, link) if end}) > 1]
