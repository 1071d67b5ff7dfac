"""``omero transfer verify`` as a whole command line, without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import CommandLine
from tests.crate.valid import PAYLOAD
from tests.crate.worlds import pack_world


@pytest.fixture
def crate(home: Path) -> Path:
    pack_world(home / "crate")
    return home / "crate"


def damage(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


def test_sound_crate_ends_with_0_and_says_how_much_was_read(run_line: CommandLine, crate: Path) -> None:
    result = run_line("verify", crate)

    assert "Verified 9 compared, 0 not the same" in result.stderr
    assert result.stdout == ""


def test_each_difference_is_one_line_and_the_exit_code_4(run_line: CommandLine, crate: Path) -> None:
    damage(crate / PAYLOAD)
    (crate / "fs102.0001.frame.tif").unlink()
    (crate / "more.txt").write_text("more")

    result = run_line("verify", crate, exit_code=4)

    assert [line[:30].rstrip() for line in result.stderr.splitlines() if line[0] in "=*+-!"] == [
        "+ fs102.0001.frame.tif  is mis",
        "- more.txt  is not listed in m",
        f"* {PAYLOAD}"[:30],
    ]


def test_json_has_a_line_for_each_difference(run_line: CommandLine, crate: Path) -> None:
    damage(crate / PAYLOAD)

    result = run_line("verify", "--json", crate, exit_code=4)

    [difference] = [line for line in result.lines if line["type"] == "difference"]
    assert (difference["symbol"], difference["path"]) == ("*", PAYLOAD)
    assert (result.summary["compared"], result.summary["differences"]) == (9, 1)


def test_combined_has_a_line_for_everything(run_line: CommandLine, crate: Path, home: Path) -> None:
    damage(crate / PAYLOAD)

    run_line("verify", crate, "--combined", home / "all.txt", exit_code=4)

    lines = (home / "all.txt").read_text().splitlines()
    assert f"* {PAYLOAD}" in lines
    assert sorted(line[0] for line in lines) == ["*", *"=" * 8]


def test_quick_reads_no_content(run_line: CommandLine, crate: Path) -> None:
    damage(crate / PAYLOAD)

    assert "0 not the same" in run_line("verify", "--quick", crate).stderr
    (crate / PAYLOAD).write_bytes(b"")
    assert f"* {PAYLOAD}  has 0 bytes, not 1000." in run_line("verify", "--quick", crate, exit_code=4).stderr


def test_the_parts_of_a_subset_are_the_whole(run_line: CommandLine, crate: Path, home: Path) -> None:
    for number in (1, 2, 3):
        run_line("verify", crate, "--subset", f"{number}/3", "--combined", home / f"{number}.txt")
    parts = "".join((home / f"{number}.txt").read_text() for number in (1, 2, 3))

    run_line("verify", crate, "--combined", home / "all.txt")

    assert sorted(parts.splitlines()) == sorted((home / "all.txt").read_text().splitlines())


@pytest.mark.parametrize("part", ["0/3", "4/3", "0%", "101%", "x", "1/0"])
def test_a_part_that_is_none_is_refused(run_line: CommandLine, crate: Path, part: str) -> None:
    result = run_line("verify", crate, "--subset", part, exit_code=2)

    assert "Write it like 2/10 or 5%" in result.stderr


def test_combined_file_is_not_overwritten(run_line: CommandLine, crate: Path, home: Path) -> None:
    (home / "all.txt").write_text("mine")

    result = run_line("verify", crate, "--combined", home / "all.txt", exit_code=7)

    assert len(result.sentences) == 1
    assert (home / "all.txt").read_text() == "mine"


def test_an_archive_that_cannot_be_opened_is_named(run_line: CommandLine, home: Path) -> None:
    pack_world(home / "crate.zip")
    data = (home / "crate.zip").read_bytes()
    (home / "crate.zip").write_bytes(data[:-5])

    assert "! crate.zip  " in run_line("verify", "crate.zip", exit_code=8).stderr
    assert run_line("verify", "nowhere.zip", exit_code=5).sentences


def test_idmap_without_a_server_is_refused(run_line: CommandLine, crate: Path) -> None:
    assert run_line("verify", crate, "--idmap", "x.json", exit_code=2).sentences
