"""Small worlds to pack: contents, and a source that serves them from memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ome_types import OME
from ome_types.model import Dataset, Image, Pixels, Pixels_DimensionOrder, PixelType

from omero_rocrate_transfer.crate.write.sink import CrateSink
from omero_rocrate_transfer.model.contents import (
    Container,
    Contents,
    Group,
    ImageRecord,
    OriginalFile,
    Person,
    SourceInfo,
    TransferUnit,
)
from omero_rocrate_transfer.model.digests import Digest
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.errors import IntegrityError
from omero_rocrate_transfer.model.facts import CrateFacts
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.transfer.ports import PixelsReader, UnitReader

HOST = "omero.example.org"
FACTS = CrateFacts(
    name="Demo",
    description="A crate of a test",
    organism="NCBI:txid7955",
    modality="obo:FBbi_00000369",
    publisher="Institute of Tests",
)


def make_file(key: str, path: str, data: bytes) -> OriginalFile:
    digest = Digest("SHA1-160", hashlib.sha1(data, usedforsecurity=False).hexdigest())
    return OriginalFile(key=key, path=path, size_bytes=len(data), digests=(digest,))


def make_image(
    number: int, name: str = "cells", series: int = 0, description: str | None = None
) -> ImageRecord:
    return ImageRecord(
        ref=ObjectRef("Image", number),
        name=name,
        series=series,
        description=description,
        owner=7,
        group=4,
        created="2026-10-01T12:00:00+00:00",
    )


def make_world() -> tuple[Contents, dict[str, bytes]]:
    """Return a project of one single-file and one multi-file fileset, and the bytes of its files by key."""
    data = {"1": b"cells" * 200, "2": b"pattern", "3": b"frame 1", "4": b"frame 2"}
    units = (
        TransferUnit(
            ref=ObjectRef("Fileset", 101),
            images=(make_image(201), make_image(203, "second", 1, "its description")),
            files=(make_file("1", "zellen größe 1.ome.tif", data["1"]),),
        ),
        TransferUnit(
            ref=ObjectRef("Fileset", 102),
            images=(make_image(202, "time"),),
            files=(
                make_file("2", "time.pattern", data["2"]),
                make_file("3", "pos1/frame.tif", data["3"]),
                make_file("4", "pos2/frame.tif", data["4"]),
            ),
        ),
    )
    dataset = Container(
        ref=ObjectRef("Dataset", 11),
        name="Day 1",
        owner=7,
        group=4,
        members=tuple(ObjectRef("Image", number) for number in (201, 203, 202)),
    )
    project = Container(
        ref=ObjectRef("Project", 1),
        name="Demo project",
        description="what it is",
        owner=7,
        group=4,
        members=(dataset.ref,),
    )
    contents = Contents(
        source=SourceInfo(host=HOST, database_uuid="5a1c9d86-4c3d-4d3e-8a53-2f6e9d1f0a11", version="5.6.14"),
        roots=(project.ref,),
        containers=(project, dataset),
        units=units,
        people=(Person(id=7, login="ada", first_name="Ada", last_name="Example", institution="Institute"),),
        groups=(Group(id=4, name="lab-x", permissions="rwra--"),),
    )
    return contents, data


class MemorySource:
    """Serves contents from memory; implements the port `Source`."""

    def __init__(
        self,
        contents: Contents,
        data: Mapping[str, bytes],
        pages: Mapping[ObjectRef, Sequence[Document]] | None = None,
    ) -> None:
        self.contents = contents
        self.data = data
        self.pages = pages or {}

    def read_contents(self, roots: Sequence[ObjectRef]) -> Contents:
        return self.contents

    def open(self, unit: TransferUnit) -> UnitReader:
        return MemoryUnit(unit, self)

    def read_container_document(self) -> Document:
        datasets = [thing for thing in self.contents.containers if thing.ref.type == "Dataset"]
        return Document(
            OME(datasets=[Dataset(id=thing.ref.lsid(HOST), name=thing.name) for thing in datasets])
        )

    def close(self) -> None:
        pass


class MemoryUnit(UnitReader):
    """Serves one unit of a `MemorySource`."""

    def __init__(self, unit: TransferUnit, source: MemorySource) -> None:
        super().__init__(unit)
        self.source = source

    def document(self) -> Document:
        images = [
            Image(
                id=image.ref.lsid(HOST),
                name=image.name,
                pixels=Pixels(
                    id=f"urn:lsid:{HOST}:Pixels:{image.ref.id}",
                    dimension_order=Pixels_DimensionOrder.XYZCT,
                    type=PixelType.UINT8,
                    size_x=1,
                    size_y=1,
                    size_z=1,
                    size_c=1,
                    size_t=1,
                ),
            )
            for image in self.unit.images
        ]
        return Document(OME(images=images))

    def pages(self) -> Iterator[Document]:
        return iter(self.source.pages.get(self.unit.ref, ()))

    def blocks(self, file: OriginalFile) -> Iterator[bytes]:
        data = self.source.data[file.key]
        yield from (data[:3], data[3:])
        if len(data) != file.size_bytes:
            raise IntegrityError(f"{file.path}: {len(data)} bytes came.")

    def pixels(self, image: ObjectRef) -> PixelsReader:
        raise NotImplementedError


def pack(
    path: Path,
    contents: Contents,
    data: Mapping[str, bytes],
    facts: CrateFacts = FACTS,
    pages: Mapping[ObjectRef, Sequence[Document]] | None = None,
) -> None:
    """Pack a whole world."""
    source = MemorySource(contents, data, pages)
    sink = CrateSink(path, facts, command="omero transfer pack --rocrate Project:1 crate", agent=7)
    sink.begin(contents, source.read_container_document)
    for unit in contents.units:
        sink.write_unit(source.open(unit))
    sink.finish()


def pack_world(path: Path, facts: CrateFacts = FACTS) -> tuple[Contents, dict[str, bytes]]:
    """Pack the world of `make_world`, and return it."""
    contents, data = make_world()
    pack(path, contents, data, facts)
    return contents, data
