"""Crates and packs of other programs: every file in them is imported or counted, whatever its name."""

from __future__ import annotations

import io
import json
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from omero.sys import ParametersI

from tests.command_line import CommandLine
from tests.crate.foreign import packs
from tests.integration.conftest import Server

Line = Callable[..., Any]
TIFF = packs.tiff(4, 4)


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Callable[[Path], Any]:
    """Run ``omero transfer list``."""
    line = CommandLine(capsys)
    return lambda path, **options: line("list", path, **options)


def names_on(server: Server) -> list[str]:
    query = server.client().getSession().getQueryService()
    found = query.projection("select i.name from Image i", ParametersI(), {"omero.group": "-1"})
    return sorted(row[0].val for row in found)


def metadata(
    parts: list[Any], entities: list[dict[str, Any]], root: str = "./", **more: Any
) -> dict[str, Any]:
    return {
        "@context": "https://w3id.org/ro/crate/1.1/context",
        "@graph": [
            {
                "@id": "ro-crate-metadata.json",
                "@type": "CreativeWork",
                "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
                "about": {"@id": root},
            },
            {"@id": root, "@type": "Dataset", "name": "Study", "hasPart": parts, **more},
            *entities,
        ],
    }


def refer(*identifiers: str) -> list[dict[str, str]]:
    return [{"@id": identifier} for identifier in identifiers]


def tif(identifier: str, **more: Any) -> dict[str, Any]:
    return {"@id": identifier, "@type": "File", "encodingFormat": "image/tiff", **more}


def write_crate(folder: Path, document: dict[str, Any], files: Mapping[str, bytes]) -> Path:
    packs.write_folder(
        folder, {"ro-crate-metadata.json": json.dumps(document, ensure_ascii=False).encode(), **files}
    )
    return folder


def write_zarr(folder: Path, name: str | None = None) -> None:
    group = zarr.open_group(str(folder), mode="w", zarr_format=2)
    array = group.create_array("0", shape=(8, 10), chunks=(8, 10), dtype="u1")
    array[:] = np.arange(80, dtype="u1").reshape(8, 10)
    scale = [{"type": "scale", "coordinateTransformations": None, "scale": [0.5, 0.5]}]
    scale[0].pop("coordinateTransformations")
    axes = [{"name": letter, "type": "space", "unit": "micrometer"} for letter in "yx"]
    group.attrs["multiscales"] = [
        {
            "version": "0.4",
            "axes": axes,
            "datasets": [{"path": "0", "coordinateTransformations": scale}],
            **({"name": name} if name else {}),
        }
    ]


FOLDER = {"@id": "images/", "@type": "Dataset", "name": "All images"}
#: What a crate says, what is in it, and the files that must arrive.
UNLISTED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "folder whose files are not listed": (
        metadata(refer("images/"), [FOLDER]),
        ["images/a.tif", "images/b/c.tif"],
    ),
    "nothing is described": (metadata([], []), ["a.tif", "deep/er/b.tif"]),
    "mentioned but no part": (metadata([], [tif("a.tif")], mentions=refer("a.tif")), ["a.tif"]),
    "image object": (metadata(refer("a.tif"), [{**tif("a.tif"), "@type": "ImageObject"}]), ["a.tif"]),
    "no type": (metadata(refer("a.tif"), [{"@id": "a.tif", "encodingFormat": "image/tiff"}]), ["a.tif"]),
    "list of unknown types": (metadata(refer("a.tif"), [tif("a.tif") | {"@type": ["Photo"]}]), ["a.tif"]),
    "root with an address": (
        metadata(
            refer("https://example.org/c/a.tif"),
            [tif("https://example.org/c/a.tif")],
            "https://example.org/c/",
        ),
        ["a.tif"],
    ),
    "part without an entity": (metadata(refer("a.tif"), []), ["a.tif"]),
    "backslashes": (metadata(refer("images\\a.tif"), [tif("images\\a.tif")]), ["images/a.tif"]),
    "composed name of a decomposed file": (
        metadata(refer("\u00e9tude.tif"), [tif("\u00e9tude.tif")]),
        ["e\u0301tude.tif"],
    ),
}


@pytest.mark.parametrize("case", UNLISTED)
@pytest.mark.parametrize("form", ["folder", "zip", "tar"])
def test_every_image_of_a_crate_is_imported_however_it_is_described(
    case: str, form: str, unpack: Line, target_server: Server, tmp_path: Path
) -> None:
    document, files = UNLISTED[case]
    folder = write_crate(tmp_path / "crate", document, dict.fromkeys(files, TIFF))

    result = unpack(_packed(folder, form))

    assert names_on(target_server) == sorted(name.rpartition("/")[2] for name in files)
    assert "Left out 1 OriginalFile" not in result.stderr


def _packed(folder: Path, form: str) -> Path:
    """Return the folder as an archive."""
    path = folder.with_name(f"{folder.name}.{form}")
    members = sorted(one for one in folder.rglob("*") if one.is_file() or one.is_symlink())
    if form == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for member in members:
                archive.write(member, member.relative_to(folder))
        return path
    if form == "tar":
        with tarfile.open(path, "w") as tar:
            tar.add(folder, ".")
        return path
    return folder


def test_files_that_are_no_images_are_counted_and_change_the_exit_code(
    unpack: Line, target_server: Server, tmp_path: Path
) -> None:
    files = {"a.tif": TIFF, "data/table.csv": b"a,b", "odd.qqq": b"?", "ro-crate-preview.html": b"<p>"}
    folder = write_crate(tmp_path / "crate", metadata([], []), files)

    result = unpack(folder, exit_code=3)

    assert names_on(target_server) == ["a.tif"]
    assert "Left out 1 OriginalFile: it is no image" in result.stderr
    assert "Left out 1 OriginalFile: its format is not known" in result.stderr


@pytest.mark.parametrize("extra", [{}, {"notes.md": b"n"}, {"a.txt": b"n", "b/c.docx": b"d"}])
def test_crate_with_files_and_no_image_never_ends_with_0(
    extra: dict[str, bytes], unpack: Line, tmp_path: Path
) -> None:
    entities = [{"@id": "gone/", "@type": "Dataset", "name": "Images"}]
    folder = write_crate(tmp_path / "crate", metadata(refer("gone/"), entities), extra)

    result = unpack(folder, exit_code=3)

    assert "Left out 1 Dataset: its folder is not in the crate" in result.stderr


def test_ome_zarrs_of_a_crate_are_read_beside_its_files(
    unpack: Line, target_server: Server, tmp_path: Path
) -> None:
    parts = ["a.tif", "one.ome.zarr/", "deep/two.zarr/"]
    entities = [tif("a.tif", name="A"), *({"@id": one, "@type": "Dataset"} for one in parts[1:])]
    folder = write_crate(tmp_path / "crate", metadata(refer(*parts), entities), {"a.tif": TIFF})
    write_zarr(folder / "one.ome.zarr", "one")
    write_zarr(folder / "deep" / "two.zarr", "two")

    unpack(folder)

    assert names_on(target_server) == ["A", "one", "two"]


def test_ome_zarr_that_cannot_be_read_is_counted_and_the_others_arrive(
    unpack: Line, target_server: Server, tmp_path: Path
) -> None:
    folder = write_crate(tmp_path / "crate", metadata([], []), {"a.tif": TIFF, "bad.zarr/.zgroup": b"{}"})
    write_zarr(folder / "one.ome.zarr", "one")

    result = unpack(folder, exit_code=3)

    assert names_on(target_server) == ["a.tif", "one"]
    assert "Left out 1 OME-Zarr: bad.zarr has neither an image nor a plate" in result.stderr


def test_file_that_several_parts_lead_to_is_imported_once(
    unpack: Line, target_server: Server, tmp_path: Path
) -> None:
    both = [{"@id": f"{one}/", "@type": "Dataset", "hasPart": refer("a.tif", "./a%20b.tif")} for one in "xy"]
    files = [tif("a.tif"), tif("a b.tif"), tif("./a%20b.tif")]
    document = metadata(refer("a.tif", "./a.tif", "x/", "y/", "a b.tif"), [*both, *files])

    unpack(write_crate(tmp_path / "crate", document, {"a.tif": TIFF, "a b.tif": TIFF}))

    assert names_on(target_server) == ["a b.tif", "a.tif"]


def test_parts_that_contain_each_other_in_a_ladder_of_diamonds_or_a_ring_end(
    show: Line, tmp_path: Path
) -> None:
    levels = 60
    entities: list[dict[str, Any]] = [tif("a.tif")]
    for level in range(levels):
        below = refer(f"{level + 1}l/", f"{level + 1}r/") if level + 1 < levels else refer("a.tif", "0l/")
        entities += [{"@id": f"{level}{side}/", "@type": "Dataset", "hasPart": below} for side in "lr"]
    folder = write_crate(tmp_path / "crate", metadata(refer("0l/", "0r/"), entities), {"a.tif": TIFF})

    assert "1 image, 1 file" in show(folder).stdout


ODD_NAMES = [
    *("e\u0301tude.tif", "~lock.tif", "con.tif", "12:30:05.tif", "dot.", "space .tif", "a:b.tif"),
    *("back\\slash.tif",),
    *("A.tif", "a.tif", "folder./x.tif", "COM1", "\u200bzero.tif"),
]  # fmt: skip


@pytest.mark.parametrize("form", ["folder", "zip", "tar"])
def test_names_that_other_systems_would_not_take_do_not_matter_in_crates_of_others(
    form: str, unpack: Line, target_server: Server, tmp_path: Path
) -> None:
    entities = [tif(name) for name in ODD_NAMES]
    document = metadata(refer(*ODD_NAMES), entities)
    folder = write_crate(tmp_path / "crate", document, dict.fromkeys(ODD_NAMES, TIFF))

    result = unpack(_packed(folder, form), exit_code=3)

    # the target renames what its own rules forbid, and only that is left out
    left_out = [line for line in result.stderr.splitlines() if line.startswith("Left out")]
    assert all("changed the path" in line or "no digests" in line for line in left_out)
    plain = {unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2]) for name in ODD_NAMES}
    found = {
        unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
        for name in names_on(target_server)
    }
    assert found == plain


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_links_and_names_that_cannot_be_read_are_passed_over_and_counted(
    form: str, unpack: Line, target_server: Server, tmp_path: Path
) -> None:
    folder = write_crate(tmp_path / "crate", metadata(refer("a.tif"), [tif("a.tif")]), {"a.tif": TIFF})
    (folder / "latest").symlink_to("a.tif")
    (folder / "bell\a.tif").write_bytes(TIFF)

    result = unpack(_packed(folder, form), exit_code=3)

    assert names_on(target_server) == ["a.tif"]
    assert "Left out 1 OriginalFile: it is a link or device" in result.stderr
    assert "Left out 1 OriginalFile: its name holds a control character" in result.stderr


def test_what_systems_and_viewers_put_into_folders_is_no_loss(
    unpack: Line, target_server: Server, tmp_path: Path
) -> None:
    clutter = [".DS_Store", "Icon\r", "x/Thumbs.db", "x/desktop.ini", "._a.tif", "__MACOSX/._a.tif"]
    files = dict.fromkeys([*clutter, "ro-crate-preview.html", "ro-crate-preview_files/p.png"], b"x")
    folder = write_crate(
        tmp_path / "crate", metadata(refer("a.tif"), [tif("a.tif")]), {"a.tif": TIFF, **files}
    )

    unpack(folder)

    assert names_on(target_server) == ["a.tif"]


@pytest.mark.parametrize("name", ["../a.tif", "/a.tif", "x/../../a.tif", "C:\\a.tif", "..\\a.tif"])
def test_archives_with_members_that_climb_are_refused_still(name: str, show: Line, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "crate.zip", "w") as archive:
        archive.writestr("ro-crate-metadata.json", json.dumps(metadata(refer("con.tif"), [tif("con.tif")])))
        archive.writestr("con.tif", TIFF)
        info = zipfile.ZipInfo("placeholder")
        info.filename = name
        archive.writestr(info, TIFF)

    assert "absolute, or climbs" in show(tmp_path / "crate.zip", exit_code=8).stderr


LONG = "/".join(["a folder with quite a long name " * 3] * 3) + "/cell größe.tif"


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_tars_of_other_programs_are_read(
    form: int, unpack: Line, target_server: Server, tmp_path: Path
) -> None:
    files = {"ro-crate-metadata.json": json.dumps(metadata(refer(LONG), [])).encode(), LONG: TIFF}
    with tarfile.open(tmp_path / "crate.tar", "w", format=form) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mtime = 1.5
            if form == tarfile.PAX_FORMAT:
                info.pax_headers = {
                    "LIBARCHIVE.creationtime": "1",
                    "SCHILY.xattr.com.apple.x": "\0\1",
                    "size": str(len(data)),
                }
            tar.addfile(info, io.BytesIO(data))

    unpack(tmp_path / "crate.tar")

    assert names_on(target_server) == ["cell größe.tif"]


def test_zips_of_other_programs_are_read(unpack: Line, target_server: Server, tmp_path: Path) -> None:
    document = json.dumps(metadata(refer("sub/größe.tif"), [tif("sub/größe.tif")]))
    with zipfile.ZipFile(tmp_path / "crate.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sub/", b"")
        archive.writestr("ro-crate-metadata.json", document)
        archive.writestr("sub/größe.tif", TIFF)
    data = (tmp_path / "crate.zip").read_bytes()
    # as old programs write it: in code page 437, without the flag for UTF-8
    raw = "größe.tif".encode()
    assert data.count(raw) == 2
    (tmp_path / "old.zip").write_bytes(_without_utf8_flag("sub/größe.tif", document))

    unpack(tmp_path / "crate.zip")
    # the same files are the same run: it has to be named to go up again
    unpack(tmp_path / "old.zip", "--run", "old")

    assert names_on(target_server) == ["größe.tif", "größe.tif"]


def _without_utf8_flag(name: str, document: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("ro-crate-metadata.json", document)
        archive.writestr("x" * len(name.encode("cp437")), TIFF)
    return out.getvalue().replace(b"x" * len(name.encode("cp437")), name.encode("cp437"))


def windows(path: str) -> str:
    return path.replace("/", "\\")


@pytest.mark.parametrize("dot", ["", ".\\"])
@pytest.mark.parametrize("form", packs.WRITERS)
def test_packs_from_windows_arrive_like_others(
    dot: str, form: str, unpack: Line, target_server: Server, tmp_path: Path
) -> None:
    paths = {owner: dot + windows(path) for owner, path in packs.PATHS.items()}
    packs.write_pack(tmp_path / form, packs.current_xml(paths=paths))

    unpack(tmp_path / form)

    assert names_on(target_server) == ["image 11", "image 12", "image 13", "image 14"]


def test_files_of_a_pack_that_nothing_refers_to_are_counted(unpack: Line, tmp_path: Path) -> None:
    packs.write_pack(tmp_path / "pack", files={**packs.payload(), "stray/lost.tif": TIFF})

    result = unpack(tmp_path / "pack", exit_code=3)

    assert "Left out 1 OriginalFile: nothing in the pack refers to it" in result.stderr


@pytest.mark.parametrize(
    "name",
    "x.czi X.ND2 a.lif w.oir p.vsi q.lof r.xlef i.ims d.dcm m.mrc n.nii.gz c.companion.ome".split(),  # noqa: SIM905
)
def test_files_that_bio_formats_opens_are_images(name: str, show: Line, tmp_path: Path) -> None:
    entity = {"@id": name, "@type": "File", "encodingFormat": "application/octet-stream"}
    write_crate(tmp_path / "crate", metadata(refer(name), [entity]), {name: b"x"})

    assert "1 image, 1 file" in show(tmp_path / "crate").stdout


NAN = metadata(refer("a.tif"), [tif("a.tif", x=float("nan"))])
TWICE = metadata(refer("a.tif"), [tif("a.tif"), tif("a.tif", name="again")])
UNNAMED = metadata([], [])
UNNAMED["@graph"][0].pop("conformsTo")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xef\xbb\xbf" + json.dumps(metadata([], [])).encode(), "BOM"),
        (json.dumps(metadata([], [])).encode("utf-16"), "utf-8"),
        (json.dumps(NAN).encode(), "NaN"),
        (json.dumps(TWICE).encode(), "describes 'a.tif' twice"),
        (json.dumps(UNNAMED).encode(), "conformsTo"),
        (b"[1, 2", "is no valid JSON"),
    ],
)
@pytest.mark.parametrize("command", ["list", "verify", "unpack"])
def test_metadata_that_cannot_be_read_are_refused_with_the_reason(
    command: str, data: bytes, reason: str, target_server: Server, tmp_path: Path, run_line: CommandLine
) -> None:
    packs.write_folder(tmp_path / "crate", {"ro-crate-metadata.json": data, "a.tif": TIFF})

    result = run_line(command, tmp_path / "crate", *target_server.login(), exit_code=8)

    assert reason in result.stderr
    assert "manifest" not in result.stderr


def test_what_lies_one_folder_down_is_named(show: Line, tmp_path: Path) -> None:
    write_crate(tmp_path / "outer" / "study", metadata([], []), {})

    assert "Its folder 'study' has a ro-crate-metadata.json" in show(tmp_path / "outer", exit_code=8).stderr


def test_links_beside_ome_zarrs_are_passed_over_and_counted(unpack: Line, tmp_path: Path) -> None:
    write_zarr(tmp_path / "elsewhere.ome.zarr")
    study = tmp_path / "study"
    write_zarr(study / "cells.ome.zarr")
    (study / "linked.ome.zarr").symlink_to(tmp_path / "elsewhere.ome.zarr")

    result = unpack(study, exit_code=3)

    assert "1 OriginalFile: it is a link or device" in result.stderr
    assert "Unpacked 1 image" in result.stderr


def test_a_folder_of_nothing_but_links_says_that_links_are_not_followed(show: Line, tmp_path: Path) -> None:
    write_zarr(tmp_path / "elsewhere.ome.zarr")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "linked.ome.zarr").symlink_to(tmp_path / "elsewhere.ome.zarr")

    [sentence] = show(tmp_path / "study", exit_code=8).sentences

    assert "linked.ome.zarr" in sentence
    assert "link" in sentence.partition("Its member")[2]


def test_a_path_inside_an_ome_zarr_names_the_ome_zarr(show: Line, tmp_path: Path) -> None:
    write_zarr(tmp_path / "cells.ome.zarr")

    result = show(tmp_path / "cells.ome.zarr" / "0", exit_code=8)

    assert str(tmp_path / "cells.ome.zarr") in result.sentences[0]


@pytest.mark.parametrize("name", ["crate", "pack"])
def test_a_crate_or_pack_of_nothing_never_ends_with_0(name: str, unpack: Line, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "crate":
        write_crate(path, metadata([], []), {})
    else:
        path.mkdir()
        (path / "transfer.xml").write_text('<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"/>')

    assert "no image" in unpack(path, exit_code=8).sentences[0]
