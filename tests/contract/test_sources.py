"""All sources keep to one contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from omero_rocrate_transfer.crate.read.open import open_source
from omero_rocrate_transfer.model.choices import PixelsPolicy
from omero_rocrate_transfer.server.read.source import ServerSource
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.transfer.document_cache import DocumentCache
from omero_rocrate_transfer.transfer.ports import Source
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import real_input, seed
from tests.contract.sources import SourceContract
from tests.crate.foreign import packs
from tests.crate.foreign.test_source import crate_of_others
from tests.crate.ome_zarr.test_reader import _write
from tests.crate.pixels.support import pack_pixels
from tests.transfer.fakes import FakeSource


class TestCrate(SourceContract):
    @pytest.fixture(params=["crate", "crate.zip", "crate.tar"])
    def source(self, request: pytest.FixtureRequest, tmp_path: Path) -> Source:
        pack_pixels(tmp_path / request.param)
        return open_source(tmp_path / request.param)


class TestOmeZarr(SourceContract):
    @pytest.fixture(params=[2, 3])
    def source(self, request: pytest.FixtureRequest, tmp_path: Path) -> Source:
        _write(tmp_path / "cells.ome.zarr", "czyx", request.param)
        return open_source(tmp_path / "cells.ome.zarr")


class TestForeignPack(SourceContract):
    @pytest.fixture(params=list(packs.WRITERS))
    def source(self, request: pytest.FixtureRequest, tmp_path: Path) -> Source:
        packs.write_pack(tmp_path / request.param)
        return open_source(tmp_path / request.param)


class TestForeignRoCrate(SourceContract):
    has_documents = False

    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        crate_of_others(
            tmp_path / "crate.zip",
            {"@id": "cell%20A.tif", "@type": "File", "name": "Cell A", "encodingFormat": "image/tiff"},
            {"@id": "raw b.czi", "@type": "File", "encodingFormat": "image"},
            files={"cell A.tif": packs.tiff(2, 2), "raw b.czi": b"CZI"},
        )
        return open_source(tmp_path / "crate.zip")


class TestServer(SourceContract):
    @pytest.fixture(params=list(PixelsPolicy))
    def source(
        self, request: pytest.FixtureRequest, sandbox: SandboxServer, tmp_path: Path
    ) -> Iterator[Source]:
        connection = Connection.login(f"tcp://{sandbox.host}", sandbox.port, user="root", password="omero")
        dataset = seed.create(connection.client, "Dataset", "D")
        made = real_input.same_names(tmp_path)
        imported = seed.import_fileset(connection.client, made.folder, made.files, dataset)
        seed.roi(connection.client, imported.images[0], [seed.shape("Point", "here", x=1, y=2)])
        yield ServerSource(connection, pixels=request.param)
        connection.close()


class TestFake(SourceContract):
    has_documents = False

    @pytest.fixture
    def source(self) -> Source:
        return FakeSource([b"one" * 1000, b"two", b""])


class TestDocumentCache(SourceContract):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        pack_pixels(tmp_path / "crate")
        cache = DocumentCache(open_source(tmp_path / "crate"))
        for unit in cache.read_contents(()).units:
            cache.keep(unit.ref, cache.open(unit).document())
        return cache
