"""Two servers, and the way of everything from one to the other through OME-XML as it is in a crate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from omero_rocrate_transfer.crate.extras_json import extract_document, render_with_extras
from omero_rocrate_transfer.crate.omexml import parse_document
from omero_rocrate_transfer.model.contents import Omission, OriginalFile, TransferUnit
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.model.results import Mapping
from omero_rocrate_transfer.server.read.source import ServerSource
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.write.sink import ServerSink
from omero_rocrate_transfer.transfer.ports import PixelsReader, UnitReader
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import seed

HOST = "source.example.org"
#: Otherwise files of plates stay on the server.
WITH_PLATES = {"omero.policy.binary_access": "+read,+write,+image,+plate"}


class ThroughXml:
    """A server as source whose documents were written and read again."""

    def __init__(self, source: ServerSource) -> None:
        self.source = source
        #: OME-XML of the units, in the order in which they were asked for.
        self.texts: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)

    def open(self, unit: TransferUnit) -> ThroughXmlReader:
        return ThroughXmlReader(self.source.open(unit), self.texts)


class ThroughXmlReader(UnitReader):
    """A unit whose documents were written and read again."""

    def __init__(self, reader: UnitReader, texts: list[str]) -> None:
        super().__init__(reader.unit)
        self.reader, self.texts = reader, texts

    def document(self) -> Document:
        return self._through_text(self.reader.document())

    def pages(self) -> Iterator[Document]:
        return map(self._through_text, self.reader.pages())

    def blocks(self, file: OriginalFile) -> Iterator[bytes]:
        return self.reader.blocks(file)

    def pixels(self, image: ObjectRef) -> PixelsReader:
        return self.reader.pixels(image)

    def _through_text(self, document: Document) -> Document:
        data, replaced = render_with_extras(document, HOST)
        assert replaced == 0
        self.texts.append(data.decode())
        return extract_document(parse_document(data, str(self.unit.ref)))


@dataclass
class Copy:
    """What a copy made."""

    texts: list[str]
    omissions: list[Omission]
    ids: dict[ObjectRef, ObjectRef] = field(default_factory=dict)


@dataclass
class Two:
    """A source and a target; root works on both."""

    source: Connection
    target: Connection
    sandboxes: tuple[SandboxServer, SandboxServer]

    def copy(self, *roots: ObjectRef) -> Copy:
        return copy(self.source, self.target, roots)

    def back(self, *roots: ObjectRef) -> Copy:
        """Copy from the target to the source."""
        return copy(self.target, self.source, roots)


def copy(one: Connection, other: Connection, roots: tuple[ObjectRef, ...]) -> Copy:
    source, sink = ThroughXml(ServerSource(one)), ServerSink(other)
    contents = source.read_contents(roots)
    data, _ = render_with_extras(source.read_container_document(), HOST)
    made: list[Mapping] = list(
        sink.begin(contents, lambda: extract_document(parse_document(data, "containers")))
    )
    found = Copy(source.texts, list(contents.omissions))
    for unit in contents.units:
        result = sink.write_unit(source.open(unit))
        found.omissions += result.omissions
        made += result.mappings
    sink.finish()
    found.ids = {one.source: one.target for one in made}
    return found


@pytest.fixture
def two(sandbox_factory: Callable[..., SandboxServer], open_connection: Callable[..., Connection]) -> Two:
    servers = sandbox_factory(config=WITH_PLATES), sandbox_factory(config=WITH_PLATES)
    return Two(open_connection(server=servers[0]), open_connection(server=servers[1]), servers)


@pytest.fixture
def image(two: Two, tmp_path: Path) -> int:
    """Import an image of two channels and two planes each into the source; return its id."""
    name = "cells&sizeX=20&sizeY=10&sizeZ=2&sizeC=2.fake"
    (tmp_path / name).write_bytes(b"")
    return seed.import_fileset(two.source.client, tmp_path, [name]).images[0]


def find(connection: Connection, hql: str, number: int) -> Any:
    """Return the one object that a query with ``:id`` finds."""
    from omero.sys import ParametersI

    found = connection.query.findByQuery(hql, ParametersI().addId(number), connection.context())
    assert found is not None
    return found
