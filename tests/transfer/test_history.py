"""Whatever a journal says and whatever is there: nothing is lost and nothing is done twice."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.model.errors import IntegrityError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.model.results import Mapping, UnitResult
from omero_rocrate_transfer.transfer.engine import Engine
from omero_rocrate_transfer.transfer.interrupt import Interrupt
from omero_rocrate_transfer.transfer.journal.file import NoJournal, Record
from omero_rocrate_transfer.transfer.journal.state import (
    begun_record,
    failed_record,
    finished_record,
    lost_record,
    read_history,
    unit_record,
)
from omero_rocrate_transfer.transfer.plan import Plan
from omero_rocrate_transfer.transfer.run import run
from tests.transfer.fakes import FakeSink, FakeSource, unit_of

UNITS = tuple(unit_of(number, b"x" * number) for number in range(1, 9))
REFS = [unit.ref for unit in UNITS]
CONTENTS = replace(FakeSource([]).read_contents(()), units=UNITS)


def result_of(ref: ObjectRef) -> UnitResult:
    return UnitResult(
        unit=ref,
        size_bytes=5,
        mappings=(Mapping(source=ref, target=ObjectRef("Fileset", ref.id + 100)),),
        omissions=(Omission(type="Roi", count=2, reason="why", on=ref),),
        files_verified=1,
        planes_verified=3,
        receipt={"end": 7},
    )


def test_results_come_back_as_they_were_noted() -> None:
    history = read_history([begun_record(()), unit_record(result_of(REFS[0]))])

    assert history.begun
    assert history.done == {REFS[0]: result_of(REFS[0])}


def test_failed_unit_is_forgotten_once_it_is_done() -> None:
    records = [failed_record(REFS[0], IntegrityError("bad")), unit_record(result_of(REFS[0]))]

    assert read_history(records[:1]).failed == {REFS[0]: "bad"}
    assert read_history(records).failed == {}


def test_what_was_lost_is_not_finished() -> None:
    records = [unit_record(result_of(REFS[0])), finished_record({}), lost_record([REFS[0]])]

    assert read_history(records[:2]).finished == {}
    assert read_history(records).finished is None
    assert read_history(records).done == {}


def test_undone_run_has_no_history() -> None:
    history = read_history([begun_record(()), unit_record(result_of(REFS[0])), {"type": "undone"}])

    assert (history.begun, history.done, history.undone) == (False, {}, True)


@given(st.sets(st.sampled_from(REFS)), st.sets(st.sampled_from(REFS)))
def test_every_unit_is_either_done_or_remains(noted: set[ObjectRef], there: set[ObjectRef]) -> None:
    history = read_history(unit_record(result_of(ref)) for ref in sorted(noted))

    remaining = Plan(contents=CONTENTS).remaining(history, there)

    done, left = [result.unit for result in remaining.done], [unit.ref for unit in remaining.left]
    assert sorted(done + left) == sorted(REFS)
    assert set(done) == noted & there
    assert set(remaining.lost) == noted - there
    assert left == [ref for ref in REFS if ref in set(left)]


class MemoryJournal(NoJournal):
    """Keeps records in memory, as if every commit were a line."""

    def __init__(self, records: list[Record], *, is_resumed: bool) -> None:
        self.records = tuple(records)
        self.written = list(records)
        self.is_resumed = is_resumed

    def append(self, record: Record) -> None:
        self.written.append(record)


@given(st.integers(min_value=0, max_value=20), st.sets(st.integers(min_value=1, max_value=6)))
def test_resume_from_any_cut_is_like_running_through(cut: int, vanished: set[int]) -> None:
    source, sink = FakeSource([bytes([number]) * 50 for number in range(1, 7)]), FakeSink()
    contents = source.read_contents(())
    whole = MemoryJournal([], is_resumed=False)
    list(run(Plan(contents=contents), source, sink, Engine(parallel=1, interrupt=Interrupt()), whole))
    expected = dict(sink.written)

    for number in vanished:
        sink.written.pop(ObjectRef("Fileset", number))
    again = MemoryJournal(whole.written[:cut], is_resumed=True)
    list(run(Plan(contents=contents), source, sink, Engine(parallel=1, interrupt=Interrupt()), again))

    assert sink.written == expected
    assert read_history(again.written).done.keys() == expected.keys()
    assert read_history(again.written).finished is not None
