"""Imports without the seeding helper: every step of the sequence is visible, and may go wrong on purpose."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import omero
import omero.grid
import pytest
from omero.rtypes import rbool, rstring


def algorithm(value: str = "SHA1-160") -> Any:
    made = omero.model.ChecksumAlgorithmI()
    made.setValue(rstring(value))
    return made


class Importer:
    """Imports bytes as one fileset."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.repository = client.getManagedRepository()

    def fileset(self, names: Sequence[str], jobs: int = 1, reader: str | None = None) -> Any:
        fileset = omero.model.FilesetI()
        for name in names:
            entry = omero.model.FilesetEntryI()
            entry.setClientPath(rstring(name))
            fileset.addFilesetEntry(entry)
        for _ in range(jobs):
            job = omero.model.UploadJobI()
            versions = [omero.model.NamedValue("omero.version", "5.6")]
            if reader:
                versions.append(omero.model.NamedValue("bioformats.reader", reader))
            job.setVersionInfo(versions)
            fileset.linkJob(job)
        return fileset

    def settings(self, **given: Any) -> Any:
        defaults = {
            "doThumbnails": rbool(True),
            "noStatsInfo": rbool(False),
            "checksumAlgorithm": algorithm(),
        }
        return omero.grid.ImportSettings(**(defaults | given))

    def begin(self, names: Sequence[str], reader: str | None = None, **settings: Any) -> Any:
        fileset = self.fileset(names, reader=reader)
        return self.repository.importFileset(fileset, self.settings(**settings))

    @staticmethod
    def upload(process: Any, contents: Sequence[bytes]) -> list[str]:
        for index, data in enumerate(contents):
            store = process.getUploader(index)
            store.write(b"", 0, 0)
            store.write(data, 0, len(data))
            store.close()
        return [hashlib.sha1(data).hexdigest() for data in contents]

    def finish(self, process: Any, hashes: list[str]) -> Any:
        """Verify, wait, and return the response, an ERR too."""
        callback = self.client.waitOnCmd(process.verifyUpload(hashes), loops=400, ms=50, failonerror=False)
        response = callback.getResponse()
        callback.close(True)
        return response

    def __call__(self, files: dict[str, bytes], reader: str | None = None, **settings: Any) -> Any:
        process = self.begin(list(files), reader=reader, **settings)
        response = self.finish(process, self.upload(process, list(files.values())))
        process.close()
        return response

    def fake(self, name: str = "a&sizeX=16&sizeY=8&sizeC=2&pixelType=uint16.fake", **settings: Any) -> Any:
        return self({name: b""}, **settings)


@pytest.fixture
def importer_for() -> type[Importer]:
    return Importer


@pytest.fixture
def importer(root: Any) -> Importer:
    return Importer(root)


class Images:
    """Makes images from nothing, as IPixels.createImage does."""

    def __init__(self, client: Any) -> None:
        self.session = client.getSession()
        self.query = self.session.getQueryService()

    def create(self, x: int = 6, y: int = 5, z: int = 1, c: int = 1, t: int = 1, kind: str = "uint16") -> int:
        """Return the id of the new Pixels."""
        pixels_type = self.query.findByString("PixelsType", "value", kind)
        made = self.session.getPixelsService().createImage(x, y, z, t, list(range(c)), pixels_type, "new", "")
        return int(self.pixels(made.val).id.val)

    def pixels(self, image: int) -> Any:
        return self.query.findByQuery(
            "select p from Pixels p join fetch p.image left outer join fetch p.channels c "
            f"left outer join fetch c.statsInfo where p.image.id = {image}",
            None,
        )

    def open(self, pixels: int) -> Any:
        store = self.session.createRawPixelsStore()
        store.setPixelsId(pixels, True)
        return store


@pytest.fixture
def images(root: Any) -> Images:
    return Images(root)
