"""Runs are shown by ``status`` and taken back by ``undo``: exactly what they created."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import omero
import omero.model
import omero.rtypes
import pytest

from omero_sandbox.testing import real_input, seed
from tests.command_line import CommandLine
from tests.integration.conftest import Server
from tests.support.servers import delete

Line = Callable[..., Any]


@pytest.fixture
def dataset(source_server: Server, tmp_path: Path) -> str:
    """Give a dataset with two images, on the source."""
    client = source_server.client()
    made = seed.create(client, "Dataset", "D")
    seed.link(client, made, seed.tag(client, "t"))
    for place in range(2):
        found = real_input.same_names(tmp_path / str(place))
        image = seed.import_fileset(client, found.folder, found.files, made).images[0]
        seed.link(client, seed.reference("Image", image), seed.comment(client, f"comment {place}"))
    return f"Dataset:{made.id.val}"


def held(server: Server) -> dict[str, int]:
    query = server.client().sf.getQueryService()
    # without OriginalFile: folders and logs of the repository stay, as after every deletion
    kinds = ("Project", "Dataset", "Image", "Fileset", "TagAnnotation", "CommentAnnotation")
    return {kind: len(query.findAll(kind, None)) for kind in kinds}


def name_of(run_line: CommandLine, command: str) -> str:
    runs = run_line("status", "--json").lines[0]["runs"]
    return str(next(run["run"] for run in runs if run["command"] == command))


def test_status_shows_every_run(pack: Line, unpack: Line, run_line: CommandLine, dataset: str) -> None:
    pack(dataset, "crate.zip")
    unpack("crate.zip")

    runs = run_line("status", "--json").lines[0]["runs"]

    assert [(run["command"], run["state"], run["done"]) for run in runs] == [
        ("pack", "finished", 2),
        ("unpack", "finished", 2),
    ]


def test_unknown_run(run_line: CommandLine) -> None:
    assert "no run" in run_line("status", "nothing", exit_code=5).stderr
    assert "no name" in run_line("status", "../nothing", exit_code=2).stderr


def test_undo_leaves_the_server_as_it_was(
    pack: Line, unpack: Line, run_line: CommandLine, dataset: str, target_server: Server
) -> None:
    pack(dataset, "crate")
    before = held(target_server)
    unpack("crate")
    run = name_of(run_line, "unpack")
    after = held(target_server)
    assert after != before

    run_line("undo", run, "--dry-run", *target_server.login())
    assert "asked" in run_line("undo", run, *target_server.login(), exit_code=7).stderr
    assert held(target_server) == after
    run_line("undo", run, "--force", *target_server.login())

    assert held(target_server) == before
    assert run_line("status", run, "--json").lines[0]["runs"][0]["state"] == "undone"


def test_undo_elsewhere_says_which_servers_are_meant(
    pack: Line, unpack: Line, run_line: CommandLine, dataset: str, source_server: Server
) -> None:
    pack(dataset, "crate")
    unpack("crate")

    refused = run_line("undo", name_of(run_line, "unpack"), *source_server.login(), exit_code=7)

    found = re.search(
        rf"on \S+ \(database (\w{{8}})\); this is {source_server.user} on \S+ \(database (\w{{8}})\)",
        refused.sentences[0],
    )
    assert found is not None
    assert found[1] != found[2]


def test_container_that_is_gone_is_told_with_where_the_run_is_named(
    pack: Line, unpack: Line, run_line: CommandLine, dataset: str, target_server: Server
) -> None:
    pack(dataset, "crate")
    unpack("crate")
    client = target_server.client()
    [there] = client.sf.getQueryService().findAll("Dataset", None)
    delete(client, {"Dataset": [there.id.val]}, there.details.group.id.val)

    [sentence] = unpack("crate", exit_code=7).sentences

    assert "was created by this run and is gone" in sentence
    assert "'omero transfer status' shows its name" in sentence


def test_undo_takes_plates_back_with_the_fields_that_hold_their_images(
    pack: Line,
    unpack: Line,
    run_line: CommandLine,
    source_server: Server,
    target_server: Server,
    tmp_path: Path,
) -> None:
    client = source_server.client()
    screen = seed.create(client, "Screen", "S")
    made = real_input.write_all(tmp_path / "in")["plate"]
    seed.import_fileset(client, made.folder, made.files, screen)
    pack(f"Screen:{screen.id.val}", "crate")
    unpack("crate")

    run_line("undo", name_of(run_line, "unpack"), "--force", *target_server.login())

    query = target_server.client().sf.getQueryService()
    for kind in ("Screen", "Plate", "Well", "Image", "Fileset"):
        assert query.findAll(kind, None) == []


def test_undo_keeps_what_others_put_there(
    pack: Line, unpack: Line, run_line: CommandLine, dataset: str, target_server: Server, tmp_path: Path
) -> None:
    pack(dataset, "crate")
    unpack("crate")
    client = target_server.client()
    made = max(one.id.val for one in client.sf.getQueryService().findAll("Dataset", None))
    own = real_input.same_names(tmp_path / "own")
    kept = seed.import_fileset(client, own.folder, own.files, seed.reference("Dataset", made)).images[0]

    result = run_line("undo", name_of(run_line, "unpack"), "--force", *target_server.login())

    assert f"Kept     Dataset:{made}" in result.stderr + result.stdout
    assert client.sf.getQueryService().get("Image", kept).id.val == kept


@pytest.fixture
def unpacked(
    pack: Line, unpack: Line, source_server: Server, target_server: Server, tmp_path: Path
) -> dict[str, int]:
    """Unpack a dataset with a tag, an attachment and a folder; return the ids of the target by class."""
    client = source_server.client()
    dataset, tag = seed.create(client, "Dataset", "D"), seed.tag(client, "shared")
    folder = seed.create(client, "Folder", "F")
    found = real_input.same_names(tmp_path / "in")
    image = seed.reference("Image", seed.import_fileset(client, found.folder, found.files, dataset).images[0])
    (tmp_path / "notes.txt").write_text("by hand")
    notes = seed.attachment(client, tmp_path / "notes.txt", "text/plain")
    for parent, child in ((dataset, tag), (image, tag), (image, notes), (folder, image)):
        seed.link(client, parent, child)
    pack(f"Dataset:{dataset.id.val}", "crate")
    unpack("crate")
    query = target_server.client().sf.getQueryService()
    kinds = ("Dataset", "Folder", "Image", "TagAnnotation", "FileAnnotation")
    return {kind: query.findAll(kind, None)[-1].id.val for kind in kinds}


@pytest.mark.promise("attacks")
@pytest.mark.parametrize("kind", ["TagAnnotation", "FileAnnotation"])
def test_undo_keeps_annotations_that_are_on_other_objects_by_now(
    kind: str, unpacked: dict[str, int], run_line: CommandLine, target_server: Server
) -> None:
    client = target_server.client()
    mine = seed.create(client, "Project", "mine")
    seed.link(client, mine, seed.reference(kind, unpacked[kind]))
    run = name_of(run_line, "unpack")
    told = f"Kept     Annotation:{unpacked[kind]}: objects that this run did not create are linked to it"

    shown = run_line("undo", run, "--dry-run", *target_server.login())
    as_json = run_line("undo", run, "--dry-run", "--json", *target_server.login()).lines[0]
    undone = run_line("undo", run, "--force", *target_server.login())

    assert told in shown.stdout
    assert told in undone.stdout
    assert f"Annotation:{unpacked[kind]}" in as_json["keeps"]
    assert f"Annotation:{unpacked[kind]}" not in as_json["removes"]
    query = client.sf.getQueryService()
    [link] = query.findAllByQuery("select l from ProjectAnnotationLink l join fetch l.child", None)
    assert link.child.id.val == unpacked[kind]
    assert query.findAll("Image", None) == []
    others = {"TagAnnotation", "FileAnnotation"} - {kind}
    assert [query.findAll(other, None) for other in others] == [[]]
    if kind == "FileAnnotation":
        assert query.get("FileAnnotation", unpacked[kind]).file is not None


@pytest.mark.promise("attacks")
def test_undo_keeps_folders_with_folders_of_others(
    unpacked: dict[str, int], run_line: CommandLine, target_server: Server
) -> None:
    client = target_server.client()
    mine = omero.model.FolderI()
    mine.name = omero.rtypes.rstring("mine")
    mine.parentFolder = omero.model.FolderI(unpacked["Folder"], False)
    client.sf.getUpdateService().saveObject(mine)
    run = name_of(run_line, "unpack")
    told = f"Kept     Folder:{unpacked['Folder']}: it holds objects that this run did not create"

    assert told in run_line("undo", run, "--dry-run", *target_server.login()).stdout
    assert told in run_line("undo", run, "--force", *target_server.login()).stdout

    query = client.sf.getQueryService()
    [kept, own] = query.findAll("Folder", None)
    assert (kept.id.val, own.parentFolder.id.val) == (unpacked["Folder"], unpacked["Folder"])
    assert query.findAll("Image", None) == []


@pytest.mark.promise("attacks")
def test_undo_keeps_tags_and_attachments_that_others_put_on_its_images(
    unpacked: dict[str, int], run_line: CommandLine, target_server: Server, tmp_path: Path
) -> None:
    client = target_server.client()
    image = seed.reference("Image", unpacked["Image"])
    (tmp_path / "mine.txt").write_text("mine")
    mine = [seed.tag(client, "mine"), seed.attachment(client, tmp_path / "mine.txt", "text/plain")]
    for one in mine:
        seed.link(client, image, one)

    run_line("undo", name_of(run_line, "unpack"), "--force", *target_server.login())

    query = client.sf.getQueryService()
    found = [*query.findAll("TagAnnotation", None), *query.findAll("FileAnnotation", None)]
    assert [one.id.val for one in found] == [one.id.val for one in mine]
    assert query.findAll("Image", None) == []


@pytest.mark.promise("attacks")
def test_undo_takes_nothing_from_a_later_run_that_merged_with_it(
    unpacked: dict[str, int], unpack: Line, run_line: CommandLine, target_server: Server
) -> None:
    first = name_of(run_line, "unpack")
    unpack("crate", "--merge", "--run", "second", "--idmap", "second.json")

    run_line("undo", first, "--force", *target_server.login())

    query = target_server.client().sf.getQueryService()
    assert len(query.findAll("Image", None)) == 1
    links = query.findAllByQuery("select l from ImageAnnotationLink l join fetch l.child", None)
    tags = [one.child.id.val for one in links if isinstance(one.child, omero.model.TagAnnotation)]
    assert tags == [unpacked["TagAnnotation"]]
    assert [one.id.val for one in query.findAll("Dataset", None)] == [unpacked["Dataset"]]


def test_undone_run_can_be_done_again(
    pack: Line, unpack: Line, run_line: CommandLine, dataset: str, target_server: Server
) -> None:
    pack(dataset, "crate")
    unpack("crate")
    there = held(target_server)
    run_line("undo", name_of(run_line, "unpack"), "--force", *target_server.login())

    unpack("crate")

    assert held(target_server) == there


@pytest.mark.sandbox
def test_undo_of_a_pack_removes_the_unfinished_crate(
    pack: Line, run_line: CommandLine, dataset: str, source_server: Server, home: Path
) -> None:
    assert source_server.sandbox is not None, "only a sandbox fails on request"
    source_server.sandbox.faults.add("RawFileStore.read", omero.SecurityViolation(message="no"))
    pack(dataset, "crate", exit_code=3)
    assert (home / "crate.part").is_dir()
    run = name_of(run_line, "pack")

    only_shown = run_line("undo", run, "--dry-run").stdout
    assert (home / "crate.part").is_dir()
    removed = run_line("undo", run, "--force").stdout

    assert not (home / "crate.part").exists()
    assert "Removed" not in only_shown
    assert removed == f"{only_shown}Removed  {home / 'crate.part'}\n"
    pack(dataset, "crate")
    assert "complete" in run_line("undo", run, "--force", exit_code=7).stderr


def test_run_that_reached_a_limit_goes_on_with_the_same_command(
    pack: Line, run_line: CommandLine, dataset: str, home: Path
) -> None:
    stopped = pack(dataset, "crate", "--max-transfer", "1", "--parallel", "1", exit_code=9)
    assert "Stopped by --max-transfer; 1 item is left" in stopped.stderr
    assert not (home / "crate").exists()

    summary = pack(dataset, "crate", "--json").summary

    assert (summary["done"], summary["skipped"]) == (1, 1)


def test_ids_of_a_run_are_given_out(
    pack: Line, unpack: Line, run_line: CommandLine, source_server: Server, home: Path, tmp_path: Path
) -> None:
    made = real_input.unicode_name(tmp_path / "in")
    image = seed.import_fileset(source_server.client(), made.folder, made.files).images[0]
    pack(f"Image:{image}", "crate.zip")
    unpack("crate.zip", "--idmap", "asked.json")

    shown = run_line("idmap", name_of(run_line, "unpack"))

    assert json.loads(shown.stdout) == json.loads((home / "asked.json").read_text("utf-8"))
    assert f"Image:{image}" in {one["source"] for one in json.loads(shown.stdout)["objects"]}


def test_a_run_without_new_ids_has_none_to_give(
    pack: Line, run_line: CommandLine, source_server: Server, home: Path, tmp_path: Path
) -> None:
    made = real_input.unicode_name(tmp_path / "in")
    image = seed.import_fileset(source_server.client(), made.folder, made.files).images[0]
    pack(f"Image:{image}", "crate.zip")

    told = run_line("idmap", name_of(run_line, "pack"), exit_code=5)

    assert "created nothing on a server" in told.sentences[0]


def test_undo_of_a_finished_pack_whose_crate_is_gone_has_nothing_to_do(
    pack: Any, run_line: CommandLine, source_server: Server, home: Path
) -> None:
    number = seed.create(source_server.client(), "Dataset", "empty").id.val
    pack(f"Dataset:{number}", "weekly.zip", exit_code=None)
    (home / "weekly.zip").unlink()

    result = run_line("undo", name_of(run_line, "pack"), "--force")

    assert "is not there any more" in result.stdout
    pack(f"Dataset:{number}", "weekly.zip", exit_code=None)
    assert (home / "weekly.zip").exists()
