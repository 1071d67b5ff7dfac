"""A file that the target cannot import fails by itself, under its own name, and is no bug."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.crate.foreign import packs
from tests.integration.conftest import Server
from tests.integration.test_crates_of_others import TIFF, metadata, names_on, write_crate

Line = Callable[..., Any]


@pytest.mark.parametrize("bad", [b"", TIFF[:100], b"this is no image\n" * 20])
@pytest.mark.parametrize("others", [["a.tif", "z.tif"], []])
def test_file_that_is_no_image_fails_under_its_name(
    bad: bytes, others: list[str], unpack: Line, target_server: Server, tmp_path: Path
) -> None:
    files = dict.fromkeys(others, TIFF) | {"broken.tif": bad}

    result = unpack(write_crate(tmp_path / "crate", metadata([], []), files), exit_code=3)

    assert names_on(target_server) == others
    [failed] = [line for line in result.stderr.splitlines() if line.startswith("Failed   Fileset")]
    assert "broken.tif" in failed
    assert "bug" not in result.stderr


def test_file_of_a_pack_that_is_no_image_fails_under_its_name(
    unpack: Line, target_server: Server, tmp_path: Path
) -> None:
    packs.write_pack(tmp_path / "pack", files={**packs.payload(), packs.PATHS["Image:14"]: b"text"})

    result = unpack(tmp_path / "pack", exit_code=3)

    assert "14.tiff" in next(line for line in result.stderr.splitlines() if line.startswith("Failed"))
    assert len(names_on(target_server)) == 3
