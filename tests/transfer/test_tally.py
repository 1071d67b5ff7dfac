"""The sums of a run are right, whatever order its events come in."""

from __future__ import annotations

import pytest

from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.model.errors import NotFoundError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.transfer.events import Advanced, Planned, Started, UnitEnded
from omero_rocrate_transfer.transfer.summary import Tally
from tests.transfer.fakes import FakeSource

FIRST, SECOND = ObjectRef("Fileset", 1), ObjectRef("Fileset", 2)


@pytest.fixture
def tally() -> Tally:
    tally = Tally()
    tally.take(Planned(contents=FakeSource([b"x" * 100, b"y" * 50]).read_contents(()), dry_run=False))
    tally.take(Started(phase="transfer", size_bytes=150))
    return tally


def advance(unit: ObjectRef, size_bytes: int) -> Advanced:
    return Advanced(unit=unit, name="f", size_bytes=size_bytes)


def test_bytes_of_a_file_read_twice_count_once(tally: Tally) -> None:
    tally.take(advance(FIRST, 80))
    tally.take(advance(FIRST, 80))
    tally.take(advance(SECOND, 10))

    assert tally.done_bytes == 110


def test_end_of_a_unit_counts_all_of_it(tally: Tally) -> None:
    tally.take(advance(FIRST, 30))
    tally.take(UnitEnded(unit=FIRST, state="done", size_bytes=100, images=1, files=1, files_verified=1))
    tally.take(
        UnitEnded(unit=SECOND, state="failed", size_bytes=0, images=1, files=1, error=NotFoundError("no"))
    )

    finished = tally.finished(exit_code=3, seconds=2.0, error=None)
    assert tally.done_bytes == 150
    assert (finished.planned, finished.done, finished.failed) == (2, 1, 1)
    assert (finished.images, finished.files, finished.files_verified) == (1, 1, 1)
    assert finished.size_bytes == 100
    assert tally.error_codes == {5}


def test_a_new_phase_begins_at_nothing(tally: Tally) -> None:
    tally.take(advance(FIRST, 100))

    tally.take(Started(phase="transfer", size_bytes=150))

    assert tally.done_bytes == 0


def test_omissions_of_one_kind_and_reason_are_added_up(tally: Tally) -> None:
    for unit, kind in ((FIRST, "Roi"), (SECOND, "Roi"), (SECOND, "TagAnnotation")):
        omission = Omission(type=kind, count=2, reason="not carried yet", on=unit)
        ended = UnitEnded(unit=unit, state="done", size_bytes=0, images=1, files=1, omissions=(omission,))
        tally.take(ended)

    assert tally.omissions == (
        Omission(type="Roi", count=4, reason="not carried yet"),
        Omission(type="TagAnnotation", count=2, reason="not carried yet", on=SECOND),
    )
