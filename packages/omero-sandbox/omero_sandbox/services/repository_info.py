"""IRepositoryInfo: how full the disk is (ome.logic.RepositoryInfoImpl)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext

_KIB = 1024


class RepositoryInfoService:
    """Sizes are of the disk that holds the data folder, and of the files in it."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    def getUsedSpaceInKilobytes(self, call: Call) -> int:
        """Return the size of all binary data."""
        return _size_of(self.context.data_dir) // _KIB

    def getFreeSpaceInKilobytes(self, call: Call) -> int:
        """Return the free space of the disk."""
        return shutil.disk_usage(self.context.data_dir).free // _KIB

    def getUsageFraction(self, call: Call) -> float:
        """Return which part of what could be used is used by binary data."""
        used, free = self.getUsedSpaceInKilobytes(call), self.getFreeSpaceInKilobytes(call)
        return used / (used + free)

    def sanityCheckRepository(self, call: Call) -> None:
        """Do nothing, as the real server, whose check is switched off."""


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
