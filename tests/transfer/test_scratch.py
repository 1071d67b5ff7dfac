"""Temporary folders last no longer than their process, or until the next one looks."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from omero_rocrate_transfer.transfer.scratch import remove_abandoned, scratch_folder

_HOLD = """
import sys
from omero_rocrate_transfer.transfer.scratch import scratch_folder
with scratch_folder() as folder:
    (folder / "image.ome.tif").write_bytes(b"x" * 1000)
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a folder for temporary files of its own."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    tempfile.tempdir = None


def test_a_folder_is_gone_afterwards(temporary: Path) -> None:
    with scratch_folder() as folder:
        assert folder.parent == temporary
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "file").write_text("x")
    assert list(temporary.iterdir()) == []


@pytest.mark.promise("attacks")
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGHUP])
def test_what_a_dead_process_left_is_removed_and_what_a_living_one_has_is_not(
    signum: signal.Signals, temporary: Path
) -> None:
    words = [sys.executable, "-c", _HOLD]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())

        remove_abandoned()
        assert (folder / "image.ome.tif").exists()
        process.send_signal(signum)
        process.wait()
        assert folder.exists()
        remove_abandoned()

    assert list(temporary.iterdir()) == []


def test_links_and_folders_of_others_are_left_alone(temporary: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "lock").write_text("")
    (temporary / "omero-rocrate-transfer-link").symlink_to(precious)
    (temporary / "omero-rocrate-transfer-none").mkdir()

    remove_abandoned()

    assert (precious / "lock").exists()
    assert len(list(temporary.iterdir())) == 2
