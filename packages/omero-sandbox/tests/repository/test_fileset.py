"""Imports that begin at the same moment get folders of their own."""

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

IMPORTS = 8


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


def test_imports_of_the_same_moment_get_folders_of_their_own(
    connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fileset, "datetime", StoppedClock)
    together = Barrier(IMPORTS)
    clients = [connect() for _ in range(IMPORTS)]

    with ThreadPoolExecutor(IMPORTS) as pool:
        list(pool.map(lambda client: begin(client, together), clients))

    query = clients[0].getSession().getQueryService()
    prefixes = query.projection("select f.templatePrefix from Fileset f", None)
    assert len({prefix.val for (prefix,) in prefixes}) == len(prefixes) == IMPORTS
