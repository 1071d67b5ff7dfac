"""Writing into a server: whole units or nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import Ice
import omero
import pytest

from omero_rocrate_transfer.model.contents import Container, Contents, Omission
from omero_rocrate_transfer.model.errors import (
    IntegrityError,
    LinkLostError,
    NotFoundError,
    RefusedError,
    StoppedError,
    TransferError,
    UsageError,
)
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.model.results import UnitResult
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.write.sink import ServerSink
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import world as demo_world

FAKE = "a&sizeX=16&sizeY=8&sizeC=1.fake"
SERIES = "b&sizeX=16&sizeY=8&sizeC=1&series=3.fake"


def write(connection: Connection, source: Any, **options: Any) -> UnitResult:
    sink = ServerSink(connection, **options)
    sink.begin(source.contents, source.read_container_document)
    return sink.write_unit(source)


def stored(connection: Connection, type_name: str) -> list[Any]:
    found: list[Any] = connection.query.findAll(type_name, None, connection.context())
    return found


def names(connection: Connection, type_name: str) -> list[str]:
    return sorted(one.name.val for one in stored(connection, type_name))


def in_dataset(source: Any, *, dataset: str = "stacks", project: str | None = None) -> Contents:
    """Put all images of a source into a dataset, and that into a project."""
    inner = Container(
        ref=ObjectRef("Dataset", 7),
        name=dataset,
        description="of the source",
        members=tuple(image.ref for image in source.unit.images),
    )
    outer = Container(ref=ObjectRef("Project", 6), name=project or "", members=(inner.ref,))
    contents: Contents = replace(source.contents, containers=(outer, inner) if project else (inner,))
    return contents


def test_images_are_mapped_named_and_described(connection: Connection, memory_source: Any) -> None:
    source = memory_source({SERIES: b""}, images=3)
    described = replace(source.unit.images[1], name="日本 µ", description="a\nb")
    source.unit = replace(source.unit, images=(source.unit.images[0], described, source.unit.images[2]))

    result = write(connection, source)

    assert result.files_verified == 1
    images = {one.id.val: one for one in stored(connection, "Image")}
    mapped = [(one.source.id, images[one.target.id]) for one in result.mappings if one.source.type == "Image"]
    assert [source_id for source_id, _ in mapped] == [1, 2, 3]
    assert [image.name.val for _, image in mapped] == ["image 0", "日本 µ", "image 2"]
    assert [image.series.val for _, image in mapped] == [0, 1, 2]
    assert mapped[1][1].description.val == "a\nb"


def test_images_are_paired_by_series_whatever_their_order(connection: Connection, memory_source: Any) -> None:
    source = memory_source({SERIES: b""}, images=3)
    source.unit = replace(source.unit, images=tuple(reversed(source.unit.images)))

    result = write(connection, source)

    series = {one.id.val: one.series.val for one in stored(connection, "Image")}
    assert {
        one.source.id - 1: series[one.target.id] for one in result.mappings if one.source.type == "Image"
    } == {0: 0, 1: 1, 2: 2}


@pytest.mark.parametrize("size", [0, 1, 999, 5_000_001])
def test_files_of_any_size_arrive_whole(
    connection: Connection, memory_source: Any, size: int, sandbox: SandboxServer
) -> None:
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)

    write(connection, memory_source({FAKE: b"", "extra.bin": data}))

    (extra,) = [one for one in stored(connection, "OriginalFile") if one.name.val == "extra.bin"]
    assert extra.size.val == size
    on_disk = next(sandbox.data_dir.rglob("extra.bin")).read_bytes()
    assert on_disk == data


def test_original_paths_stay_below_their_folders(connection: Connection, memory_source: Any) -> None:
    paths = (FAKE, "pos1/x.tif", "pos2/deep/er/x.tif", "Zellkern 細胞/ü.tif")

    result = write(connection, memory_source(dict.fromkeys(paths, b"x") | {FAKE: b""}))

    assert result.omissions == ()
    fileset = connection.query.findByQuery(
        "select f from Fileset f join fetch f.usedFiles u join fetch u.originalFile", None
    )
    prefix = fileset.templatePrefix.val
    found = [
        (entry.originalFile.path.val + entry.originalFile.name.val).removeprefix(prefix)
        for entry in fileset.copyUsedFiles()
    ]
    assert tuple(found) == paths


def test_names_that_the_server_changes_are_told(connection: Connection, memory_source: Any) -> None:
    result = write(connection, memory_source({FAKE: b"", "a:b?.tif": b"x"}))

    (omission,) = result.omissions
    assert isinstance(omission, Omission)
    assert (omission.type, omission.count) == ("OriginalFile", 1)
    assert "'a:b?.tif' to 'a;b%.tif'" in omission.reason


@pytest.mark.parametrize(
    ("images", "size", "message"),
    [
        (2, (16, 8), r"Fileset:1: the target made 1 image\(s\) of it, the source has 2"),
        (1, (16, 9), r"Image:1 \(image 0\): X, Y, Z, C, T and pixel type are 16 8 1 1 1 uint8 on the target"),
    ],
)
def test_other_images_than_promised_are_deleted_again(
    connection: Connection, memory_source: Any, images: int, size: tuple[int, int], message: str
) -> None:
    with pytest.raises(IntegrityError, match=message):
        write(connection, memory_source({FAKE: b""}, images, size))

    assert stored(connection, "Fileset") == stored(connection, "Image") == []


def test_failed_import_leaves_what_was_there_before(connection: Connection, memory_source: Any) -> None:
    write(connection, memory_source({FAKE: b""}))
    before = [(one.id.val, one.templatePrefix.val) for one in stored(connection, "Fileset")]

    with pytest.raises(TransferError, match=r"Importing 'no format\.xyz' of Fileset:1: the server refused"):
        write(connection, memory_source({"no format.xyz": b"nonsense"}))

    assert [(one.id.val, one.templatePrefix.val) for one in stored(connection, "Fileset")] == before
    assert len(stored(connection, "Image")) == 1


def test_source_that_stops_short_leaves_nothing(connection: Connection, memory_source: Any) -> None:
    source = memory_source({FAKE: b"", "extra.bin": b"x" * 5000})
    source.files["extra.bin"] = b"x" * 4999

    with pytest.raises(IntegrityError, match=r"extra\.bin of Fileset:1: 4999 bytes came, not 5000"):
        write(connection, source)

    assert stored(connection, "Fileset") == []


def test_source_that_fails_half_way_leaves_nothing(
    connection: Connection, memory_source: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = memory_source({FAKE: b"", "extra.bin": b"x"})

    def broken(file: Any) -> Any:
        yield b""
        if file.path == "extra.bin":
            raise IntegrityError("extra.bin is damaged")

    monkeypatch.setattr(source, "blocks", broken)

    with pytest.raises(IntegrityError, match="is damaged"):
        write(connection, source)

    assert stored(connection, "Fileset") == []


def test_wrong_bytes_on_the_server_are_found_and_deleted(
    connection: Connection, memory_source: Any, sandbox: SandboxServer
) -> None:
    def damage(current: object) -> None:
        next(sandbox.data_dir.rglob("extra.bin")).write_bytes(b"other")

    sandbox.faults.add("RawFileStore.write", damage, times=2, late=True)
    source = memory_source({"extra.bin": b"right", FAKE: b""})

    with pytest.raises(IntegrityError, match="digests differ"):
        write(connection, source)

    assert stored(connection, "Fileset") == []


def test_link_lost_during_upload_says_so_and_names_what_is_left(
    connection: Connection, memory_source: Any, sandbox: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.faults.add("RawFileStore.write", Ice.ObjectNotExistException())
    sandbox.faults.add("ServiceFactory.submit", Ice.ObjectNotExistException())

    with caplog.at_level(logging.ERROR), pytest.raises(LinkLostError, match="Sending"):
        write(connection, memory_source({FAKE: b"", "extra.bin": b"x" * 10}))

    (left,) = stored(connection, "Fileset")
    assert f"Fileset:{left.id.val} was left incomplete" in caplog.text


def test_full_disk_of_the_server_stops_the_run(
    connection: Connection, memory_source: Any, sandbox: SandboxServer
) -> None:
    full = omero.ResourceError(None, None, "java.io.IOException: No space left on device")
    sandbox.faults.add("RawFileStore.write", full)

    with pytest.raises(StoppedError, match="disk is full"):
        write(connection, memory_source({FAKE: b"", "extra.bin": b"x"}))

    assert stored(connection, "Fileset") == []


def test_containers_and_links_are_restored(connection: Connection, memory_source: Any) -> None:
    source = memory_source({SERIES: b""}, images=3)
    source.contents = in_dataset(source, project="Mitosis")

    write(connection, source)

    assert (names(connection, "Project"), names(connection, "Dataset")) == (["Mitosis"], ["stacks"])
    assert stored(connection, "Dataset")[0].description.val == "of the source"
    assert len(stored(connection, "ProjectDatasetLink")) == 1
    assert len(stored(connection, "DatasetImageLink")) == 3


def test_without_merge_containers_are_made_anew(connection: Connection, memory_source: Any) -> None:
    for _ in range(2):
        source = memory_source({FAKE: b""})
        source.contents = in_dataset(source, project="Mitosis")
        write(connection, source)

    assert names(connection, "Project") == ["Mitosis", "Mitosis"]
    assert names(connection, "Dataset") == ["stacks", "stacks"]


def test_merge_uses_own_containers_of_the_same_name_and_place(
    connection: Connection, memory_source: Any
) -> None:
    for project in ("Mitosis", "Mitosis", "Meiosis", None, None):
        source = memory_source({FAKE: b""})
        source.contents = in_dataset(source, project=project)
        write(connection, source, merge=True)

    assert names(connection, "Project") == ["Meiosis", "Mitosis"]
    # one in each project, and one in none
    assert names(connection, "Dataset") == ["stacks", "stacks", "stacks"]
    assert len(stored(connection, "ProjectDatasetLink")) == 2
    assert len(stored(connection, "DatasetImageLink")) == 5


def test_merge_takes_the_oldest_of_several_and_says_so(
    connection: Connection, memory_source: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for merge in (False, False, True):
        source = memory_source({FAKE: b""})
        source.contents = in_dataset(source)
        with caplog.at_level(logging.WARNING):
            write(connection, source, merge=merge)

    assert len(stored(connection, "Dataset")) == 2
    oldest = min(one.id.val for one in stored(connection, "Dataset"))
    assert f"merging into the oldest, Dataset:{oldest}" in caplog.text


def test_merge_keeps_two_containers_of_one_name_apart(connection: Connection, memory_source: Any) -> None:
    source = memory_source({FAKE: b""})
    twins = [Container(ref=ObjectRef("Dataset", number), name="twin") for number in (1, 2)]
    source.contents = replace(source.contents, containers=tuple(twins))

    for _ in range(2):
        made = ServerSink(connection, merge=True).begin(source.contents, source.read_container_document)
        assert len({one.target for one in made}) == 2

    assert names(connection, "Dataset") == ["twin", "twin"]


def test_merge_leaves_containers_of_others_alone(
    connection: Connection, memory_source: Any, rows: Any, sandbox: SandboxServer
) -> None:
    type(rows)(sandbox.store, owner=1).add("Dataset", name="stacks")
    source = memory_source({FAKE: b""})
    source.contents = in_dataset(source)

    write(connection, source, merge=True)

    assert names(connection, "Dataset") == ["stacks", "stacks"]


@pytest.mark.parametrize("by_name", [True, False])
def test_target_dataset_takes_all_images_instead_of_their_own(
    connection: Connection, memory_source: Any, rows: Any, by_name: bool
) -> None:
    there = rows.add("Dataset", name="Run: 1")
    source = memory_source({SERIES: b""}, images=3)
    source.contents = in_dataset(source, project="Mitosis")

    write(connection, source, target="Dataset:name:Run: 1" if by_name else f"Dataset:{there.id}")

    assert (names(connection, "Project"), names(connection, "Dataset")) == ([], ["Run: 1"])
    assert {one.parent.id.val for one in stored(connection, "DatasetImageLink")} == {there.id}
    assert len(stored(connection, "DatasetImageLink")) == 3


def test_target_that_is_not_there_is_made_by_name_only(connection: Connection, memory_source: Any) -> None:
    source = memory_source({FAKE: b""})

    write(connection, source, target="Dataset:name:New")
    with pytest.raises(NotFoundError, match="Dataset:4711: not found"):
        write(connection, source, target="Dataset:4711")

    assert names(connection, "Dataset") == ["New"]


def test_target_that_fits_nothing_is_a_usage_error(connection: Connection, memory_source: Any) -> None:
    with pytest.raises(UsageError, match="there is no plate to put into a Screen"):
        write(connection, memory_source({FAKE: b""}), target="Screen:name:x")

    assert stored(connection, "Screen") == []


@pytest.mark.parametrize("text", ["Project:1", "Dataset:", "Dataset:name:", "Dataset:x", "5", "Dataset:1,2"])
def test_other_targets_are_usage_errors(connection: Connection, text: str) -> None:
    with pytest.raises(UsageError, match="is no container"):
        ServerSink(connection, target=text)


def test_units_without_files_and_pixels_are_refused_before_anything_is_made(
    connection: Connection, memory_source: Any
) -> None:
    source = memory_source({FAKE: b""})
    contents = replace(in_dataset(source), units=(replace(source.unit, files=()),))

    with pytest.raises(RefusedError, match="without original files"):
        ServerSink(connection).begin(contents, source.read_container_document)

    assert stored(connection, "Dataset") == []


def test_units_may_be_written_at_the_same_time(connection: Connection, memory_source: Any) -> None:
    sources = [memory_source({FAKE: b"", "extra.bin": bytes([number]) * 3000}) for number in range(8)]
    sink = ServerSink(connection)
    sink.begin(sources[0].contents, sources[0].read_container_document)

    with ThreadPoolExecutor(sink.max_parallel) as pool:
        results = list(pool.map(sink.write_unit, sources))

    targets = {one.target for result in results for one in result.mappings if one.source.type == "Image"}
    assert len(targets) == len(stored(connection, "Image")) == 8


def test_new_objects_belong_to_the_user_and_his_group(
    open_connection: Callable[..., Connection], memory_source: Any, root: Any
) -> None:
    people = demo_world.add_people(root)
    alice = open_connection("alice", "alice")
    source = memory_source({FAKE: b""})
    source.contents = in_dataset(source)

    write(alice, source)

    for type_name in ("Image", "Dataset", "Fileset", "OriginalFile", "DatasetImageLink"):
        found = stored(alice, type_name)
        if type_name == "OriginalFile":
            # folders and the repository itself are root's
            found = [one for one in found if one.name.val == FAKE]
        assert found
        for one in found:
            assert (one.details.owner.id.val, one.details.group.id.val) == (
                people.users["alice"],
                people.group,
            )


def test_nothing_stays_open_on_the_server(connection: Connection, memory_source: Any) -> None:
    write(connection, memory_source({FAKE: b""}))
    before = sorted(connection.session.activeServices())

    write(connection, memory_source({FAKE: b"", "extra.bin": b"x"}))

    assert sorted(connection.session.activeServices()) == before
