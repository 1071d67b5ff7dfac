"""Imports that begin at the same moment hinder each other, as on a real server."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any, Self

import omero
import omero.grid
import pytest
from omero.rtypes import rbool, rstring

from omero_sandbox.repository import fileset
from omero_sandbox.server import SandboxServer

IMPORTS = 4


class StoppedClock(datetime):
    """All imports begin in the same millisecond."""

    @classmethod
    def now(cls, tz: Any = None) -> Self:
        return cls(2026, 1, 2, 3, 4, 5, 6000, tzinfo=tz)


def begin(client: Any, together: Barrier) -> None:
    algorithm = omero.model.ChecksumAlgorithmI()
    algorithm.setValue(rstring("SHA1-160"))
    settings = omero.grid.ImportSettings(
        doThumbnails=rbool(False), noStatsInfo=rbool(True), checksumAlgorithm=algorithm
    )
    entry = omero.model.FilesetEntryI()
    entry.setClientPath(rstring("a.fake"))
    wanted = omero.model.FilesetI()
    wanted.addFilesetEntry(entry)
    wanted.linkJob(omero.model.UploadJobI())
    repository = client.getManagedRepository()
    together.wait()
    repository.importFileset(wanted, settings).close()


def begin_together(connect: Callable[..., Any], count: int) -> list[omero.ValidationException]:
    """Begin imports at the same moment and give the errors of those that failed."""
    together = Barrier(count)
    clients = [connect() for _ in range(count)]
    with ThreadPoolExecutor(count) as pool:
        begun = [pool.submit(begin, client, together) for client in clients]
    errors = [each.exception() for each in begun]
    return [error for error in errors if error is not None]


def test_of_two_first_imports_one_fails(connect: Callable[..., Any]) -> None:
    (error,) = begin_together(connect, 2)
    assert isinstance(error, omero.ValidationException)
    assert error.message.startswith("could not insert: [ome.model.core.OriginalFile]; SQL [")
    assert "constraint [originalfile_repo_path_index]" in error.message


def test_of_imports_of_the_same_millisecond_one_gets_the_folder(
    connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(connect(), Barrier(1))
    monkeypatch.setattr(fileset, "datetime", StoppedClock)
    errors = begin_together(connect, IMPORTS)
    assert len(errors) == IMPORTS - 1
    assert all("originalfile_repo_path_index" in error.message for error in errors)


def test_a_folder_that_is_on_the_disk_only_is_refused(
    sandbox: SandboxServer, connect: Callable[..., Any]
) -> None:
    client = connect()
    user = client.getSession().getAdminService().getEventContext()
    folder = sandbox.data_dir / "ManagedRepository" / f"{user.userName}_{user.userId}"
    folder.mkdir(parents=True)
    with pytest.raises(omero.ResourceError, match=r"Directory exists but is not registered: CheckedPath\("):
        begin(client, Barrier(1))
    folder.rmdir()
    begin(client, Barrier(1))


def test_imports_one_after_the_other_get_folders_of_their_own(
    connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fileset, "datetime", StoppedClock)
    client = connect()
    for _ in range(3):
        begin(client, Barrier(1))
    prefixes = (
        client.getSession().getQueryService().projection("select f.templatePrefix from Fileset f", None)
    )
    assert len({prefix.val for (prefix,) in prefixes}) == len(prefixes) == 3
