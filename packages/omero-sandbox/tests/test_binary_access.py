"""Which binary data may be downloaded (BinaryAccessPolicy)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import omero
import pytest

from omero_sandbox.db.store import Row
from omero_sandbox.security import binary_access
from omero_sandbox.server import SandboxServer

Restricted = Callable[..., dict[str, bool]]


class World:
    """A fileset with one image and two files, a FileAnnotation, and a plate on demand; all of root."""

    def __init__(self, server: SandboxServer, *, plate: bool) -> None:
        self._store = server.store
        fileset = self.add("Fileset", templatePrefix="p")
        self.image = self.add("Image", name="i", fileset=fileset.id)
        self.files = {name: self._file(name, fileset, n) for n, name in enumerate(("a.tiff", "a.txt"))}
        attached = self.add("OriginalFile", name="attached.pdf", path="/")
        self.annotation = self.add("FileAnnotation", file=attached.id)
        self.plate = self.add("Plate", name="p")
        self.well = self.add("Well", plate=self.plate.id)
        if plate:
            self.add("WellSample", well=self.well.id, well_index=0, image=self.image.id)

    def add(self, kind: str, **values: Any) -> Row:
        return self._store.insert(kind, values, owner=0, group=0)

    def _file(self, name: str, fileset: Row, index: int) -> Row:
        file = self.add("OriginalFile", name=name, path="p/", repo="r")
        self.add("FilesetEntry", fileset=fileset.id, fileset_index=index, originalFile=file.id)
        return file

    def rows(self) -> dict[str, Row]:
        return {"Image": self.image, "FileAnnotation": self.annotation, "Well": self.well} | self.files


@pytest.fixture
def restricted(sandbox_factory: Callable[..., SandboxServer], connect: Callable[..., Any]) -> Restricted:
    """Say what is restricted under a policy of the server and of the group, for root or another user."""

    def ask(policy: str = "", group: str = "", *, plate: bool = False) -> dict[str, bool]:
        server = sandbox_factory(config={binary_access.KEY: policy} if policy else None)
        row = server.store.get("ExperimenterGroup", 0)
        assert row is not None
        server.store.update(row, {"config": [(binary_access.KEY, group)]} if group else {})
        world, client = World(server, plate=plate), connect(server=server)
        query = client.getSession().getQueryService()
        found = {}
        for name, each in world.rows().items():
            permissions = query.get(each.type, each.id).details.permissions
            found[name] = permissions.isRestricted(omero.constants.permissions.BINARYACCESS)
        return found

    return ask


NOTHING = {"Image": False, "FileAnnotation": False, "Well": True, "a.tiff": False, "a.txt": False}


def test_by_default_all_but_plates_may_be_downloaded(restricted: Restricted) -> None:
    assert restricted() == NOTHING


def test_files_of_a_plate_are_restricted_even_for_root(restricted: Restricted) -> None:
    assert restricted(plate=True) == NOTHING | {"Image": True, "a.tiff": True}


def test_the_server_may_open_plates(restricted: Restricted) -> None:
    assert not any(restricted("+read,+write,+image,+plate", plate=True).values())


def test_the_group_may_open_plates(restricted: Restricted) -> None:
    assert not any(restricted(group="+plate", plate=True).values())


def test_the_group_may_close_images(restricted: Restricted) -> None:
    assert restricted(group="-image") == NOTHING | {"Image": True, "a.tiff": True}


def test_minus_wins_over_plus(restricted: Restricted) -> None:
    found = restricted("+read,+write,+image,+plate,-plate", plate=True)
    assert found == NOTHING | {"Image": True, "a.tiff": True}


def test_without_write_nobody_downloads_anything(restricted: Restricted) -> None:
    assert all(restricted("+read,+image,+plate").values())


def test_without_read_those_who_may_edit_still_download(restricted: Restricted) -> None:
    assert restricted("-read,+write,+image,+plate") == dict.fromkeys(NOTHING, False)
