"""Runs the program, and kills it before one of the calls by which it changes files.

``system_calls.py FOLDER NUMBER WORDS…``: calls that concern the folder are counted from 1; 0 kills before
none, and writes how many there were to ``FOLDER.calls``.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from pathlib import Path
from typing import Any

#: Events of Python's audit hooks that change files; opening for writing is one more.
CHANGES = {
    "os.link",
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.truncate",
    "os.symlink",
    "os.chmod",
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Killer:
    """Counts calls, and ends the process at one of them as a power cut would."""

    def __init__(self, folder: str, number: int) -> None:
        self.folder, self.number, self.count = folder, number, 0

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[2], int) and not args[2] & WRITING:
            return
        if event in CHANGES or event == "open":
            # calls relative to an open folder name no path that could be looked at
            names = [str(one) for one in args if isinstance(one, str | os.PathLike)]
            relative = any(not Path(name).is_absolute() for name in names)
            if relative or any(name.startswith(self.folder) for name in names):
                self.strike()

    def strike(self) -> None:
        self.count += 1
        if self.count == self.number:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    _, folder, number, *words = sys.argv
    killer = Killer(folder, int(number))
    fsync = os.fsync

    def counted_fsync(fd: Any) -> None:
        killer.strike()
        fsync(fd)

    os.fsync = counted_fsync
    sys.argv = ["omero-rocrate-transfer", *words]
    sys.addaudithook(killer.hook)
    try:
        runpy.run_module("omero_rocrate_transfer", run_name="__main__", alter_sys=True)
    finally:
        count, killer.number = killer.count, 0
        if int(number) == 0:
            Path(f"{folder}.calls").write_text(str(count))


if __name__ == "__main__":
    main()
