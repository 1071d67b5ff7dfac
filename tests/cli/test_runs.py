"""Which run a command belongs to: decided by what travels, where to and for whom, not by its spelling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from omero.cli import CLI

from omero_rocrate_transfer.cli.control import HELP, TransferControl
from omero_rocrate_transfer.cli.options.copy import CopyOptions, copy_options
from omero_rocrate_transfer.cli.options.transfers import (
    PackOptions,
    UnpackOptions,
    pack_options,
    unpack_options,
)
from omero_rocrate_transfer.cli.process.legacy_runs import legacy_copy, legacy_pack, legacy_unpack
from omero_rocrate_transfer.cli.process.log import log_folder
from omero_rocrate_transfer.cli.process.runs import Run, Target, copy_run, pack_name, pack_run, unpack_run
from omero_rocrate_transfer.model.contents import Contents, SourceInfo
from omero_rocrate_transfer.model.errors import RefusedError
from omero_rocrate_transfer.transfer.journal.status import read_status
from tests.transfer.fakes import FakeSource

SOURCE = SourceInfo(host="a.example.org", database_uuid="1111", version="5.6")
TARGET = SourceInfo(host="b.example.org", database_uuid="2222", version="5.6")
HERE = Target(info=TARGET, user="root", group=5)


def parse(*words: str) -> Any:
    cli = CLI(prog="omero")
    cli.register("transfer", TransferControl, HELP)
    return cli.parser.parse_args(["transfer", *words])


def packing(*words: str) -> PackOptions:
    return pack_options(parse("pack", "--rocrate", *words))


def unpacking(*words: str) -> UnpackOptions:
    return unpack_options(parse("unpack", *words))


def copying(*words: str) -> CopyOptions:
    return copy_options(parse("copy", *words, "--to-server", "b.example.org"))


@pytest.fixture
def contents() -> Contents:
    return FakeSource([b"one", b"two"]).read_contents(())


def begin(run: Run) -> str:
    with run.open():
        return run.plan.run_name


def test_a_moved_crate_resumes_its_run(contents: Contents, tmp_path: Path) -> None:
    name = begin(unpack_run(unpacking(str(tmp_path / "liver.zip")), contents, HERE))

    moved = unpack_run(unpacking(str(tmp_path / "elsewhere" / "renamed.zip")), contents, HERE)

    assert moved.plan.run_name == name
    assert begin(moved) == name


def test_another_spelling_of_the_target_is_the_same_pack(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()

    names = {pack_name(packing("Image:1", str(tmp_path / path))) for path in ("x.zip", "sub/../x.zip")}

    assert len(names) == 1


@pytest.mark.parametrize(
    "other",
    [
        Target(info=TARGET, user="root", group=6),
        Target(info=TARGET, user="alice", group=5),
        Target(info=SOURCE, user="root", group=5),
    ],
)
def test_another_place_is_another_run(contents: Contents, other: Target) -> None:
    chosen, copied = unpacking("/data/liver.zip"), copying("Project:1")

    assert (
        unpack_run(chosen, contents, HERE).plan.run_name != unpack_run(chosen, contents, other).plan.run_name
    )
    assert copy_run(copied, contents, HERE).plan.run_name != copy_run(copied, contents, other).plan.run_name


@pytest.mark.parametrize("words", [("--as-owner",), ("-T", "Dataset:7")])
def test_another_owner_or_container_is_another_run(contents: Contents, words: tuple[str, ...]) -> None:
    plain = unpack_run(unpacking("/data/liver.zip"), contents, HERE)

    assert (
        unpack_run(unpacking("/data/liver.zip", *words), contents, HERE).plan.run_name != plain.plan.run_name
    )


def test_options_of_speed_and_output_make_no_other_plan(contents: Contents) -> None:
    plain = unpack_run(unpacking("/data/liver.zip"), contents, HERE).plan
    fast = unpack_run(unpacking("/data/liver.zip", "--parallel", "2", "--bwlimit", "5M"), contents, HERE).plan

    assert (fast.run_name, fast.fingerprint) == (plain.run_name, plain.fingerprint)


CC_BY = "https://creativecommons.org/licenses/by/4.0/"
FIELDS = (
    "('img_id', 'plate_id', 'timestamp', 'software', 'version', 'hostname', 'md5', 'orig_user', 'orig_group')"
)


def test_runs_of_the_first_version_are_found_by_their_names() -> None:
    """Names and options as version 0.1.0.dev0 made them."""
    pack = packing(
        "Project:1", "Image:3", "/data/liver.zip", "--rocrate-name", "Liver", "--cc-by",
        "--annotations", "a,b", "--figure",
    )  # fmt: skip
    unpack = unpacking(
        "/data/liver.zip", "--merge", "--pixels-as", "tiles", "--metadata", "md5", "--as-owner"
    )
    copy = copying("Project:1", "Project:2", "--to-group", "lab", "--pixels", "zarr")

    assert legacy_pack(pack) == (
        "pack-liver.zip-1c6e6690",
        {
            "facts": "CrateFacts(name='Liver', description=None, organism=None, modality=None, "
            f"license='{CC_BY}', publisher=None)",
            "pixels": "original",
            "zarr": "ZarrOptions(layout=ZarrLayout(chunk=512, shard=1024, compression='blosc-zstd:5'))",
            "content": "PackContent(annotations=AnnotationChoice(namespaces=('a', 'b'), client_paths=False),"
            " figures=True, emails=False)",
        },
    )
    assert legacy_unpack(unpack, TARGET, "root") == (
        "unpack-liver.zip-9c9b47c4",
        {
            "merge": "True",
            "target": "None",
            "pixels_as": "tiles",
            "content": "UnpackContent(figures=False, provenance=('md5',))",
            "owners": "OwnerOptions(as_owner=True, user_map=())",
            "database": "2222",
            "user": "root",
        },
    )
    assert legacy_unpack(unpacking("/data/liver.zip", "-T", "Dataset:5"), TARGET, "root")[0] == (
        "unpack-liver.zip-83eb3c03"
    )
    name, options = legacy_copy(copy, SOURCE, TARGET, "root")
    assert name == "copy-Project-1-741045a4"
    assert options["made"] == f"UnpackContent(figures=False, provenance={FIELDS})"


def test_a_run_of_the_first_version_is_resumed(contents: Contents) -> None:
    chosen = unpacking("/data/liver.zip")
    name, _ = legacy_unpack(chosen, TARGET, "root")
    (log_folder() / name).mkdir(parents=True)
    (log_folder() / name / "journal.jsonl").touch()
    first = unpack_run(chosen, contents, HERE)
    with first.open() as journal:
        run_id = journal.run_id

    with unpack_run(unpacking("/data/liver.zip", "--parallel", "2"), contents, HERE).open() as again:
        assert (again.run_id, again.is_resumed) == (run_id, True)
    assert first.plan.run_name == name
    assert first.fingerprint not in (None, first.plan.fingerprint)


def test_a_run_that_was_undone_gives_its_name_free_for_other_settings(contents: Contents) -> None:
    first = unpack_run(unpacking("/data/liver.zip"), contents, HERE)
    with first.open() as journal:
        journal.append({"type": "undone"})
        journal.commit()

    with unpack_run(unpacking("/data/liver.zip", "--merge"), contents, HERE).open() as again:
        assert (again.is_resumed, again.run_id != journal.run_id) == (False, True)
    kept = log_folder() / f"{first.plan.run_name}.{journal.run_id[:8]}"
    assert read_status(log_folder(), kept.name).state == "undone"


def test_other_settings_do_not_take_the_name_of_a_run_that_left_something(contents: Contents) -> None:
    begin(unpack_run(unpacking("/data/liver.zip"), contents, HERE))

    with pytest.raises(RefusedError, match="other objects or options"):
        begin(unpack_run(unpacking("/data/liver.zip", "--merge"), contents, HERE))


@pytest.mark.parametrize("left", ["x.zip", "x.zip.part", None])
def test_a_pack_whose_crate_is_gone_may_be_done_with_other_settings(
    contents: Contents, tmp_path: Path, left: str | None
) -> None:
    begin(pack_run(packing("Image:1", str(tmp_path / "x.zip")), contents))
    if left is not None:
        (tmp_path / left).touch()

    other = pack_run(packing("Image:1", str(tmp_path / "x.zip"), "--chunk", "256"), contents)

    if left is None:
        begin(other)
    else:
        with pytest.raises(RefusedError, match="other objects or options"):
            begin(other)
