"""Whole command lines, with both ends in memory."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from omero_rocrate_transfer.cli.output.render import JsonRenderer
from omero_rocrate_transfer.cli.process import follow
from omero_rocrate_transfer.cli.servers import endpoints
from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.model.errors import LoginError, NotFoundError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.transfer.events import Event, UnitEnded
from tests.command_line import idmap_of
from tests.transfer.fakes import TARGET, FakeSink, FakeSource


def test_pack_moves_all_and_sums_up(run_line: Any, source: FakeSource, sink: FakeSink) -> None:
    result = run_line("pack", "--rocrate", "Dataset:1", "crate")

    assert len(sink.written) == 5
    assert sink.calls == ["begin", "finish"]
    assert source.closed
    assert result.stdout == ""
    assert "Plan     1 container, 5 images in 5 items, 5 files, 7.3 KiB" in result.stderr
    assert "Packed   5 images, 5 files, 7.3 KiB" in result.stderr
    assert "verified 5/5" in result.stderr


def test_unpack_writes_the_id_map_into_the_folder_of_its_run(
    run_line: Any, source: FakeSource, sink: FakeSink, home: Path
) -> None:
    run_line("unpack", home / "some" / "liver.zip")

    written = json.loads(idmap_of(home).read_text("utf-8"))
    assert {"source": "Image:3", "target": "Image:103"} in written["objects"]
    assert written["complete"]


def test_unpack_refuses_an_existing_id_map_before_it_reads(
    run_line: Any, source: FakeSource, sink: FakeSink, home: Path
) -> None:
    (home / "map.json").write_text("mine", "utf-8")

    result = run_line("unpack", "liver.zip", "--idmap", "map.json", exit_code=7)

    assert "map.json exists already" in result.sentences[0]
    assert (home / "map.json").read_text("utf-8") == "mine"
    assert sink.calls == []


def test_unpack_sends_nothing_of_a_damaged_crate(
    run_line: Any, source: FakeSource, sink: FakeSink, home: Path
) -> None:
    source.files["5"] = b"damaged"

    result = run_line("unpack", "liver.zip", exit_code=4)

    assert "pos/5.tif" in result.sentences[0]
    assert sink.calls == []
    assert not idmap_of(home).exists()


@pytest.mark.parametrize("line", [("pack", "Dataset:1", "crate"), ("unpack", "liver.zip")])
def test_dry_run_shows_the_plan_and_touches_nothing(
    line: tuple[str, ...], run_line: Any, source: FakeSource, sink: FakeSink, home: Path
) -> None:
    result = run_line(*line, "--dry-run")

    assert sink.calls == []
    assert "Plan     1 container, 5 images" in result.stderr
    assert "nothing was written" in result.stderr
    assert [entry.name for entry in home.iterdir()] == ["omero"]


def test_what_is_left_out_is_said_and_changes_the_exit_code(
    run_line: Any, source: FakeSource, sink: FakeSink
) -> None:
    source.omissions = (Omission(type="TagAnnotation", count=4, reason="annotations are not carried yet"),)

    result = run_line("pack", "Dataset:1", "crate", exit_code=3)

    assert result.stderr.count("Left out 4 TagAnnotation: annotations are not carried yet") == 2
    assert sink.calls == ["begin", "finish"]


def test_failed_item_is_named_and_the_crate_is_not_completed(
    run_line: Any, source: FakeSource, sink: FakeSink
) -> None:
    sink.errors[ObjectRef("Fileset", 2)] = NotFoundError("Image:2 is not readable.")

    result = run_line("pack", "Dataset:1", "crate", exit_code=3)

    assert "Failed   Fileset:2: Image:2 is not readable." in result.stderr
    assert "1 of 5 items failed" in result.sentences[0]
    assert sink.calls == ["begin", "abort"]


def test_failed_item_may_be_ignored(run_line: Any, source: FakeSource, sink: FakeSink) -> None:
    sink.errors[ObjectRef("Fileset", 2)] = NotFoundError("Image:2 is not readable.")

    result = run_line("pack", "Dataset:1", "crate", "--ignore_errors", exit_code=3)

    assert "Failed   1 of 5 items" in result.stderr
    assert sink.calls == ["begin", "finish"]


def test_bug_leaves_its_traceback_in_the_log_only(
    run_line: Any, source: FakeSource, sink: FakeSink, home: Path
) -> None:
    sink.errors[ObjectRef("Fileset", 2)] = RuntimeError("a bug")

    result = run_line("pack", "Dataset:1", "crate", exit_code=1)

    assert "Unexpected RuntimeError: a bug" in result.sentences[0]
    (log,) = (home / "omero" / "transfer").glob("pack-*.log")
    assert str(log) in result.stderr
    assert "Traceback" in log.read_text("utf-8")


def test_json_is_all_that_stands_on_stdout(run_line: Any, source: FakeSource, sink: FakeSink) -> None:
    result = run_line("pack", "Dataset:1", "crate", "--json")

    kinds = [line["type"] for line in result.lines]
    assert kinds[0] == "plan"
    assert kinds.count("item") == 5
    assert result.summary["exit_code"] == 0
    assert result.summary["done"] == result.summary["planned"] == 5
    assert result.summary["bytes"] == 7500
    assert result.stderr == ""


def test_json_ends_with_the_summary_after_an_error_too(
    run_line: Any, source: FakeSource, sink: FakeSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise LoginError("No server answers.", hint="Check the host.")

    monkeypatch.setattr(endpoints, "server_source", refuse)

    summary = run_line("pack", "Dataset:1", "crate", "--json", exit_code=6).summary

    assert summary["exit_code"] == 6
    assert summary["error"] == {"id": "login", "text": "No server answers. Check the host."}


def test_quiet_says_nothing_when_all_is_well(run_line: Any, source: FakeSource, sink: FakeSink) -> None:
    result = run_line("pack", "Dataset:1", "crate", "--quiet")

    assert (result.stdout, result.stderr) == ("", "")


def test_quiet_still_says_what_failed(run_line: Any, source: FakeSource, sink: FakeSink) -> None:
    sink.errors[ObjectRef("Fileset", 2)] = NotFoundError("Image:2 is not readable.")

    result = run_line("pack", "Dataset:1", "crate", "-q", exit_code=3)

    assert "Failed   Fileset:2" in result.stderr
    assert len(result.sentences) == 1


def test_where_the_peer_is_installed_too_ours_says_so_once(
    run_line: Any, source: FakeSource, sink: FakeSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = metadata.version
    monkeypatch.setattr(follow, "version", lambda name: "1.3.2" if name == follow.PEER else real(name))

    result = run_line("pack", "Dataset:1", "crate")

    assert result.stderr.count("omero-cli-transfer is installed too") == 1


def test_output_nobody_reads_ends_the_run_cleanly(
    run_line: Any, source: FakeSource, sink: FakeSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object, event: Event) -> None:
        if isinstance(event, UnitEnded):
            raise BrokenPipeError

    monkeypatch.setattr(JsonRenderer, "show", broken)

    result = run_line("pack", "Dataset:1", "crate", "--json", exit_code=9)

    assert result.stderr == ""
    assert sink.calls == ["begin", "abort"]
    assert source.closed


def test_finished_run_says_that_all_of_it_was_there_before(
    run_line: Any, source: FakeSource, sink: FakeSink, home: Path
) -> None:
    run_line("unpack", "liver.zip")

    again = run_line("unpack", "liver.zip")

    assert "Unpacked before: 5 images, 5 files are there already; nothing was left to do" in again.stderr
    assert "verified" not in again.stderr


def test_finished_pack_of_a_source_that_changed_names_a_way_that_works(
    run_line: Any, source: FakeSource, sink: FakeSink, home: Path
) -> None:
    run_line("pack", "Dataset:1", "crate")
    # the sink writes nothing; without its target the run would be gone
    (home / "crate").mkdir()
    source.units = source.units[:-1]

    refused = run_line("pack", "Dataset:1", "crate", exit_code=7)

    assert "undo" not in refused.sentences[0]
    assert "remove the crate and name another run with --run" in refused.sentences[0]
    (home / "crate").rmdir()
    run_line("pack", "Dataset:1", "crate", "--run", "again")


def test_status_tells_servers_of_one_name_apart(run_line: Any, source: FakeSource, sink: FakeSink) -> None:
    run_line("unpack", "liver.zip", "--run", "one")

    shown = run_line("status", "one").stdout

    assert source.read_contents(()).source.database_uuid in shown
    assert TARGET.database_uuid in shown
