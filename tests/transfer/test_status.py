"""Runs are listed as their journals say that they began."""

from __future__ import annotations

from pathlib import Path

from omero_rocrate_transfer.model.errors import TransferError
from omero_rocrate_transfer.transfer.journal.file import Journal
from omero_rocrate_transfer.transfer.journal.runs import journal_path
from omero_rocrate_transfer.transfer.journal.status import list_runs


def begin(folder: Path, name: str, second: int) -> None:
    path = journal_path(folder, name)
    path.parent.mkdir()
    Journal(path, {"command": "pack", "started": f"2024-01-01T00:00:{second}Z"}).close()


def test_runs_are_sorted_by_the_time_that_is_shown(tmp_path: Path) -> None:
    for name, second in (("late", 30), ("early", 10), ("middle", 20)):
        begin(tmp_path, name, second)

    runs = list(list_runs(tmp_path))

    assert [run.name for run in runs if not isinstance(run, TransferError)] == ["early", "middle", "late"]


def test_runs_that_cannot_be_read_come_last(tmp_path: Path) -> None:
    begin(tmp_path, "broken", 10)
    begin(tmp_path, "whole", 20)
    journal_path(tmp_path, "broken").write_bytes(b"rubbish\nrubbish\n")

    first, second = list_runs(tmp_path)

    assert not isinstance(first, TransferError)
    assert first.name == "whole"
    assert isinstance(second, TransferError)
