from __future__ import annotations

import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest

from omero_rocrate_transfer.crate.archives import open_archive
from omero_rocrate_transfer.crate.archives.base import Limits
from omero_rocrate_transfer.crate.read.source import CrateSource
from omero_rocrate_transfer.model.errors import IntegrityError, NotFoundError, UnsafeCrateError
from tests.crate import hostile_zip, valid
from tests.crate.hostile import CASES
from tests.crate.hostile_tar import build_tar
from tests.crate.hostile_zip import Member, build_zip, plain_members
from tests.crate.valid import valid_files


def list_tree(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*")}


def read_all(path: Path) -> dict[str, bytes]:
    reader = open_archive(path)
    try:
        return {name: b"".join(reader.iter_blocks(name)) for name in reader.sizes}
    finally:
        reader.close()


def test_corpus_is_large() -> None:
    assert len(CASES) >= 120


@pytest.mark.promise("hostile crates refused")
@pytest.mark.parametrize("case", CASES)
def test_hostile_crate_is_refused_and_nothing_is_written(tmp_path: Path, case: str) -> None:
    CASES[case](tmp_path / "crate")
    before = list_tree(tmp_path)

    with pytest.raises(UnsafeCrateError) as caught:
        CrateSource(tmp_path / "crate").read_contents()

    assert caught.value.exit_code == 8
    assert str(caught.value).isprintable()
    assert ("is not listed" in str(caught.value)) == case.endswith("name-unlisted"), (
        "refused for another reason"
    )
    assert len(str(caught.value)) < 600
    assert list_tree(tmp_path) == before


def write_deflated(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in valid_files().items():
            archive.writestr(name, data)


def write_streamed(path: Path) -> None:
    """Sizes behind the data, as of a writer that cannot seek."""
    code = (
        "import sys, zipfile\n"
        "with zipfile.ZipFile(sys.stdout.buffer, 'w') as archive:\n"
        "    for name in sys.argv[1:]: archive.write(name)\n"
    )
    folder = path.with_name("files")
    valid.write_folder(folder)
    with path.open("wb") as file:
        command = [sys.executable, "-c", f"import os; os.chdir({str(folder)!r})\n{code}", *valid_files()]
        pipe = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        file.write(pipe.stdout)


def write_by_tar(*options: str) -> valid.Build:
    def build(path: Path) -> None:
        folder = path.with_name("files")
        valid.write_folder(folder)
        subprocess.run(["tar", *options, "-C", folder, "-cf", path, "."], check=True)

    return build


HARMLESS = {
    "folder": valid.write_folder,
    "zip": lambda path: path.write_bytes(build_zip(plain_members())),
    "zip-with-comment": lambda path: path.write_bytes(build_zip(plain_members(), comment=b"hello")),
    "zip-of-windows": lambda path: path.write_bytes(
        build_zip(
            [Member(name.encode(), data, made_by=20, attributes=32) for name, data in valid_files().items()]
        )
    ),
    "zip-deflated": write_deflated,
    "zip-streamed": write_streamed,
    "tar": lambda path: path.write_bytes(build_tar()),
    "tar-gnu": write_by_tar("--format=gnu"),
    "tar-ustar": write_by_tar("--format=ustar"),
    "tar-posix": write_by_tar("--format=posix"),
}


@pytest.mark.parametrize("build", HARMLESS.values(), ids=HARMLESS)
def test_crate_repacked_by_others_is_read(tmp_path: Path, build: valid.Build) -> None:
    build(tmp_path / "crate")

    source = CrateSource(tmp_path / "crate")
    contents = source.read_contents()
    source.close()

    assert contents.file_count == 4
    assert read_all(tmp_path / "crate") == valid_files()


def test_kind_is_told_by_content_not_by_suffix(tmp_path: Path) -> None:
    (tmp_path / "crate.tar").write_bytes(build_zip(plain_members()))

    assert read_all(tmp_path / "crate.tar") == valid_files()


def test_missing_path_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        open_archive(tmp_path / "missing")

    assert caught.value.exit_code == 5


def test_zip_member_with_another_crc_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "crate").write_bytes(build_zip([Member(b"x", b"data", crc=1)]))

    with pytest.raises(IntegrityError, match="x is damaged"):
        read_all(tmp_path / "crate")


@pytest.mark.parametrize(
    ("size", "compressed"),
    [(10, b"\xff\xff"), (10, b""), (50, None), (5, None)],
    ids=["garbage", "nothing", "too-short", "too-long"],
)
def test_damaged_deflate_stream_is_found(tmp_path: Path, size: int, compressed: bytes | None) -> None:
    body = hostile_zip.deflate(b"x" * 10) if compressed is None else compressed
    member = Member(b"x", bytes(size), method=8, compressed=body, crc=zlib.crc32(b"x" * 10))
    (tmp_path / "crate").write_bytes(build_zip([member]))

    with pytest.raises(IntegrityError):
        read_all(tmp_path / "crate")


def test_data_behind_the_end_of_a_deflate_stream_are_found(tmp_path: Path) -> None:
    data = b"x" * 10
    member = Member(b"x", data, method=8, compressed=hostile_zip.deflate(data) + b"hidden")
    (tmp_path / "crate").write_bytes(build_zip([member]))

    with pytest.raises(IntegrityError):
        read_all(tmp_path / "crate")


@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
@pytest.mark.parametrize(
    "limits", [Limits(max_size_bytes=100), Limits(max_members=3)], ids=["size", "members"]
)
def test_crate_over_a_limit_is_refused(tmp_path: Path, kind: str, limits: Limits) -> None:
    HARMLESS[kind](tmp_path / "crate")

    with pytest.raises(UnsafeCrateError):
        open_archive(tmp_path / "crate", limits)


def test_file_replaced_by_a_link_after_opening_is_not_followed(tmp_path: Path) -> None:
    valid.write_folder(tmp_path / "crate")
    (tmp_path / "secret").write_text("secret")
    reader = open_archive(tmp_path / "crate")
    (tmp_path / "crate" / valid.PAYLOAD).unlink()
    (tmp_path / "crate" / valid.PAYLOAD).symlink_to(tmp_path / "secret")

    with pytest.raises(IntegrityError):
        list(reader.iter_blocks(valid.PAYLOAD))
    reader.close()


def test_folder_replaced_by_a_link_after_opening_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "crate/image1.ome.zarr"
    folder.mkdir(parents=True)
    (folder / "x").write_text("x")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/x").write_text("y")
    reader = open_archive(tmp_path / "crate")
    (folder / "x").unlink()
    folder.rmdir()
    folder.symlink_to(tmp_path / "other", target_is_directory=True)

    with pytest.raises((IntegrityError, NotFoundError)):
        list(reader.iter_blocks("image1.ome.zarr/x"))
    reader.close()


def test_zip64_with_5_gib_is_read(tmp_path: Path) -> None:
    size = 5 << 30
    wide = struct.pack("<2H2Q", 1, 16, size, size)
    first = Member(b"big.tif", crc=0, size=0xFFFFFFFF, extra=wide, local_extra=wide,
                   local={"compressed": 0xFFFFFFFF})  # fmt: skip
    text = bytearray(build_zip([first]))
    directory = text.index(b"PK\1\2")
    struct.pack_into("<L", text, directory + 20, 0xFFFFFFFF)
    header, central = bytes(text[:directory]), bytes(text[directory : text.index(b"PK\5\6")])
    place = len(header) + size
    end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(central), place)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, place + len(central), 1)
    last = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(central), 0xFFFFFFFF, 0)
    with (tmp_path / "crate").open("wb") as file:
        file.write(header)
        file.seek(place)
        file.write(central + end + locator + last)

    reader = open_archive(tmp_path / "crate")
    found = dict(reader.sizes)
    first_block = next(reader.iter_blocks("big.tif"))
    reader.close()

    assert found == {"big.tif": size}
    assert not any(first_block)
    with zipfile.ZipFile(tmp_path / "crate") as other:
        assert other.infolist()[0].file_size == size
    assert (tmp_path / "crate").stat().st_blocks < 1000
