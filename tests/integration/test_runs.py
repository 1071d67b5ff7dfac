"""Runs are shown by ``status`` and taken back by ``undo``: exactly what they created."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import omero
import pytest

from omero_sandbox.testing import real_input, seed
from tests.command_line import CommandLine
from tests.integration.conftest import Server

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
        r"on \S+ \(database (\w{8})\); this is root on \S+ \(database (\w{8})\)", refused.sentences[0]
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
    client.submit(omero.cmd.Delete2(targetObjects={"Dataset": [there.id.val]})).close(True)

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


def test_undone_run_can_be_done_again(
    pack: Line, unpack: Line, run_line: CommandLine, dataset: str, target_server: Server
) -> None:
    pack(dataset, "crate")
    unpack("crate")
    there = held(target_server)
    run_line("undo", name_of(run_line, "unpack"), "--force", *target_server.login())

    unpack("crate")

    assert held(target_server) == there


def test_undo_of_a_pack_removes_the_unfinished_crate(
    pack: Line, run_line: CommandLine, dataset: str, source_server: Server, home: Path
) -> None:
    if source_server.sandbox is None:
        pytest.skip("only a sandbox fails on request")
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
