"""The folder of unfinished work: whose it is, and what becomes of what others left."""

from __future__ import annotations

from pathlib import Path

import pytest

from omero_rocrate_transfer.crate.write.part_folder import Workspace
from omero_rocrate_transfer.model.errors import RefusedError

RUN, OTHER = "5" * 32, "6" * 32


@pytest.mark.parametrize("left", [None, "", RUN[:7], RUN, OTHER])
def test_folder_in_which_no_work_began_is_taken(left: str | None, tmp_path: Path) -> None:
    """A process may die, or its disk be full, before or while it says whose the folder is."""
    (tmp_path / "crate.part").mkdir()
    if left is not None:
        (tmp_path / "crate.part" / "run").write_text(left)

    Workspace(tmp_path / "crate", RUN).create()

    assert (tmp_path / "crate.part" / "run").read_text() == RUN


@pytest.mark.parametrize("name", ["crate", "spool", "mine.txt", "run"])
def test_folder_with_work_of_others_is_refused_and_kept(name: str, tmp_path: Path) -> None:
    Workspace(tmp_path / "crate", OTHER).create()
    (tmp_path / "crate.part" / name).write_text("x")

    with pytest.raises(RefusedError, match="another run"):
        Workspace(tmp_path / "crate", RUN).create()

    assert (tmp_path / "crate.part" / name).read_text() == "x"
