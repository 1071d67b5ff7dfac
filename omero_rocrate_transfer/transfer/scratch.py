"""Folders for temporary files, which a later process removes if the one that made them died."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX: Final = "omero-rocrate-transfer-"
#: Locked as long as its process lives.
_LOCK: Final = "lock"

log = logging.getLogger(__name__)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a new folder for this user alone, and remove it at the end with all that is in it."""
    remove_abandoned()
    # made under another name, so that nobody takes it for abandoned before it is locked
    with tempfile.TemporaryDirectory(prefix=f"new-{_PREFIX}") as new:
        folder = Path(new).with_name(Path(new).name.removeprefix("new-"))
        with (Path(new) / _LOCK).open("x") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            Path(new).rename(folder)
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                # what the context manager removes
                Path(new).mkdir(mode=0o700, exist_ok=True)


def remove_abandoned() -> None:
    """Remove the folders of processes of this user that died."""
    with suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX):
                with suppress(OSError):
                    _remove_if_abandoned(Path(entry.path))


def _remove_if_abandoned(folder: Path) -> None:
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        return
    lock = os.open(folder / _LOCK, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        log.info("removing %s, which a process that died has left", folder)
        shutil.rmtree(folder)
    finally:
        os.close(lock)
