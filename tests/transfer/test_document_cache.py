"""Documents that were read to find the owners are not read again by the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from ome_types import OME, model

from omero_rocrate_transfer.model.contents import TransferUnit
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.model.results import UnitResult
from omero_rocrate_transfer.transfer.check import check
from omero_rocrate_transfer.transfer.document_cache import DocumentCache
from omero_rocrate_transfer.transfer.engine import Engine
from omero_rocrate_transfer.transfer.plan import Plan
from omero_rocrate_transfer.transfer.ports import UnitReader
from omero_rocrate_transfer.transfer.run import run
from omero_rocrate_transfer.transfer.survey import survey
from tests.transfer.fakes import FakeReader, FakeSink, FakeSource

FILES = [bytes([number]) * 10 for number in range(1, 6)]


class Counting(FakeSource):
    """Counts how often each document is read; ``paged`` units have one page."""

    def __init__(self, paged: tuple[ObjectRef, ...] = ()) -> None:
        super().__init__(FILES)
        self.paged = paged
        self.reads: Counter[ObjectRef] = Counter()

    def open(self, unit: TransferUnit) -> UnitReader:
        return CountingReader(unit, self)


class CountingReader(FakeReader):
    def __init__(self, unit: TransferUnit, source: Counting) -> None:
        super().__init__(unit, source.files)
        self.source = source
        self.was_read = False

    def document(self) -> Document:
        self.source.reads[self.unit.ref] += 1
        self.was_read = True
        shapes = [model.Point(id=f"Shape:{number}", x=1, y=2) for number in range(9)]
        return Document(OME(rois=[model.ROI(id="ROI:1", union=model.ROI.Union(points=shapes))]))

    def pages(self) -> Iterator[Document]:
        if self.was_read and self.unit.ref in self.source.paged:
            yield Document()


class Reading(FakeSink):
    """Reads the document of each unit; notes how many ROIs and pages it has."""

    def __init__(self) -> None:
        super().__init__()
        self.read: dict[ObjectRef, tuple[int, int]] = {}

    def write_unit(self, reader: UnitReader) -> UnitResult:
        document = reader.document()
        self.read[reader.unit.ref] = len(document.ome.rois), len(list(reader.pages()))
        return super().write_unit(reader)


def transfer(source: Counting, cache: DocumentCache) -> Reading:
    """Do what ``unpack --as-owner`` does."""
    contents, sink = cache.read_contents(()), Reading()
    survey(contents, cache)
    for _ in check(contents, cache, Engine(), documents=False):
        pass
    for _ in run(Plan(contents=contents), cache, sink, Engine(parallel=3)):
        pass
    assert sink.read.keys() == source.reads.keys() == {unit.ref for unit in source.units}
    return sink


def test_each_document_is_read_once() -> None:
    source = Counting()

    sink = transfer(source, DocumentCache(source))

    assert set(source.reads.values()) == {1}
    assert set(sink.read.values()) == {(1, 0)}


@pytest.mark.parametrize("room", [0, 1, 10, 11, 22, 54, 55])
def test_what_is_kept_has_a_limit(room: int) -> None:
    source = Counting()

    transfer(source, DocumentCache(source, max_elements=room))

    assert sum(count == 1 for count in source.reads.values()) == room // 11


def test_pages_are_never_lost() -> None:
    paged = (ObjectRef("Fileset", 2), ObjectRef("Fileset", 4))
    source = Counting(paged)

    sink = transfer(source, DocumentCache(source))

    assert {ref for ref, (_, pages) in sink.read.items() if pages == 1} == set(paged)
    assert {ref for ref, count in source.reads.items() if count == 2} == set(paged)


def test_a_unit_that_is_tried_again_gets_a_fresh_document() -> None:
    source = Counting()
    cache = DocumentCache(source)
    [unit, *_] = cache.read_contents(()).units
    cache.keep(unit.ref, Document())

    with cache.open(unit) as reader:
        first, again = reader.document(), reader.document()

    assert (first.ome.rois, len(again.ome.rois)) == ([], 1)
    assert source.reads[unit.ref] == 1


def test_room_is_free_again_once_a_document_is_taken() -> None:
    cache = DocumentCache(Counting(), max_elements=1)
    one, other = ObjectRef("Fileset", 1), ObjectRef("Fileset", 2)
    cache.keep(one, Document())
    cache.keep(other, Document())

    assert (cache.take(other), cache.take(one) is None) == (None, False)

    cache.keep(other, Document())

    assert cache.take(other) is not None
