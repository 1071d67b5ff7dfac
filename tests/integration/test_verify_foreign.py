"""What came of things of other programs is no difference where they do not say what it should be."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from omero.rtypes import rstring

from tests.command_line import CommandLine
from tests.crate.foreign import packs
from tests.integration.conftest import Server
from tests.integration.test_crates_of_others import TIFF, metadata, refer, tif, write_crate, write_zarr

Line = Callable[..., Any]


def _pack(path: Path) -> None:
    packs.write_pack(path)


def _legacy(path: Path) -> None:
    packs.write_pack(path, packs.legacy_xml())


def _crate(path: Path) -> None:
    document = metadata(
        refer("a.tif", "two.ome.tiff"), [tif("a.tif", name="A"), tif("two.ome.tiff", name="B")]
    )
    write_crate(path, document, {"a.tif": TIFF, "two.ome.tiff": packs.ome_tiff([11, 12])})


def _mixed(path: Path) -> None:
    write_crate(path, metadata([], []), {"a.tif": TIFF})
    write_zarr(path / "x.ome.zarr", "x")


WORLDS: dict[str, Callable[[Path], None]] = {
    "pack": _pack,
    "legacy": _legacy,
    "crate": _crate,
    "mixed": _mixed,
    "one.ome.zarr": write_zarr,
}


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str], target_server: Server) -> Line:
    return partial(CommandLine(capsys, target_server.login()), "verify")


@pytest.fixture(params=WORLDS)
def foreign(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / ("pack" if request.param == "legacy" else str(request.param))
    WORLDS[str(request.param)](path)
    return path


def test_right_unpacking_of_foreign_input_is_no_difference(foreign: Path, unpack: Line, verify: Line) -> None:
    unpack(foreign)

    result = verify(foreign, "--server")

    assert ", 0 not the same" in result.stderr


def test_renamed_image_of_foreign_input_is_told(
    unpack: Line, verify: Line, target_server: Server, tmp_path: Path
) -> None:
    packs.write_pack(tmp_path / "pack")
    unpack(tmp_path / "pack")
    session = target_server.client().getSession()
    image = session.getQueryService().findByQuery("from Image i where i.name = 'image 14'", None)
    image.setName(rstring("other"))
    session.getUpdateService().saveObject(image)

    result = verify(tmp_path / "pack", "--server", exit_code=4)

    assert "name is 'image 14', then 'other'" in result.stderr
    assert ", 1 not the same" in result.stderr


def test_foreign_input_alone_has_no_digests_to_compare_with(foreign: Path, run_line: CommandLine) -> None:
    result = run_line("verify", foreign)

    assert "has no digests to compare with" in result.stderr
    assert "trust" not in result.stderr


def test_damaged_zip_of_foreign_input_is_found_without_digests(run_line: CommandLine, tmp_path: Path) -> None:
    packs.write_pack(tmp_path / "pack.zip")
    data = bytearray((tmp_path / "pack.zip").read_bytes())
    data[data.index(b"14.tiff") + 20] ^= 1
    (tmp_path / "pack.zip").write_bytes(data)

    assert "14.tiff" in run_line("verify", tmp_path / "pack.zip", exit_code=4).stderr


def change_one_byte(path: Path) -> None:
    """Change the last byte of the largest file or chunk that is none of metadata."""
    files = [one for one in path.rglob("*") if one.is_file() and one.suffix not in {".json", ".xml"}]
    files = [one for one in files if not one.name.startswith(".z") and ".ome." not in one.name]
    chosen = max(files, key=lambda one: one.stat().st_size)
    data = chosen.read_bytes()
    chosen.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def zipped(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), "zip", folder))


def tarred(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), "tar", folder))


def as_folder(folder: Path) -> Path:
    return folder


@pytest.mark.parametrize("pack", [as_folder, zipped, tarred])
def test_what_only_differs_in_its_pixels_is_not_taken_for_the_same(
    pack: Callable[[Path], Path], foreign: Path, unpack: Line, verify: Line, tmp_path: Path
) -> None:
    other = tmp_path / "other" / foreign.name
    shutil.copytree(foreign, other)
    change_one_byte(other)
    first, second = pack(foreign), pack(other)

    made = [unpack(path, "--json").summary for path in (first, second, first)]

    assert [one["done"] > 0 for one in made] == [True, True, False]
    # the new ids of each are found, whichever came last
    for path in (first, second):
        assert "0 not the same" in verify(path, "--server").stderr


@pytest.mark.parametrize("size", [1e-320, 1e308])
def test_a_size_that_ome_xml_cannot_hold_is_counted_and_no_difference(
    size: float, unpack: Line, verify: Line, tmp_path: Path
) -> None:
    path = tmp_path / "odd.ome.zarr"
    write_zarr(path)
    attributes = path / ".zattrs"
    attributes.write_text(attributes.read_text().replace("0.5", repr(size)))

    assert "is not a number that OME-XML can hold" in unpack(path, exit_code=3).stderr
    assert "0 not the same" in verify(path, "--server").stderr
