"""The folder beside the target in which a crate is written until it is complete."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.archives.output import disk_errors, sync_folder
from omero_rocrate_transfer.model.errors import RefusedError
from omero_rocrate_transfer.transfer.faultpoints import faultpoint

if TYPE_CHECKING:
    from pathlib import Path

_RUN: Final = "run"
_SPOOL: Final = "spool"
_RUN_ID: Final = re.compile(r"[0-9a-f]{0,32}\Z")


class Workspace:
    """``NAME.part`` with the unfinished crate, what will be said of it, and the run it belongs to.

    Parameters
    ----------
    target
        The crate when it is complete.
    run_id
        Tells the run from all others; empty for one that nobody goes on with.
    """

    def __init__(self, target: Path, run_id: str) -> None:
        self._run_id = run_id
        self.folder = target.with_name(f"{target.name}.part")
        #: The crate until it is complete.
        self.crate = self.folder / "crate"
        self.spool_name = _SPOOL

    def create(self) -> None:
        """Make the folder.

        Raises
        ------
        RefusedError
            It is there already.
        NotFoundError
            The folder above is missing or not writable.
        """
        self._remove_leftover()
        if os.path.lexists(self.folder):
            raise RefusedError(
                f"{self.folder} is of another run, which is at work or was broken off.",
                hint="Give the command of that run again, or take it back with 'omero transfer undo'.",
            )
        with disk_errors(self.folder):
            self.folder.mkdir()
            faultpoint("crate:workspace-made")
            (self.folder / _RUN).write_text(self._run_id, "ascii")
            sync_folder(self.folder)

    @property
    def is_ours(self) -> bool:
        """Whether an earlier process of this run made it."""
        return bool(self._run_id) and self._read_run() == self._run_id

    @property
    def is_published(self) -> bool:
        """Whether the crate left it, with a name of its own."""
        return self.is_ours and not os.path.lexists(self.crate)

    def remove(self) -> None:
        """Remove it with all that is in it; does nothing where it is not there."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self.folder)

    def _read_run(self) -> str | None:
        try:
            return (self.folder / _RUN).read_text("ascii")
        except (OSError, ValueError):
            return None

    def _remove_leftover(self) -> None:
        """Remove the folder where the process that made it ended before there was work in it."""
        if self.is_published or self._is_unused():
            self.remove()

    def _is_unused(self) -> bool:
        """Tell whether nothing is in it but the name of a run, or a part of one."""
        if self.folder.is_symlink() or not self.folder.is_dir():
            return False
        found, run = [path.name for path in self.folder.iterdir()], self._read_run()
        return not found or (found == [_RUN] and run is not None and _RUN_ID.match(run) is not None)
