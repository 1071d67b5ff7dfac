"""Commands that only ask, and those on sessions, over a real connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import omero.clients
from omero.api import LongPair
from omero.rtypes import rlong

from omero_sandbox.server import SandboxServer
from support.commands import World, run, short


def test_used_files_come_in_the_order_of_the_fileset(root: Any, world: World) -> None:
    fileset = world.fileset("b.tif", "a.tif")
    image = world.image(fileset=fileset)
    response = run(root, omero.cmd.UsedFilesRequest(image.id))
    names = [world.store.get("OriginalFile", number) for number in response.binaryFilesThisSeries]
    assert [row.values["name"] for row in names if row] == ["b.tif", "a.tif"]


def test_archived_files_are_those_of_the_pixels(root: Any, world: World) -> None:
    image = world.image()
    file = world.add("OriginalFile", name="old.tif", path="/")
    world.add("PixelsOriginalFileMap", parent=file.id, child=world.store.children(image, "pixels")[0].id)
    assert run(root, omero.cmd.UsedFilesRequest(image.id)).archivedFiles == [file.id]


def test_original_metadata_name_the_fileset(root: Any, world: World) -> None:
    fileset = world.fileset("a.tif")
    image = world.image(fileset=fileset)
    assert run(root, omero.cmd.OriginalMetadataRequest(image.id)).filesetId.val == fileset.id


def test_missing_image_is_an_error(root: Any) -> None:
    assert run(root, omero.cmd.UsedFilesRequest(987)).name == "bad-image"


def test_parents_and_children_are_found_by_type(root: Any, world: World) -> None:
    project, dataset = world.add("Project", name="p"), world.add("Dataset", name="d")
    world.link(project, dataset)
    image = world.image(dataset)
    up = omero.cmd.FindParents(
        targetObjects={"Image": [image.id]}, typesOfParents=["Project", "Dataset"], stopBefore=[]
    )
    assert short(run(root, up).parents) == {"Dataset": [dataset.id], "Project": [project.id]}
    down = omero.cmd.FindChildren(
        targetObjects={"Project": [project.id]}, typesOfChildren=["Image"], stopBefore=[]
    )
    assert short(run(root, down).children) == {"Image": [image.id]}
    down.stopBefore = ["Dataset"]
    assert run(root, down).children == {}


def test_disk_usage_counts_each_file_once(root: Any, world: World, sandbox: SandboxServer) -> None:
    fileset = world.fileset("a.tif")
    images = [world.image(fileset=fileset) for _ in range(2)]
    path = sandbox.data_dir / "ManagedRepository" / "p" / "a.tif"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"12345")
    request = omero.cmd.DiskUsage2({"Image": [image.id for image in images]}, [])
    response = run(root, request)
    assert response.totalBytesUsed == {LongPair(0, 0): 5}
    assert response.fileCountByReferer == {LongPair(0, 0): {"OriginalFile": 1}}


def test_own_session_timeout_is_changed(root: Any) -> None:
    name = root.getSessionId()
    run(root, omero.cmd.UpdateSessionTimeoutRequest(name, None, rlong(90_000)))
    assert root.sf.getSessionService().getSession(name).timeToIdle.val == 90_000


def test_user_cannot_ask_for_an_endless_session(connect: Callable[..., Any], world: World) -> None:
    world.user("alice", world.new_group("lab", "rwra--"))
    alice = connect("alice", "alice")
    request = omero.cmd.UpdateSessionTimeoutRequest(alice.getSessionId(), None, rlong(0))
    assert run(alice, request).name == "non-admin-increase"


def test_unknown_command_fails_by_name(root: Any) -> None:
    response = run(root, omero.cmd.SendEmailRequest())
    assert "SendEmailRequest" in response.parameters["message"]
