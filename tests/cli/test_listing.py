"""``omero transfer list`` shows what a crate holds, without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import CommandLine
from tests.crate.foreign import packs
from tests.crate.worlds import pack_world


@pytest.mark.parametrize("form", ["crate", "crate.zip", "crate.tar"])
def test_crate_is_a_tree(run_line: CommandLine, home: Path, form: str) -> None:
    pack_world(home / form)

    result = run_line("list", form)

    assert result.stdout.splitlines() == [
        "From omero.example.org: 2 containers, 3 images, 4 files, 1021 B",
        "Project:1  Demo project",
        "  Dataset:11  Day 1",
        "    Image:201  cells  (zellen größe 1.ome.tif, 1000 B)",
        "    Image:203  second  (image 2 of Fileset:101)",
        "    Image:202  time  (3 files from time.pattern, 21 B)",
    ]
    assert result.stderr == ""


def test_pack_of_the_peer_is_a_tree_with_numbers(run_line: CommandLine, home: Path) -> None:
    packs.write_pack(home / "pack.tar")

    lines = run_line("list", "--long", "pack.tar").stdout.splitlines()

    assert lines[1:3] == ["Project:1  Old project", "  Dataset:2  Day 1"]
    assert lines[3].startswith("    Image:11  image 11  (series größe.ome.tiff, ")
    assert lines[3].endswith(", 1 channel, 2 annotations, 1 ROI)")
    assert lines[6].startswith("Image:14  image 14  (14.tiff, ")
    assert lines[7] == "Annotation:31  protocol.txt, 9 B"


def test_json_holds_the_same(run_line: CommandLine, home: Path) -> None:
    pack_world(home / "crate.zip")

    found, summary = run_line("list", "--json", "--long", "crate.zip").lines

    assert found["type"] == "list"
    assert found["source"]["host"] == "omero.example.org"
    assert [one["object"] for one in found["containers"]] == ["Project:1", "Dataset:11"]
    [first, second] = found["units"]
    assert first["images"][1] == {
        "object": "Image:203",
        "name": "second",
        "series": 1,
        "channels": 1,
        "rois": 0,
        "annotations": 0,
    }
    assert [file["path"] for file in second["files"]] == ["time.pattern", "pos1/frame.tif", "pos2/frame.tif"]
    assert summary["exit_code"] == 0


def test_what_is_no_crate_is_told_in_one_sentence(run_line: CommandLine, home: Path) -> None:
    (home / "x").mkdir()

    assert len(run_line("list", "x", exit_code=8).sentences) == 1
    assert len(run_line("list", "nowhere", exit_code=5).sentences) == 1


def test_log_has_the_name_of_the_command(run_line: CommandLine, home: Path) -> None:
    run_line("list", "nowhere", exit_code=5)

    [log] = (home / "omero" / "transfer").glob("*.log")
    assert log.name.startswith("list-")


def test_hint_for_a_damaged_crate_is_true_where_nothing_was_to_be_sent(
    run_line: CommandLine, home: Path
) -> None:
    (home / "pack").mkdir()
    (home / "pack" / "transfer.xml").write_text("<OME")

    [sentence] = run_line("list", "pack", exit_code=8).sentences

    assert "get it again" in sentence
    assert "sent" not in sentence


def test_names_cannot_reach_the_terminal(run_line: CommandLine, home: Path) -> None:
    document = packs.current_xml().replace(b'Name="image 11"', 'Name="\u202eevil\t"'.encode())
    packs.write_pack(home / "pack", document)

    output = run_line("list", "pack").stdout

    assert "\u202e" not in output
    assert "\\u202eevil" in output
