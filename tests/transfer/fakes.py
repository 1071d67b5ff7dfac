"""A source and a sink in memory, to test what is between them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from threading import Event, Lock

from omero_rocrate_transfer.model.contents import (
    Container,
    Contents,
    ImageRecord,
    Omission,
    OriginalFile,
    SourceInfo,
    TransferUnit,
)
from omero_rocrate_transfer.model.digests import Digest, Hasher
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.errors import DigestMismatchError, NotFoundError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.model.results import Mapping, UnitResult
from omero_rocrate_transfer.transfer.journal.state import History
from omero_rocrate_transfer.transfer.ports import PixelsReader, Sink, UnitReader

SOURCE = SourceInfo(host="source.example.org", database_uuid="1-2-3", version="5.6.14")
TARGET = SourceInfo(host="target.example.org", database_uuid="4-5-6", version="5.6.14")
BLOCK = 1000


def sha256(content: bytes) -> Digest:
    hasher = Hasher()
    hasher.update(content)
    return hasher.digests()["SHA256"]


def unit_of(number: int, content: bytes) -> TransferUnit:
    """Return a fileset with one image and one file."""
    return TransferUnit(
        ref=ObjectRef("Fileset", number),
        images=(ImageRecord(ref=ObjectRef("Image", number), name=f"image {number}"),),
        files=(
            OriginalFile(
                key=str(number), path=f"pos/{number}.tif", size_bytes=len(content), digests=(sha256(content),)
            ),
        ),
    )


class FakeSource:
    """Holds files by their key."""

    def __init__(self, files: Sequence[bytes], omissions: Sequence[Omission] = ()) -> None:
        self.files = {str(number): content for number, content in enumerate(files, 1)}
        self.units = tuple(unit_of(number, content) for number, content in enumerate(files, 1))
        self.omissions = tuple(omissions)
        self.closed = False

    def read_contents(self, roots: Sequence[ObjectRef]) -> Contents:
        dataset = Container(
            ref=ObjectRef("Dataset", 1), name="D", members=tuple(unit.images[0].ref for unit in self.units)
        )
        if missing := set(roots) - {dataset.ref, *dataset.members}:
            raise NotFoundError(f"{missing} is not there.")
        return Contents(
            source=SOURCE,
            roots=tuple(roots) or (dataset.ref,),
            containers=(dataset,),
            units=self.units,
            omissions=self.omissions,
        )

    def open(self, unit: TransferUnit) -> UnitReader:
        return FakeReader(unit, self.files)

    def read_container_document(self) -> Document:
        return Document()

    def close(self) -> None:
        self.closed = True


class FakeReader(UnitReader):
    """Reads one unit of files in memory."""

    def __init__(self, unit: TransferUnit, files: dict[str, bytes]) -> None:
        super().__init__(unit)
        self.files = files

    def document(self) -> Document:
        return Document()

    def blocks(self, file: OriginalFile) -> Iterator[bytes]:
        content = self.files[file.key]
        for start in range(0, len(content), BLOCK):
            yield content[start : start + BLOCK]
        if sha256(content) != file.digests[0]:
            raise DigestMismatchError(file.path, expected=file.digests[0], found=sha256(content))

    def pixels(self, image: ObjectRef) -> PixelsReader:
        raise NotImplementedError


class FakeSink(Sink):
    """Keeps what it is given, and fails where it is told to."""

    def __init__(
        self,
        *,
        errors: dict[ObjectRef, Exception] | None = None,
        max_parallel: int = 8,
        gate: Event | None = None,
    ) -> None:
        self.max_parallel = max_parallel
        self.omissions: tuple[Omission, ...] = ()
        self.errors = errors or {}
        #: Where given, units wait for it before they read.
        self.gate = gate
        self.written: dict[ObjectRef, bytes] = {}
        self.calls: list[str] = []
        self.synced: set[ObjectRef] = set()
        self.most_at_work = 0
        self._at_work = 0
        self._lock = Lock()

    def begin(self, contents: Contents, containers: Callable[[], Document]) -> Sequence[Mapping]:
        self.calls.append("begin")
        containers()
        return [Mapping(source=box.ref, target=ObjectRef(box.ref.type, 70)) for box in contents.containers]

    def write_unit(self, reader: UnitReader) -> UnitResult:
        unit = reader.unit
        self._enter(1)
        try:
            if self.gate is not None:
                assert self.gate.wait(30)
            if unit.ref in self.errors:
                raise self.errors[unit.ref]
            content = b"".join(block for file in unit.files for block in reader.blocks(file))
        finally:
            self._enter(-1)
        self.written[unit.ref] = content
        image = unit.images[0].ref
        return UnitResult(
            unit=unit.ref,
            size_bytes=len(content),
            mappings=(Mapping(source=image, target=ObjectRef("Image", image.id + 100)),),
            files_verified=len(unit.files),
        )

    def _enter(self, step: int) -> None:
        with self._lock:
            self._at_work += step
            self.most_at_work = max(self.most_at_work, self._at_work)

    def take_up(self, contents: Contents, history: History) -> Collection[ObjectRef]:
        self.calls.append("take up")
        return self.written.keys()

    def sync(self) -> None:
        self.synced = set(self.written)

    def finish(self) -> dict[str, object]:
        self.calls.append("finish")
        return {"units": len(self.written)}

    def abort(self) -> None:
        self.calls.append("abort")
