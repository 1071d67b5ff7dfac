"""The seeding helper makes what it says, through the client's API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import omero
import pytest
from omero.sys import ParametersI

from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import bulk_seed, real_input, seed
from omero_sandbox.testing import world as demo_world


def one(client: Any, query: str, number: int) -> Any:
    return client.sf.getQueryService().findByQuery(query, ParametersI().addId(number))


def test_containers_are_made_linked_and_renamed(root: Any) -> None:
    project, dataset = seed.create(root, "Project", "p", "about"), seed.create(root, "Dataset", "d")
    seed.link(root, project, dataset)
    seed.rename(root, "Dataset", dataset.id.val, "new", "words")
    query = "select p from Project p join fetch p.datasetLinks l join fetch l.child where p.id = :id"
    found = one(root, query, project.id.val)
    (child,) = found.linkedDatasetList()
    assert (found.name.val, found.description.val) == ("p", "about")
    assert (child.name.val, child.description.val) == ("new", "words")


def test_annotations_hang_on_the_object(root: Any) -> None:
    dataset = seed.create(root, "Dataset", "d")
    made = [
        seed.tag(root, "t"),
        seed.comment(root, "c"),
        seed.rating(root, 5),
        seed.key_values(root, [("k", "1"), ("k", "2")]),
    ]
    for each in made:
        seed.link(root, dataset, each)
    query = "select d from Dataset d join fetch d.annotationLinks l join fetch l.child where d.id = :id"
    found = {type(each).__name__: each for each in one(root, query, dataset.id.val).linkedAnnotationList()}
    assert set(found) == {"TagAnnotationI", "CommentAnnotationI", "LongAnnotationI", "MapAnnotationI"}
    assert [(pair.name, pair.value) for pair in found["MapAnnotationI"].mapValue] == [("k", "1"), ("k", "2")]


def test_tags_are_members_of_their_set(root: Any) -> None:
    members = [seed.tag(root, text) for text in "ab"]
    group = seed.tag_set(root, "set", members)
    query = "select l.child.id from AnnotationAnnotationLink l where l.parent.id = :id order by l.child.id"
    rows = root.sf.getQueryService().projection(query, ParametersI().addId(group.id.val))
    assert [row[0].val for row in rows] == [member.id.val for member in members]


def test_attachment_has_size_and_hash(root: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"abc")
    made = seed.attachment(root, path, "text/plain", "ns")
    file = one(root, "select a from FileAnnotation a join fetch a.file where a.id = :id", made.id.val).file
    assert (file.size.val, file.hash.val) == (3, "a9993e364706816aba3e25717850c26c9cd0d89d")


def test_people_can_log_in_with_their_names(root: Any, connect: Callable[..., Any]) -> None:
    people = demo_world.add_people(root)
    context = connect("bob", "bob").sf.getAdminService().getEventContext()
    assert (context.userId, context.groupId, context.groupName) == (
        people.users["bob"],
        people.group,
        "cell lab",
    )


@pytest.mark.parametrize("name", sorted(real_input.INPUTS))
def test_every_input_is_imported_with_all_its_images(root: Any, tmp_path: Path, name: str) -> None:
    made = real_input.INPUTS[name](tmp_path)
    imported = seed.import_fileset(root, made.folder, made.files)
    assert len(imported.images) == made.images
    query = "select f from Fileset f join fetch f.usedFiles u join fetch u.originalFile where f.id = :id"
    files = [entry.originalFile for entry in one(root, query, imported.fileset).copyUsedFiles()]
    assert [file.size.val for file in files] == [path.stat().st_size for path in made.paths]
    assert [file.name.val for file in files] == [path.name for path in made.paths]


def test_images_land_in_the_dataset(root: Any, tmp_path: Path) -> None:
    dataset = seed.create(root, "Dataset", "d")
    made = real_input.multi_series(tmp_path)
    imported = seed.import_fileset(root, made.folder, made.files, dataset)
    rows = root.sf.getQueryService().projection(
        "select l.child.id from DatasetImageLink l where l.parent.id = :id",
        ParametersI().addId(dataset.id.val),
    )
    assert sorted(row[0].val for row in rows) == sorted(imported.images)


def test_unreadable_files_fail_with_the_server_s_reason(root: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.ome.tif").write_bytes(b"II*\0 this is no TIFF")
    with pytest.raises(omero.CmdError):
        seed.import_fileset(root, tmp_path, ["broken.ome.tif"])


def test_demo_world_is_complete(root: Any, tmp_path: Path) -> None:
    world = demo_world.build_demo_world(root, tmp_path)
    assert len(world.images) == 3 + 4 + 8 + 1 + 1 + 12 + 1 + 1 + 1 + 2
    count = root.sf.getQueryService().projection("select count(i) from Image i", None)
    assert count[0][0].val == len(world.images)
    assert len(world.rois) == 2


def test_bulk_world_is_seen_by_clients(root: Any, sandbox: SandboxServer) -> None:
    world = bulk_seed.fill(sandbox.store, 250)
    assert len(world.datasets) == 3
    query = root.sf.getQueryService()
    kinds = ("Image", "Pixels", "Dataset", "Annotation", "ImageAnnotationLink")
    counts = {kind: len(query.findAll(kind, None)) for kind in kinds}
    assert counts == {
        "Image": 250,
        "Pixels": 250,
        "Dataset": 3,
        "Annotation": world.annotations,
        "ImageAnnotationLink": 750,
    }
