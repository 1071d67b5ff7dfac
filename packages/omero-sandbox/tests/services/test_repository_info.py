"""IRepositoryInfo: sizes of the data folder."""

from __future__ import annotations

import shutil
from typing import Any

from omero_sandbox.server import SandboxServer


def test_used_space_is_that_of_the_files(sandbox: SandboxServer, root: Any) -> None:
    info = root.getSession().getRepositoryInfoService()
    before = info.getUsedSpaceInKilobytes()
    folder = sandbox.data_dir / "Files"
    folder.mkdir(exist_ok=True)
    (folder / "1").write_bytes(bytes(50 * 1024))
    assert info.getUsedSpaceInKilobytes() - before == 50
    assert 0 < info.getUsageFraction() < 1


def test_free_space_is_that_of_the_disk(sandbox: SandboxServer, root: Any) -> None:
    free = root.getSession().getRepositoryInfoService().getFreeSpaceInKilobytes()
    assert 0 < free <= shutil.disk_usage(sandbox.data_dir).total // 1024
