"""How planning and opening the units of a large source grows with their number.

Run it with ``python benchmarks/readers.py``. No server is asked: what is measured is the client's own work on
the contents, from the plan to the reader of each unit and its place among the documents that are read ahead.
It fails if 50,000 units take 5 s of processor time or more.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from ome_types import OME

sys.path.insert(0, str(Path(__file__).parent.parent))

from omero_rocrate_transfer.model.annotations import AnnotationChoice
from omero_rocrate_transfer.model.contents import (
    Container,
    Contents,
    ImageRecord,
    OriginalFile,
    Person,
    SourceInfo,
    TransferUnit,
)
from omero_rocrate_transfer.model.digests import Digest
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.model.results import UnitResult
from omero_rocrate_transfer.server.read.annotations.annotations import AnnotationReader
from omero_rocrate_transfer.server.read.documents.read_ahead import ReadAhead
from omero_rocrate_transfer.server.read.documents.roi_pages import RoiPages
from omero_rocrate_transfer.server.read.documents.unit_documents import UnitDocuments, UnitDraft
from omero_rocrate_transfer.server.read.unit_reader import ServerUnitReader
from omero_rocrate_transfer.server.session.queries import Reader
from omero_rocrate_transfer.server.write.identifiers import IdentifierReader
from omero_rocrate_transfer.transfer.journal.state import History
from omero_rocrate_transfer.transfer.plan import Plan
from omero_rocrate_transfer.transfer.survey import owners_of

SIZES = 12_500, 25_000, 50_000
LIMIT_S = 5
HOST = "here.example.org"


class NoQueries(UnitDocuments):
    """Empty documents, for which no server is asked; making objects of ome-types is not measured."""

    ome = OME()

    def read(self, units: Sequence[TransferUnit]) -> list[UnitDraft]:
        return [UnitDraft(unit, self.ome, HOST) for unit in units]

    def finish(self, draft: UnitDraft) -> Document:
        return Document(draft.document, draft.extras)


def make_contents(count: int) -> Contents:
    units = tuple(
        TransferUnit(
            ref=ObjectRef("Fileset", number),
            images=(ImageRecord(ref=ObjectRef("Image", number), name=f"image {number}", owner=number % 50),),
            files=(
                OriginalFile(
                    key=str(number),
                    path=f"folder/{number}.tif",
                    size_bytes=1_000,
                    digests=(Digest("SHA1-160", f"{number:040x}"),),
                ),
            ),
        )
        for number in range(count)
    )
    datasets = tuple(
        Container(
            ref=ObjectRef("Dataset", first),
            name=f"dataset {first}",
            members=tuple(unit.images[0].ref for unit in units[first : first + 100]),
        )
        for first in range(0, count, 100)
    )
    return Contents(
        source=SourceInfo(host=HOST, database_uuid="x", version="5.6.0"),
        roots=tuple(dataset.ref for dataset in datasets),
        containers=datasets,
        units=units,
        people=tuple(
            Person(id=number, login=f"user{number}", first_name="A", last_name="B") for number in range(50)
        ),
    )


def plan(contents: Contents) -> None:
    """Make the plan of a run of which half is done."""
    done = {unit.ref: UnitResult(unit=unit.ref, size_bytes=1) for unit in contents.units[::2]}
    made = Plan(contents=contents)
    assert len(made.fingerprint) == 64
    remaining = made.remaining(History(done=done), done)
    assert len(remaining.left) == len(contents.units) // 2
    assert len(owners_of(contents)) == len(contents.units) + len(contents.containers)


def read(contents: Contents) -> None:
    """Open every unit and take its document."""
    connection: Any = mock.Mock()
    annotations = AnnotationReader(Reader(connection), HOST, AnnotationChoice())
    shared: Any = connection, contents, annotations, {}, IdentifierReader(Reader(connection), HOST)
    documents, roi_pages = ReadAhead(contents.units, NoQueries(*shared)), RoiPages(*shared)
    for unit in contents.units:
        with ServerUnitReader(unit, connection, documents, roi_pages) as reader:
            reader.document()
            assert list(reader.pages()) == []


def measure(step: Callable[[Contents], None], contents: Contents) -> float:
    begun = time.process_time()
    step(contents)
    return time.process_time() - begun


def main() -> None:
    print("units    plan s  read s")
    for size in SIZES:
        contents = make_contents(size)
        planned, opened = measure(plan, contents), measure(read, contents)
        print(f"{size:>6,}  {planned:7.2f} {opened:7.2f}")
    if planned + opened >= LIMIT_S:
        raise SystemExit(f"{SIZES[-1]:,} units took {planned + opened:.1f} s, not less than {LIMIT_S} s.")


if __name__ == "__main__":
    main()
