"""Runs keep to their rate, and begin nothing more once a limit is reached."""

from __future__ import annotations

from threading import Thread

import pytest

from omero_rocrate_transfer.model.errors import StoppedError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.transfer.engine import Engine
from omero_rocrate_transfer.transfer.interrupt import Interrupt
from omero_rocrate_transfer.transfer.plan import Plan
from omero_rocrate_transfer.transfer.progress import Meter
from omero_rocrate_transfer.transfer.rate_limit import Limits, Pace
from omero_rocrate_transfer.transfer.run import run
from tests.transfer.fakes import FakeSink, FakeSource

FILES = [bytes([number]) * 5000 for number in range(20)]


class Clock:
    """Time that goes by when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def move(source: FakeSource, sink: FakeSink, pace: Pace) -> None:
    list(
        run(
            Plan(contents=source.read_contents(())),
            source,
            sink,
            Engine(parallel=1, interrupt=Interrupt(), pace=pace),
        )
    )


def test_without_limits_nobody_waits() -> None:
    pace = Pace()

    assert (pace.take(10**12), pace.spent) == (0.0, "")


def test_bytes_that_came_too_early_are_waited_for() -> None:
    clock = Clock()
    pace = Pace(Limits(rate_bytes_per_s=1000), clock)

    assert pace.take(500) == pytest.approx(0.5)
    assert pace.take(500) == pytest.approx(1.0)
    clock.now += 1.0
    assert pace.take(2000) == pytest.approx(2.0)


def test_time_in_which_nothing_came_is_not_made_up_for() -> None:
    clock = Clock()
    pace = Pace(Limits(rate_bytes_per_s=1000), clock)
    clock.now += 3600

    assert pace.take(1000) == pytest.approx(1.0)


def test_limits_are_named_once_they_are_reached() -> None:
    clock = Clock()
    pace = Pace(Limits(max_duration_s=60, max_transfer_bytes=1000), clock)
    assert pace.spent == ""
    pace.take(1000)
    assert pace.spent == "--max-transfer"
    clock.now += 60
    assert pace.spent == "--max-duration"


def test_who_must_wait_is_woken_when_the_run_ends() -> None:
    meter = Meter("transfer", Pace(Limits(rate_bytes_per_s=1)))
    worker = Thread(target=meter.count, args=(ObjectRef("Fileset", 1), "a.tif", 3600))
    worker.start()

    meter.stop()
    worker.join(timeout=60)

    assert not worker.is_alive()


@pytest.mark.parametrize(
    ("limits", "option"),
    [(Limits(max_transfer_bytes=12_000), "--max-transfer"), (Limits(max_duration_s=0), "--max-duration")],
)
def test_run_ends_with_the_items_at_work_and_says_how_many_are_left(limits: Limits, option: str) -> None:
    source, sink = FakeSource(FILES), FakeSink(max_parallel=1)

    with pytest.raises(StoppedError, match=option) as caught:
        list(
            run(
                Plan(contents=source.read_contents(())),
                source,
                sink,
                Engine(parallel=1, interrupt=Interrupt(), pace=Pace(limits)),
            )
        )

    left = len(FILES) - len(sink.written)
    assert f"{left} items are left" in str(caught.value)
    assert sink.calls == ["begin", "abort"]
    assert all(data in FILES for data in sink.written.values())


def test_limit_that_is_reached_with_the_last_item_stops_nothing() -> None:
    source, sink = FakeSource(FILES), FakeSink()
    pace = Pace(Limits(max_transfer_bytes=sum(map(len, FILES))))

    move(source, sink, pace)

    assert sink.calls == ["begin", "finish"]
