"""A run for several owners goes on wherever it was killed, and everybody has what is theirs, once."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import seed
from tests.faults import worlds

PEOPLE = ("alice", "bob")
KINDS = (
    "Project", "Dataset", "ProjectDatasetLink", "DatasetImageLink", "Fileset", "Image", "Pixels", "Roi",
    "Annotation", "ImageAnnotationLink", "DatasetAnnotationLink", "RenderingDef",
)  # fmt: skip
AS_OWNER = ("--as-owner", "-g", "lab")
#: Places between the units of two owners, and within the second.
FAULTS = (
    "server:container-created=kill@2", "run:unit-written=kill@1", "server:imported=kill@2",
    "server:linked=kill@2", "journal:before-write=kill@3",
)  # fmt: skip


def settle(server: SandboxServer) -> None:
    """Make the group lab with two people."""
    root = seed.connection(server.host, server.port, "root", "omero")
    lab = seed.group(root, "lab", "rwra--")
    for name in PEOPLE:
        seed.user(root, name, "pw", [lab])
    root.closeSession()


def fill(server: SandboxServer, folder: Path) -> None:
    """Give each of the two a project with an image, which the other one has annotated, too."""
    settle(server)
    clients = [seed.connection(server.host, server.port, name, "pw") for name in PEOPLE]
    tag = seed.tag(clients[0], "shared")
    for place, client in enumerate(clients):
        project, dataset = seed.create(client, "Project", "P"), seed.create(client, "Dataset", "D")
        seed.link(client, project, dataset)
        name = f"image{place}&sizeX=16&sizeY=8.fake"
        (folder / name).write_bytes(os.urandom(3000))
        image = seed.import_fileset(client, folder, [name], dataset).images[0]
        for each in clients:
            ref = seed.reference("Image", image)
            seed.link(each, ref, tag)
            seed.link(each, ref, seed.comment(each, f"{place}"))
            seed.roi(each, image, [seed.shape("Point", "p", x=place, y=2)])
            each.sf.getRenderingSettingsService().resetDefaultsInSet("Image", [image])
        seed.link(client, dataset, tag)
    for client in clients:
        client.closeSession()


def owned(server: SandboxServer) -> dict[str, Counter[object]]:
    """Return how many objects of each class everybody has."""
    logins = {row.id: row.values["omeName"] for row in server.store.rows("Experimenter")}
    return {kind: Counter(logins[row.owner or 0] for row in server.store.rows(kind)) for kind in KINDS}


@pytest.fixture(scope="module")
def crate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Counter[object]]]:
    """Give a crate of two people, and what everybody has of it after an undisturbed run."""
    home = tmp_path_factory.mktemp("packed")
    with SandboxServer(tmp_path_factory.mktemp("source")) as server:
        fill(server, tmp_path_factory.mktemp("in"))
        code, _, stderr = worlds.run(home, server, "pack", "Project:1,2", "crate")
        assert code == 0, stderr
    with SandboxServer(tmp_path_factory.mktemp("target")) as server:
        settle(server)
        code, _, stderr = worlds.run(home, server, "unpack", "crate", *AS_OWNER)
        assert code == 0, stderr
        there = owned(server)
    assert there["Image"] == Counter(alice=1, bob=1)
    assert there["RenderingDef"] == Counter(alice=2, bob=2)
    return home / "crate", there


@pytest.mark.parametrize("fault", FAULTS)
def test_unpack_for_owners_goes_on(
    fault: str, crate: tuple[Path, dict[str, Counter[object]]], tmp_path: Path
) -> None:
    path, undisturbed = crate
    home = tmp_path / "home"
    home.mkdir()
    with SandboxServer(tmp_path / "target") as server:
        settle(server)
        code, _, stderr = worlds.run(home, server, "unpack", str(path), *AS_OWNER, fault=fault)
        assert code == -9, stderr
        code, summary, stderr = worlds.run(home, server, "unpack", str(path), *AS_OWNER)

        assert (code, summary["done"] + summary["skipped"]) == (0, len(PEOPLE)), stderr
        assert owned(server) == undisturbed
