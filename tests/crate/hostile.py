"""Hostile archives: every case is one broken rule in an otherwise valid crate."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tests.crate.hostile_tar import tar_cases
from tests.crate.hostile_zip import build_zip, zip_cases
from tests.crate.valid import BAD_NAMES, PAYLOAD, Build, write_folder


def _folder_with(change: Callable[[Path], object]) -> Build:
    def build(path: Path) -> None:
        write_folder(path)
        change(path)

    return build


def _add(name: str) -> Build:
    return _folder_with(lambda path: (path / name).write_bytes(b"x"))


def _replace_by_link(path: Path) -> None:
    outside = path.with_name("outside.tif")
    (path / PAYLOAD).rename(outside)
    (path / PAYLOAD).symlink_to(outside)


def _without_metadata(path: Path) -> Path:
    metadata = path / "ro-crate-metadata.json"
    metadata.unlink()
    return metadata


def _folder_link(path: Path) -> None:
    (path / "image1.ome.zarr").symlink_to(path.parent, target_is_directory=True)


def _deep(path: Path) -> None:
    folder = path.joinpath(*["x"] * 60)
    folder.mkdir(parents=True)
    (folder / "y").touch()


def _folder_cases() -> dict[str, Build]:
    cannot_be = {"climbing", "climbing-inside", "absolute", "unc", "drive", "dot", "empty-part", "long-part",
                 "long-path", "below-a-file"}  # fmt: skip
    can_be = [key for key in BAD_NAMES if key not in cannot_be]
    return {f"name-{key}": _add(BAD_NAMES[key]) for key in can_be} | {
        "link": _folder_with(_replace_by_link),
        "link-into-nowhere": _folder_with(lambda path: (path / "x.tif").symlink_to("nowhere")),
        "link-to-folder": _folder_with(_folder_link),
        "fifo": _folder_with(lambda path: os.mkfifo(path / "x.tif")),
        "fifo-as-metadata": _folder_with(lambda path: os.mkfifo(_without_metadata(path))),
        "folder-as-metadata": _folder_with(lambda path: _without_metadata(path).mkdir()),
        "not-utf8": _folder_with(lambda path: Path(os.fsdecode(os.fsencode(path) + b"/a\xff")).touch()),
        "deep": _folder_with(_deep),
        "missing-file": _folder_with(lambda path: (path / PAYLOAD).unlink()),
        "missing-document": _folder_with(lambda path: (path / "fs101.ome.xml").unlink()),
        "missing-manifest": _folder_with(lambda path: (path / "manifest-sha256.txt").unlink()),
        "missing-metadata": _folder_with(lambda path: (path / "ro-crate-metadata.json").unlink()),
        "other-size": _folder_with(lambda path: (path / PAYLOAD).write_bytes(b"x")),
        "empty": lambda path: path.mkdir(),
    }


def _other_cases() -> dict[str, Build]:
    return {
        "empty-file": lambda path: path.touch(),
        "text": lambda path: path.write_bytes(b"hello"),
        "short": lambda path: path.write_bytes(b"PK"),
        "only-zip-end": lambda path: path.write_bytes(build_zip([])),
        "gzip": lambda path: path.write_bytes(b"\x1f\x8b\x08" + bytes(600)),
        "device-path": lambda path: path.symlink_to("/dev/zero"),
        "fifo-path": os.mkfifo,
    }


CASES: dict[str, Build] = {
    f"{kind}-{name}": build
    for kind, cases in (
        ("zip", zip_cases()),
        ("tar", tar_cases()),
        ("folder", _folder_cases()),
        ("other", _other_cases()),
    )
    for name, build in cases.items()
}
