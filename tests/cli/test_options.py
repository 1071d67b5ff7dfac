"""The options parse, mean what they say, and refuse what cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from omero_rocrate_transfer.cli.servers import endpoints
from omero_rocrate_transfer.transfer.run import run
from tests.command_line import CommandLine
from tests.transfer.fakes import FakeSink, FakeSource


@pytest.mark.parametrize(
    "arguments",
    [
        # What the README of omero-cli-transfer shows, as far as it is about crates.
        ("pack", "Image:123", "transfer_pack.tar"),
        ("pack", "--rocrate", "Dataset:1111", "/home/user/new_folder/new_pack"),
        ("pack", "--zip", "Image:123", "transfer_pack.zip"),
        ("pack", "--ignore_errors", "999", "pack.tar"),
        ("pack", "Dataset:1-3", "pack.tar"),
        ("pack", "--figure", "Project:1", "p.tar"),
        ("unpack", "--figure", "p.zip"),
        ("unpack", "p.zip", "--metadata", "img_id", "orig_user"),
        ("unpack", "p.zip", "--metadata", "none"),
        ("unpack", "transfer_pack.zip"),
        ("unpack", "--merge", "transfer_pack.zip"),
        ("unpack", "--folder", "/home/user/unpacked_folder/"),
    ],
)
def test_lines_of_the_peer_are_understood(
    arguments: tuple[str, ...], run_line: Any, source: FakeSource, sink: FakeSink
) -> None:
    run_line(*arguments)


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("pack", "--barchive", "Project:1", "p.tar"), "--barchive"),
        (("pack", "--simple", "Project:1", "p.tar"), "--simple"),
        (("pack", "--plugin", "x", "Project:1", "p.tar"), "--plugin"),
        (("pack", "Project:1", "p.tar", "--metadata", "img_id", "timestamp"), "--metadata"),
        (("pack", "--binaries", "none", "Project:1", "p.tar"), "--binaries"),
        (("unpack", "--ln_s", "p.zip"), "--ln_s"),
        (("unpack", "--skip", "checksum", "p.zip"), "--skip"),
        (("unpack", "--output", "folder", "p.zip"), "--output"),
    ],
)
def test_options_that_cannot_be_followed_are_refused_with_the_reason(
    arguments: tuple[str, ...], option: str, run_line: Any, source: FakeSource, sink: FakeSink
) -> None:
    result = run_line(*arguments, exit_code=2)

    assert len(result.sentences) == 1
    assert f"{option} is not supported" in result.sentences[0] or "--ln_s_import" in result.sentences[0]
    assert sink.calls == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("pack", "Image:1", "Image:2"), "the last word is the target"),
        (("pack", "Wurst:1", "p.zip"), "'Wurst' cannot be packed"),
        (("pack", "Image:x", "p.zip"), "is not an object"),
        (("pack", "Image:1", "p.zip", "--rocrate-organism", "human"), "--rocrate-organism 'human'"),
        (("pack", "Image:1", "p.zip", "--rocrate-modality", "light"), "--rocrate-modality 'light'"),
        (("pack", "Image:1", "p.zip", "--rocrate-license", "mine"), "--rocrate-license 'mine'"),
        (("pack", "Image:1", "p.zip", "--rocrate-name", " "), "--rocrate-name is empty"),
        (("pack", "Image:1", "p.zip", "--annotations", "a,,b"), "a namespace is empty"),
        (("unpack", "p.zip", "--metadata", "none", "md5"), "none stands beside other fields"),
        (("pack", "Image:1", "p.zip", "--chunk", "500"), "--chunk 500 is not possible"),
        (("pack", "Image:1", "p.zip", "--tile", "3"), "--tile 3 is not possible"),
        (("pack", "Image:1", "p.zip", "--compression", "rar"), "--compression 'rar' is not known"),
    ],
)
def test_wrong_values_get_one_sentence(
    arguments: tuple[str, ...], text: str, run_line: Any, source: FakeSource, sink: FakeSink
) -> None:
    result = run_line(*arguments, exit_code=2)

    assert len(result.sentences) == 1
    assert text in result.sentences[0]
    assert sink.calls == []


@pytest.mark.parametrize("value", ["0", "33", "-1", "x", "1.5", "²"])
def test_parallel_takes_small_numbers_only(value: str, run_line: Any) -> None:
    result = run_line("pack", "Image:1", "p.zip", f"--parallel={value}", exit_code=2)

    assert "is not a number from 1 to 32" in result.stderr


@pytest.mark.parametrize("command", ["pack Image:1 p.zip", "unpack p.zip", "verify p.zip", "undo x"])
@pytest.mark.parametrize("value", ["0", "86401", "x"])
def test_timeout_takes_seconds_only(command: str, value: str, run_line: Any) -> None:
    result = run_line(*command.split(), f"--timeout={value}", exit_code=2)

    assert "is not a number from 1 to 86400" in result.stderr


@pytest.mark.parametrize("value", ["", "much", "12", "2000G", "-1M"])
def test_memory_takes_sizes_only(value: str, run_line: Any) -> None:
    result = run_line("pack", "Image:1", "p.zip", f"--memory={value}", exit_code=2)

    assert "is no size from 1M to 1T" in result.stderr


def test_ways_to_store_pixels_reach_the_crate(
    run_line: Any, source: FakeSource, sink: FakeSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def crate_sink(chosen: Any, _agent: Any, _run: str, _limits: Any) -> FakeSink:
        asked.append(chosen.zarr)
        return sink

    monkeypatch.setattr(endpoints, "crate_sink", crate_sink)

    options = ("--chunk", "2048", "--compression", "zstd:3", "--tile", "512", "--memory", "64MiB")
    run_line("pack", "Image:1", "p.zip", *options, "--parallel", "3")

    (zarr,) = asked
    assert (zarr.layout.chunk, zarr.layout.shard, zarr.layout.compression) == (2048, 2048, "zstd:3")
    assert (zarr.limits.tile, zarr.limits.memory_bytes, zarr.limits.readers) == (512, 64 * 2**20, 3)


def test_licences_exclude_each_other(run_line: Any) -> None:
    assert "not allowed with" in run_line("pack", "Image:1", "p.zip", "--cc-by", "--cc0", exit_code=2).stderr


def test_parallel_reaches_the_run(
    run_line: Any, source: FakeSource, sink: FakeSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def spy(plan: Any, source: Any, sink: Any, engine: Any, *rest: Any, **words: Any) -> Any:
        asked.append(engine.parallel)
        return run(plan, source, sink, engine, *rest, **words)

    monkeypatch.setattr("omero_rocrate_transfer.cli.commands.pack.run", spy)

    run_line("pack", "Image:1", "p.zip", "--parallel", "2")

    assert asked == [2]


def test_facts_and_objects_reach_the_ends(
    run_line: Any, source: FakeSource, sink: FakeSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def crate_sink(chosen: Any, agent: Any, _run: str, _limits: Any) -> FakeSink:
        asked.append((chosen, agent))
        return sink

    monkeypatch.setattr(endpoints, "crate_sink", crate_sink)

    run_line(
        "pack", "--rocrate", "Image:1,3-4", "Dataset:7", "some/p.zip",
        "--rocrate-name", "N", "--rocrate-description", "D", "--rocrate-organism", "NCBI:txid9606",
        "--rocrate-modality", "obo:FBbi_00000369", "--cc-by", "--publisher", "P", "--ignore-errors",
    )  # fmt: skip

    ((chosen, agent),) = asked
    assert agent == 7
    assert chosen.command == "omero transfer pack --rocrate Image:1 Image:3 Image:4 Dataset:7 p.zip"
    assert list(map(str, chosen.objects)) == ["Image:1", "Image:3", "Image:4", "Dataset:7"]
    assert (chosen.facts.name, chosen.facts.description, chosen.facts.publisher) == ("N", "D", "P")
    assert chosen.facts.organism == "NCBI:txid9606"
    assert chosen.facts.modality == "obo:FBbi_00000369"
    assert chosen.facts.license == "https://creativecommons.org/licenses/by/4.0/"
    assert chosen.ignore_errors


@pytest.mark.parametrize("name", ["x.tar.gz", "X.TGZ", "a.b.tar.xz", "x.7z"])
def test_compressed_archives_are_refused_as_targets(name: str, run_line: CommandLine) -> None:
    result = run_line("pack", "Image:1", name, exit_code=2)

    assert "compressed tars are not written" in result.stderr
