"""IRepositoryInfo: sizes of the data folder."""

from __future__ import annotations

import shutil
from typing import Any

import omero
import pytest

from omero_sandbox.server import SandboxServer


def test_used_space_is_no_longer_told(root: Any) -> None:
    info = root.getSession().getRepositoryInfoService()
    for ask in (info.getUsedSpaceInKilobytes, info.getUsageFraction):
        with pytest.raises(omero.InternalException, match="has been REMOVED"):
            ask()


def test_free_space_is_that_of_the_disk(sandbox: SandboxServer, root: Any) -> None:
    free = root.getSession().getRepositoryInfoService().getFreeSpaceInKilobytes()
    assert 0 < free <= shutil.disk_usage(sandbox.data_dir).total // 1024
