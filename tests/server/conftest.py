"""Connections, and worlds too big to import: rows put straight into a sandbox's store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from ome_types import OME, model

from omero_rocrate_transfer.model.contents import (
    Contents,
    ImageRecord,
    OriginalFile,
    SourceInfo,
    TransferUnit,
)
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.transfer.ports import PixelsReader, UnitReader
from omero_sandbox.db.store import Row, Store
from omero_sandbox.server import SandboxServer

ROOT_PASSWORD = "omero"


@pytest.fixture
def open_connection(sandbox: SandboxServer) -> Iterator[Callable[..., Connection]]:
    """Log in: ``open_connection(user, password, server=…)``; closed after the test."""
    opened: list[Connection] = []

    def login(user: str = "root", password: str | None = None, server: SandboxServer = sandbox) -> Connection:
        opened.append(
            Connection.login(
                f"tcp://{server.host}",
                server.port,
                user=user,
                password=ROOT_PASSWORD if password is None else password,
            )
        )
        return opened[-1]

    yield login
    for one in opened:
        one.close()


@pytest.fixture
def connection(open_connection: Callable[..., Connection]) -> Connection:
    """Log in as root."""
    return open_connection()


@dataclass
class Rows:
    """Inserts rows of one owner and group."""

    store: Store
    owner: int = 0
    group: int = 0
    event: int = field(init=False)

    def __post_init__(self) -> None:
        self.event = self.store.new_event(user=self.owner, group=self.group)

    def add(self, kind: str, **values: Any) -> Row:
        return self.store.insert(kind, values, owner=self.owner, group=self.group, event=self.event)

    def enum(self, kind: str, value: str) -> int:
        row = self.store.enum(kind, value)
        assert row is not None
        return row.id

    def link(self, kind: str, parent: Row, child: Row) -> Row:
        return self.add(kind, parent=parent.id, child=child.id)

    def fileset(self, images: int = 1, files: tuple[str, ...] = ("one.tif",)) -> tuple[Row, list[Row]]:
        """Make a fileset with its files (sizes 1, 2, …) and images."""
        fileset = self.add("Fileset", templatePrefix="user_0/2024-01/02/03-04-05.678/")
        self.store.update(fileset, {"templatePrefix": f"user_0/{fileset.id}/"}, event=self.event)
        for place, path in enumerate(files):
            folder, _, name = path.rpartition("/")
            file = self.add(
                "OriginalFile",
                name=name,
                path=f"user_0/{fileset.id}/{folder}/" if folder else f"user_0/{fileset.id}/",
                size=place + 1,
                hasher=self.enum("ChecksumAlgorithm", "SHA1-160"),
                hash=f"{place:040x}",
                mimetype="image/tiff",
            )
            self.add(
                "FilesetEntry",
                fileset=fileset.id,
                fileset_index=place,
                originalFile=file.id,
                clientPath=path,
            )
        return fileset, [self.image(f"image {series}", fileset.id, series) for series in range(images)]

    def image(self, name: str, fileset: int | None = None, series: int = 0) -> Row:
        image = self.add("Image", name=name, series=series, fileset=fileset)
        pixels = self.add(
            "Pixels",
            image=image.id,
            image_index=0,
            sha1="x",
            pixelsType=self.enum("PixelsType", "uint8"),
            dimensionOrder=self.enum("DimensionOrder", "XYZCT"),
            sizeX=16, sizeY=8, sizeZ=1, sizeC=1, sizeT=1,
        )  # fmt: skip
        logical = self.add("LogicalChannel", name="DAPI")
        self.add("Channel", pixels=pixels.id, pixels_index=0, logicalChannel=logical.id)
        return image


@pytest.fixture
def rows(sandbox: SandboxServer) -> Rows:
    """Insert rows as root into the sandbox."""
    return Rows(sandbox.store)


class MemorySource(UnitReader):
    """A source of one fileset whose files are in memory, and its reader; a ``.fake`` name says what it is."""

    def __init__(self, files: dict[str, bytes], images: int = 1, size: tuple[int, int] = (16, 8)) -> None:
        self.files = files
        super().__init__(
            TransferUnit(
                ref=ObjectRef("Fileset", 1),
                images=tuple(
                    ImageRecord(ref=ObjectRef("Image", 1 + series), name=f"image {series}", series=series)
                    for series in range(images)
                ),
                files=tuple(
                    OriginalFile(key=path, path=path, size_bytes=len(data)) for path, data in files.items()
                ),
            )
        )
        self.contents = Contents(
            source=SourceInfo(host="here.example.org", database_uuid="x", version="5.6.0"),
            roots=(),
            units=(self.unit,),
        )
        self.size = size

    def read_contents(self, roots: Sequence[ObjectRef]) -> Contents:
        return self.contents

    def open(self, unit: TransferUnit) -> UnitReader:
        return self

    def document(self) -> Document:
        return Document(OME(images=[self._image(image.ref) for image in self.unit.images]))

    def read_container_document(self) -> Document:
        return Document()

    def blocks(self, file: OriginalFile) -> Iterator[bytes]:
        data = self.files[file.path]
        for start in range(0, len(data), 1000):
            yield data[start : start + 1000]

    def pixels(self, image: ObjectRef) -> PixelsReader:
        raise NotImplementedError

    def _image(self, ref: ObjectRef) -> model.Image:
        host = self.contents.source.host
        width, height = self.size
        pixels = model.Pixels(
            id=f"urn:lsid:{host}:Pixels:{ref.id}",
            dimension_order=model.Pixels_DimensionOrder.XYZCT,
            type=model.PixelType.UINT8,
            size_x=width, size_y=height, size_z=1, size_c=1, size_t=1,
            metadata_only=model.MetadataOnly(),
        )  # fmt: skip
        return model.Image(id=ref.lsid(host), pixels=pixels)


@pytest.fixture
def memory_source() -> type[MemorySource]:
    """Make sources of one fileset in memory."""
    return MemorySource
