"""The run moves everything, carries on after failed items, and never completes what is broken off."""

from __future__ import annotations

import os
import signal
from threading import Event

import pytest

from omero_rocrate_transfer.model.errors import (
    IncompleteError,
    IntegrityError,
    LinkLostError,
    NotFoundError,
    StoppedError,
)
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.model.results import UnitResult
from omero_rocrate_transfer.transfer.engine import Engine
from omero_rocrate_transfer.transfer.events import Advanced, ContainersCreated, Started, UnitEnded
from omero_rocrate_transfer.transfer.events import Event as RunEvent
from omero_rocrate_transfer.transfer.interrupt import Interrupt, Interrupted
from omero_rocrate_transfer.transfer.plan import Plan
from omero_rocrate_transfer.transfer.ports import UnitReader
from omero_rocrate_transfer.transfer.run import run
from tests.transfer.fakes import FakeSink, FakeSource

FILES = [bytes([number]) * (number * 700) for number in range(1, 21)]
SECOND = ObjectRef("Fileset", 2)


def start(
    source: FakeSource, sink: FakeSink, *, parallel: int = 4, ignore_errors: bool = True
) -> list[RunEvent]:
    plan = Plan(contents=source.read_contents(()))
    return list(run(plan, source, sink, Engine(parallel=parallel), ignore_errors=ignore_errors))


def ended(events: list[RunEvent]) -> list[UnitEnded]:
    return [event for event in events if isinstance(event, UnitEnded)]


def test_moves_every_byte_and_finishes() -> None:
    source, sink = FakeSource(FILES), FakeSink()

    events = start(source, sink)

    assert sink.written == {ObjectRef("Fileset", number): data for number, data in enumerate(FILES, 1)}
    assert sink.calls == ["begin", "finish"]
    assert isinstance(events[0], ContainersCreated)
    assert isinstance(events[1], Started)
    assert sum(event.size_bytes for event in ended(events)) == sum(map(len, FILES))


def test_tells_of_every_byte_that_goes_by() -> None:
    events = start(FakeSource(FILES), FakeSink())

    moved = sum(event.size_bytes for event in events if isinstance(event, Advanced))

    assert moved == sum(map(len, FILES))


def test_contents_without_units_finish_too() -> None:
    sink = FakeSink()

    start(FakeSource([]), sink)

    assert sink.calls == ["begin", "finish"]


@pytest.mark.parametrize(("asked", "allowed", "expected"), [(4, 8, 4), (8, 1, 1), (1, 8, 1)])
def test_works_on_no_more_units_than_both_ends_allow(asked: int, allowed: int, expected: int) -> None:
    sink = FakeSink(max_parallel=allowed)

    start(FakeSource(FILES), sink, parallel=asked)

    assert sink.most_at_work <= expected
    assert len(sink.written) == len(FILES)


def test_failed_item_leaves_the_others_alone() -> None:
    sink = FakeSink(errors={SECOND: NotFoundError("Image:2 is not readable.")})

    results = ended(start(FakeSource(FILES), sink))

    failed = [event for event in results if event.state == "failed"]
    assert [event.unit for event in failed] == [SECOND]
    assert isinstance(failed[0].error, NotFoundError)
    assert len(sink.written) == len(FILES) - 1
    assert sink.calls == ["begin", "finish"]


def test_target_with_failed_items_is_only_completed_on_request() -> None:
    sink = FakeSink(errors={SECOND: IntegrityError("Image:2 is damaged.")})

    with pytest.raises(IncompleteError, match="1 of 20 items failed"):
        start(FakeSource(FILES), sink, ignore_errors=False)

    assert sink.calls == ["begin", "abort"]
    assert len(sink.written) == len(FILES) - 1


@pytest.mark.parametrize("error", [LinkLostError("gone"), StoppedError("disk full"), RuntimeError()])
def test_error_that_no_unit_would_escape_ends_the_run(error: Exception) -> None:
    sink = FakeSink(errors={SECOND: error})

    with pytest.raises(type(error)):
        start(FakeSource(FILES), sink, parallel=1)

    assert sink.calls == ["begin", "abort"]
    assert len(sink.written) == 1


def test_units_that_end_beside_a_fatal_error_are_still_told() -> None:
    """What was created on the target must be known, whatever happened to the others."""
    first_failed = Event()

    class Slow(FakeSink):
        def write_unit(self, reader: UnitReader) -> UnitResult:
            if reader.unit.ref == SECOND:
                first_failed.set()
                raise LinkLostError("gone")
            result = super().write_unit(reader)
            assert first_failed.wait(30)
            return result

    source, sink, told = FakeSource(FILES), Slow(), []

    def follow() -> None:
        for event in run(
            Plan(contents=source.read_contents(())), source, sink, Engine(parallel=3, interrupt=Interrupt())
        ):
            told.append(event)  # noqa: PERF402 - the list is wanted although the run raises

    with pytest.raises(LinkLostError):
        follow()

    assert {event.unit for event in ended(told)} == set(sink.written)
    assert len(sink.written) < len(FILES)


def test_refused_target_is_aborted_not_finished() -> None:
    class Full(FakeSink):
        def begin(self, *_: object) -> list[object]:  # type: ignore[override]
            raise StoppedError("No room.")

    sink = Full()

    with pytest.raises(StoppedError):
        start(FakeSource(FILES), sink)

    assert sink.calls == ["abort"]
    assert sink.written == {}


def test_reader_that_goes_away_aborts_the_run() -> None:
    source, sink = FakeSource(FILES), FakeSink()
    events = run(
        Plan(contents=source.read_contents(())), source, sink, Engine(parallel=1, interrupt=Interrupt())
    )
    next(event for event in events if isinstance(event, UnitEnded))

    events.close()  # type: ignore[attr-defined]

    assert sink.calls == ["begin", "abort"]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_run_between_blocks(signum: int) -> None:
    gate = Event()
    source, sink = FakeSource(FILES), FakeSink(gate=gate)

    with Interrupt() as interrupt:
        events = run(
            Plan(contents=source.read_contents(())), source, sink, Engine(parallel=2, interrupt=interrupt)
        )
        next(event for event in events if isinstance(event, Started))
        os.kill(os.getpid(), signum)
        gate.set()
        with pytest.raises(Interrupted) as caught:
            list(events)

    assert caught.value.signum == signum
    assert sink.calls == ["begin", "abort"]
    assert len(sink.written) < len(FILES)
