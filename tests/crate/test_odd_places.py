"""Clocks that are wrong and folders that others may write into."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from omero_rocrate_transfer.crate.archives.output import Output
from omero_rocrate_transfer.crate.read.source import CrateSource
from omero_rocrate_transfer.crate.write.part_folder import Workspace
from omero_rocrate_transfer.model.errors import NotFoundError
from tests.crate.worlds import pack_world

pytestmark = pytest.mark.promise("attacks")
RUN = "0" * 32


@pytest.mark.parametrize("suffix", ["", ".zip", ".tar"])
@pytest.mark.parametrize("moment", [-86_400, 157_766_400, 4_418_064_000])
def test_crates_are_written_whatever_the_clock_says(
    suffix: str, moment: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = time.localtime
    monkeypatch.setattr(time, "time", lambda: float(moment))
    monkeypatch.setattr(time, "localtime", lambda seconds=moment: local(seconds))

    pack_world(tmp_path / f"crate{suffix}")

    assert CrateSource(tmp_path / f"crate{suffix}").read_contents().file_count == 4


def test_a_link_in_the_place_of_an_unfinished_file_is_not_followed(tmp_path: Path) -> None:
    victim, part = tmp_path / "victim", tmp_path / "crate.part"
    victim.write_bytes(b"precious")
    part.symlink_to(victim)

    with pytest.raises(NotFoundError):
        Output(tmp_path / "crate", part, again=True)

    assert victim.read_bytes() == b"precious"


def test_a_link_in_the_place_of_an_unfinished_crate_is_of_nobody(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "run").write_text(RUN)
    (tmp_path / "crate.zip.part").symlink_to(elsewhere)

    assert not Workspace(tmp_path / "crate.zip", RUN).is_ours


def test_an_unfinished_crate_is_for_its_user_alone(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "crate.zip", RUN)
    workspace.create()
    assert workspace.is_ours
    assert workspace.folder.stat().st_mode & 0o077 == 0
