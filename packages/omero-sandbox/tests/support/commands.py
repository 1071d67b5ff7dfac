"""Rows put straight into the store of a server, and commands run on it through a client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import omero.clients

from omero_sandbox.db.store import Row, Store
from omero_sandbox.security import passwords


@dataclass
class World:
    """Inserts rows that belong to one user in one group."""

    store: Store
    owner: int = 0
    group: int = 0

    def add(self, type_name: str, **values: Any) -> Row:
        return self.store.insert(type_name, values, owner=self.owner, group=self.group)

    def link(self, parent: Row, child: Row) -> Row:
        annotation = child.model.root == "Annotation"
        name = f"{parent.model.root}{'Annotation' if annotation else child.type}Link"
        return self.add(name, parent=parent.id, child=child.id)

    def image(self, *holders: Row, fileset: Row | None = None) -> Row:
        image = self.add("Image", name="image", **({"fileset": fileset.id} if fileset else {}))
        pixels = self.add(
            "Pixels", image=image.id, image_index=0, sizeX=4, sizeY=4, sizeZ=1, sizeC=1, sizeT=1
        )
        logical = self.add("LogicalChannel")
        self.add("Channel", pixels=pixels.id, pixels_index=0, logicalChannel=logical.id)
        for holder in holders:
            self.link(holder, image)
        return image

    def fileset(self, *names: str) -> Row:
        fileset = self.add("Fileset", templatePrefix="p/")
        for index, name in enumerate(names):
            file = self.add("OriginalFile", name=name, path="p/", repo="r", size=1)
            values = {
                "fileset": fileset.id,
                "fileset_index": index,
                "originalFile": file.id,
                "clientPath": name,
            }
            self.add("FilesetEntry", **values)
        return fileset

    def user(self, name: str, *groups: int, leads: int | None = None) -> int:
        values = {"omeName": name, "firstName": name, "lastName": name, "ldap": False}
        row = self.store.insert("Experimenter", values)
        passwords.set_password(row, name)
        for index, group in enumerate([*groups, 1]):
            values = {"parent": group, "child": row.id, "child_index": index, "owner": group == leads}
            self.store.insert("GroupExperimenterMap", values)
        return row.id

    def new_group(self, name: str, permissions: str) -> int:
        return self.store.insert(
            "ExperimenterGroup", {"name": name, "ldap": False, "permissions": permissions}
        ).id

    def of(self, owner: int, group: int | None = None) -> World:
        return World(self.store, owner, self.group if group is None else group)

    def exists(self, *rows: Row) -> list[bool]:
        return [self.store.get(row.type, row.id) is row for row in rows]


def run(client: Any, request: omero.cmd.Request) -> Any:
    """Run a command to its end and give the response, an error too."""
    callback = client.submit(request, loops=100, ms=100, failonerror=False)
    try:
        return callback.getResponse()
    finally:
        callback.close(True)


def short(found: dict[str, list[int]]) -> dict[str, list[int]]:
    """Class names without their packages."""
    return {name.rpartition(".")[2]: ids for name, ids in found.items()}
