from __future__ import annotations

import os
import resource
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from omero_rocrate_transfer.crate.archives import (
    count_parallel,
    create_archive,
    open_archive,
    resume_archive,
)
from omero_rocrate_transfer.crate.archives.base import ArchiveWriter
from omero_rocrate_transfer.crate.archives.headers import iter_damaged_headers
from omero_rocrate_transfer.crate.archives.tar_writer import TarWriter
from omero_rocrate_transfer.model.errors import IntegrityError, NotFoundError, RefusedError, StoppedError

LAST = ("ro-crate-metadata.json", 2, [b"{}"])


@pytest.fixture(params=["", ".zip", ".tar"], ids=["folder", "zip", "tar"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / f"crate{request.param}"


@pytest.fixture
def writer(path: Path) -> Iterator[ArchiveWriter]:
    writer = create_archive(path)
    yield writer
    writer.abort()


def read_all(path: Path) -> dict[str, bytes]:
    reader = open_archive(path)
    try:
        return {name: b"".join(reader.iter_blocks(name)) for name in reader.sizes}
    finally:
        reader.close()


@contextmanager
def disk_of(size_bytes: int) -> Iterator[None]:
    """No file may grow over a size, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_reader_finds_what_the_writer_wrote(path: Path, writer: ArchiveWriter) -> None:
    with writer.transaction() as transaction:
        transaction.add("fs1.a.tif", 5, [b"abc", b"", b"de"])
        transaction.add("fs2.empty.tif", 0, [])
        transaction.add("image1.ome.zarr/0/c/0", 1, [b"x"])
        transaction.add("image1.ome.zarr/zarr.json", 1, [b"y"])
    writer.commit(LAST)

    assert read_all(path) == {
        "fs1.a.tif": b"abcde",
        "fs2.empty.tif": b"",
        "image1.ome.zarr/0/c/0": b"x",
        "image1.ome.zarr/zarr.json": b"y",
        "ro-crate-metadata.json": b"{}",
    }


def test_failed_transaction_leaves_nothing(path: Path, writer: ArchiveWriter) -> None:
    with writer.transaction() as transaction:
        transaction.add("fs1.a.tif", 1, [b"1"])
    with pytest.raises(ZeroDivisionError), writer.transaction() as transaction:  # noqa: PT012 - as a unit
        transaction.add("fs2.a.tif", 1, [b"2"])
        transaction.add("image3.ome.zarr/0", 1, [b"3"])
        transaction.add("fs4.a.tif", 1, (bytes(1 // 0) for _ in "x"))
    with writer.transaction() as transaction:
        transaction.add("fs2.a.tif", 3, [b"two"])
        transaction.add("image3.ome.zarr/0", 1, [b"4"])
    writer.commit(LAST)

    assert read_all(path) == {
        "fs1.a.tif": b"1",
        "fs2.a.tif": b"two",
        "image3.ome.zarr/0": b"4",
        "ro-crate-metadata.json": b"{}",
    }


@pytest.mark.parametrize("blocks", [[b"123"], [b"12345"], [], [b"1234", b"5"]])
def test_other_number_of_bytes_than_promised_is_refused(writer: ArchiveWriter, blocks: list[bytes]) -> None:
    with pytest.raises(IntegrityError, match="4 bytes were promised"), writer.transaction() as transaction:
        transaction.add("fs1.a.tif", 4, blocks)


def test_nothing_looks_complete_before_commit(path: Path, writer: ArchiveWriter) -> None:
    with writer.transaction() as transaction:
        transaction.add("fs1.a.tif", 1, [b"1"])

    assert not path.is_file()
    assert not (path / LAST[0]).exists()


def test_abort_leaves_nothing(path: Path, writer: ArchiveWriter) -> None:
    with writer.transaction() as transaction:
        transaction.add("image1.ome.zarr/0/c/0", 1, [b"x"])

    writer.abort()
    writer.abort()

    assert os.listdir(path.parent) == []


def test_abort_after_commit_keeps_the_crate(path: Path, writer: ArchiveWriter) -> None:
    writer.commit(LAST)
    writer.abort()

    assert read_all(path) == {LAST[0]: b"{}"}


def test_abort_keeps_what_somebody_else_put_there(tmp_path: Path) -> None:
    writer = create_archive(tmp_path / "crate")
    (tmp_path / "crate.part/mine.txt").write_text("mine")

    writer.abort()

    assert (tmp_path / "crate.part/mine.txt").read_text() == "mine"


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, lambda path: path.symlink_to("nowhere")])
def test_existing_target_is_refused_and_kept(path: Path, make: object) -> None:
    assert callable(make)
    make(path)
    before = path.lstat()

    with pytest.raises(RefusedError, match="exists already") as caught:
        create_archive(path)

    assert caught.value.exit_code == 7
    assert path.lstat() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_unfinished_archive_of_another_run_is_refused(tmp_path: Path, suffix: str) -> None:
    part = tmp_path / f"crate{suffix}.part"
    part.write_text("of another run")

    with pytest.raises(RefusedError):
        create_archive(tmp_path / f"crate{suffix}")

    assert part.read_text() == "of another run"


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_target_that_appears_meanwhile_is_not_overwritten(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"crate{suffix}"
    writer = create_archive(path)
    path.write_text("of somebody else")

    with pytest.raises(RefusedError):
        writer.commit(LAST)
    writer.abort()

    assert path.read_text() == "of somebody else"
    assert os.listdir(tmp_path) == [path.name]


def test_missing_folder_above_is_not_found(path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        create_archive(path.parent / "missing" / path.name)

    assert caught.value.exit_code == 5


def test_full_disk_stops_the_unit_and_leaves_nothing_of_it(path: Path, writer: ArchiveWriter) -> None:
    with writer.transaction() as transaction:
        transaction.add("fs1.a.tif", 1, [b"1"])
    with (
        disk_of(20_000),
        pytest.raises(StoppedError, match="no space left") as caught,
        writer.transaction() as transaction,
    ):
        transaction.add("fs2.a.tif", 40_000, [b"x" * 10_000] * 4)
    assert caught.value.exit_code == 9
    writer.commit(LAST)

    assert read_all(path) == {"fs1.a.tif": b"1", LAST[0]: b"{}"}


def test_full_disk_at_the_end_leaves_no_crate(path: Path, writer: ArchiveWriter) -> None:
    with disk_of(1000), pytest.raises(StoppedError):
        writer.commit(("ro-crate-metadata.json", 2000, [b"x" * 2000]))
    writer.abort()

    assert os.listdir(path.parent) == []


def test_zip_is_stored_with_folders_and_read_by_others(tmp_path: Path) -> None:
    writer = create_archive(tmp_path / "crate.zip")
    with writer.transaction() as transaction:
        transaction.add("image1.ome.zarr/0/zarr.json", 2, [b"{}"])
    writer.commit(LAST)

    with zipfile.ZipFile(tmp_path / "crate.zip") as found:
        assert found.namelist() == [
            "image1.ome.zarr/",
            "image1.ome.zarr/0/",
            "image1.ome.zarr/0/zarr.json",
            "ro-crate-metadata.json",
        ]
        assert {info.compress_type for info in found.infolist()} == {zipfile.ZIP_STORED}
        assert found.testzip() is None
    assert not os.access(tmp_path / "crate.zip.part", os.F_OK)


def test_tar_is_plain_ustar_and_read_by_others(tmp_path: Path) -> None:
    writer = create_archive(tmp_path / "crate.tar")
    with writer.transaction() as transaction:
        transaction.add("fs1." + "x" * 92 + ".tif", 1, [b"1"])
        transaction.add("image1.ome.zarr/0/zarr.json", 2, [b"{}"])
    writer.commit(LAST)

    listed = subprocess.run(["tar", "tf", tmp_path / "crate.tar"], capture_output=True, text=True, check=True)
    assert listed.stdout.split()[1:] == [
        "image1.ome.zarr/",
        "image1.ome.zarr/0/",
        "image1.ome.zarr/0/zarr.json",
        "ro-crate-metadata.json",
    ]
    with tarfile.open(tmp_path / "crate.tar") as found:
        assert all(member.type in {tarfile.REGTYPE, tarfile.DIRTYPE} for member in found)
        assert found.pax_headers == {}


def test_zip64_is_written_where_sizes_and_numbers_ask_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the limits of zip are those of its fields; lower ones take the same way
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    path = tmp_path / "crate.zip"
    writer = create_archive(path)
    with writer.transaction() as transaction:
        transaction.add("fs1.a.tif", 1000, [b"x" * 1000])
        transaction.add("fs2.a.tif", 10, [b"y" * 10])
    writer.commit(LAST)

    assert b"PK\x06\x06" in path.read_bytes()
    assert read_all(path) == {"fs1.a.tif": b"x" * 1000, "fs2.a.tif": b"y" * 10, LAST[0]: b"{}"}
    with zipfile.ZipFile(path) as found:
        assert found.testzip() is None


def test_tar_holds_files_over_8_gib(tmp_path: Path) -> None:
    path, size = tmp_path / "crate.tar", 9 * 2**30
    writer = TarWriter(path, tmp_path / "crate.tar.part")
    # only the header is real; the data are a hole
    writer._write_header("fs1.big.tif", tarfile.REGTYPE, size)
    writer.output.seek(size, os.SEEK_CUR)
    writer.commit(LAST)

    reader = open_archive(path)
    with suppress(OSError):
        reader.close()

    assert reader.sizes == {"fs1.big.tif": size, LAST[0]: 2}
    listed = subprocess.run(["tar", "tf", path], capture_output=True, text=True, check=True)
    assert listed.stdout.split() == ["fs1.big.tif", LAST[0]]


def test_only_a_folder_takes_units_in_parallel(path: Path) -> None:
    assert (count_parallel(path) > 1) == (path.suffix == "")


def test_file_that_appears_in_the_folder_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    writer = create_archive(tmp_path / "crate")
    (tmp_path / "crate.part/fs1.a.tif").write_text("of somebody else")

    with pytest.raises(RefusedError), writer.transaction() as transaction:
        transaction.add("fs1.a.tif", 1, [b"1"])
    writer.abort()

    assert os.listdir(tmp_path / "crate.part") == ["fs1.a.tif"]
    assert (tmp_path / "crate.part/fs1.a.tif").read_text() == "of somebody else"


def test_everything_is_durable_before_the_metadata_have_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    fsync, link = os.fsync, os.link

    def record_fsync(handle: int) -> None:
        events.append(f"fsync {Path(f'/proc/self/fd/{handle}').readlink().name}")
        fsync(handle)

    def record_link(part: Path, path: Path) -> None:
        events.append(f"name {path.name}")
        link(part, path)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "link", record_link)
    writer = create_archive(tmp_path / "crate")
    with writer.transaction() as transaction:
        transaction.add("fs1.a.tif", 1, [b"1"])
        transaction.add("fs2.b.tif", 2 << 20, [bytes(2 << 20)])
    writer.commit(LAST)

    named = events.index(f"name {LAST[0]}")
    before, after = events[:named], events[named + 1 :]
    assert {"fsync fs1.a.tif", "fsync .fs2.b.tif.part", "fsync crate.part", f"fsync .{LAST[0]}.part"} <= set(
        before
    )
    assert after == ["fsync crate.part", f"fsync {tmp_path.name}"]


@pytest.mark.parametrize("suffix", ["", ".zip", ".tar"])
def test_archive_that_was_gone_on_with_later_is_sound(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, part = tmp_path / f"crate{suffix}", tmp_path / "part"
    begun = create_archive(path, part)
    with begun.transaction() as transaction:
        transaction.add("fs1.ome.zarr/a", 1, [b"a"])
        receipt = transaction.receipt
    begun.sync()
    begun.leave()
    much_later = time.gmtime(time.time() + 10_000)
    monkeypatch.setattr(time, "localtime", lambda *_: much_later)

    writer, whole = resume_archive(path, part, [receipt])
    writer.commit(LAST)

    assert whole == [True]
    assert list(iter_damaged_headers(path)) == []
