"""Everything comes back to those who owned it, where an administrator unpacks with ``--as-owner``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from omero_rocrate_transfer.sandbox import real_input, seed
from tests.command_line import CommandLine
from tests.integration.conftest import Server

Line = Callable[..., Any]
OWNED = (
    "Project", "Dataset", "ProjectDatasetLink", "DatasetImageLink", "Fileset", "OriginalFile", "Image", "Pixels",
    "Roi", "Shape", "Folder", "FolderImageLink", "FolderRoiLink", "TagAnnotation", "CommentAnnotation",
    "LongAnnotation", "FileAnnotation", "ImageAnnotationLink", "DatasetAnnotationLink", "RenderingDef",
    "ChannelBinding", "QuantumDef", "Channel", "LogicalChannel",
)  # fmt: skip


def settle(server: Server, *names: str, permissions: str = "rwra--", password: str = "pw") -> int:
    """Make the group lab with some members; return its id."""
    root = server.client()
    lab = seed.group(root, "lab", permissions)
    for name in names:
        seed.user(root, name, password, [lab])
    return lab


def owned(server: Server) -> dict[str, Counter[str]]:
    """Return how many objects of each class everybody has."""
    if server.sandbox is None:
        pytest.skip("looks into the store of a sandbox")
    store = server.sandbox.store
    logins = {row.id: row.values["omeName"] for row in store.rows("Experimenter")}
    found = {}
    for kind in OWNED:
        rows = [row for row in store.rows(kind) if row.get("mimetype") != "Directory"]
        rows = [row for row in rows if not str(row.get("mimetype")).startswith("application/omero-log")]
        found[kind] = Counter(logins[row.owner or 0] for row in rows)
    return found


def look_at(client: Any, image: int) -> None:
    """Give the user of a client rendering settings for an image."""
    client.sf.getRenderingSettingsService().resetDefaultsInSet("Image", [image])


@pytest.fixture
def shared(source_server: Server, tmp_path: Path) -> str:
    """Give a project of two people, on the source: one tag of one of them is on images of both."""
    settle(source_server, "alice", "bob", "carol")
    alice, bob, carol = (source_server.client(name, "pw") for name in ("alice", "bob", "carol"))
    root = source_server.client("root", group="lab")
    project = seed.create(alice, "Project", "P")
    tag = seed.tag(bob, "seen")
    for client in (alice, bob):
        dataset = seed.create(client, "Dataset", "D")
        seed.link(root, project, dataset)
        name = client.sf.getAdminService().getEventContext().userName
        made = real_input.same_names(tmp_path / name)
        image = seed.import_fileset(client, made.folder, made.files, dataset).images[0]
        ref = seed.reference("Image", image)
        seed.link(alice, ref, tag)
        seed.link(bob, ref, tag)
        seed.link(carol, dataset, seed.comment(carol, f"of {name}"))
        seed.link(carol, ref, seed.rating(carol, 5))
        seed.roi(carol, image, [seed.shape("Point", "here", x=1, y=2)])
        seed.roi(client, image, [seed.shape("Point", "there", x=3, y=4)])
        look_at(carol, image)
        note = tmp_path / f"{name}.txt"
        note.write_text(name)
        seed.link(bob, ref, seed.attachment(bob, note, "text/plain"))
    folder = seed.create(carol, "Folder", "box")
    link = __import__("omero").model.FolderImageLinkI()
    link.parent, link.child = folder, ref
    seed.save(root, link)
    return f"Project:{project.id.val}"


def test_everything_comes_back_to_its_owner(
    pack: Line, unpack: Line, source_server: Server, target_server: Server, shared: str, run_line: CommandLine
) -> None:
    settle(target_server, "carol", "bob", "alice")
    before = owned(source_server)
    pack(shared, "crate")

    unpack("crate", "--as-owner", "-g", "lab", "--metadata", "none")

    assert owned(target_server) == before
    assert target_server.sandbox is not None
    assert [s for s in target_server.sandbox.sessions.live() if s.sudoer_id is not None] == []
    verified = run_line("verify", "crate", "--server", *target_server.login())
    assert "0 not the same" in verified.stderr
