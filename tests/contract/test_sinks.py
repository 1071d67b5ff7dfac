"""All sinks keep to one contract."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from omero_rocrate_transfer.crate.read.open import open_source
from omero_rocrate_transfer.crate.write.sink import CrateSink
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.write.sink import ServerSink
from omero_rocrate_transfer.transfer.ports import Sink
from omero_sandbox.server import SandboxServer
from tests.contract.sinks import SinkContract
from tests.transfer.fakes import FakeSink

RUN = "contract-1"


class TestCrate(SinkContract):
    @pytest.fixture(params=["crate", "crate.zip", "crate.tar"])
    def place(self, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
        return tmp_path / str(request.param)

    @pytest.fixture(params=["", RUN])
    def sink(self, request: pytest.FixtureRequest, place: Path) -> Sink:
        self.path = place
        return CrateSink(place, run_id=request.param)

    def count_units(self, sink: Sink) -> int:
        with closing(open_source(self.path)) as source:
            return len(source.read_contents(()).units)


class TestServer(SinkContract):
    @pytest.fixture(params=["", RUN])
    def sink(self, request: pytest.FixtureRequest, sandbox: SandboxServer) -> Iterator[Sink]:
        self.connection = Connection.login(
            f"tcp://{sandbox.host}", sandbox.port, user="root", password="omero"
        )
        yield ServerSink(self.connection, run_id=request.param)
        self.connection.close()

    def count_units(self, sink: Sink) -> int:
        context = self.connection.context()
        filesets, images = (
            self.connection.query.projection(f"select o.id from {kind} o", None, context)
            for kind in ("Fileset", "Image")
        )
        assert len(filesets) == len(images)
        return len(filesets)


class TestFake(SinkContract):
    @pytest.fixture
    def sink(self) -> Sink:
        return FakeSink()

    def count_units(self, sink: Sink) -> int:
        assert isinstance(sink, FakeSink)
        return len(sink.written)
