"""IRepositoryInfo: how full the disk is (ome.logic.RepositoryInfoImpl)."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import omero
import omero.clients

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext

_KIB = 1024


class RepositoryInfoService:
    """Sizes are of the disk that holds the data folder, and of the files in it."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    def getUsedSpaceInKilobytes(self, call: Call) -> int:
        """Refuse, as every server since OMERO 5.0."""
        message = "This UNSAFE method has been deprecated. Server side functionality has been REMOVED."
        raise omero.InternalException(None, None, message)

    def getFreeSpaceInKilobytes(self, call: Call) -> int:
        """Return the free space of the disk."""
        return shutil.disk_usage(self.context.data_dir).free // _KIB

    def getUsageFraction(self, call: Call) -> float:
        """Refuse: it needs the used space."""
        return self.getUsedSpaceInKilobytes(call)

    def sanityCheckRepository(self, call: Call) -> None:
        """Do nothing, as the real server, whose check is switched off."""
