"""The engine of a command: how many items are at work at once, how often each is tried, how fast it goes."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from omero_rocrate_transfer.transfer.interrupt import Interrupt
from omero_rocrate_transfer.transfer.progress import LeftError, Meter
from omero_rocrate_transfer.transfer.rate_limit import Pace
from omero_rocrate_transfer.transfer.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from omero_rocrate_transfer.model.contents import TransferUnit
    from omero_rocrate_transfer.transfer.events import Advanced, Phase, Retried

#: How often the progress is told and signals are looked for.
TICK_S: Final = 0.25

R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tick:
    """A moment went by; what waited for its time may be done."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T, R]):
    """An item that was worked on, and its result or exception."""

    item: T
    future: Future[R]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Works on many items, a few at a time, until all are done, a limit is reached or a signal comes."""

    #: Items at work at the same time.
    parallel: int = 1
    interrupt: Interrupt = field(default_factory=Interrupt)
    #: When something that failed is tried again.
    retry: Retry = field(default_factory=Retry)
    #: How fast it goes, and when no more items are taken up.
    pace: Pace = field(default_factory=Pace)

    def limited(self, most: int) -> Engine:
        """Return an engine that works on at most so many items at once."""
        return replace(self, parallel=max(1, min(self.parallel, most)))

    def meter(self, phase: Phase) -> Meter:
        """Return the meter of one phase, which counts against the pace; retries are reported to it."""
        meter = Meter(phase, self.pace)
        self.retry.stopping, self.retry.tell = meter.stopping, meter.tell_retry
        return meter

    def work(
        self, do: Callable[[T], R], items: Iterable[T], meter: Meter
    ) -> Iterator[Advanced | Retried | Tick | Outcome[T, R]]:
        """Call ``do`` for every item in `parallel` threads and yield what happens meanwhile.

        An item is only taken up when a thread is free, so what is held is bounded by `parallel`, not by the
        items. After a signal, or once ``meter`` is stopped, no item is taken up, those at work are left at
        their next block, and those that came to their end all the same are still reported. Once a limit of
        the pace is reached, no item is taken up, and those at work come to their end. However this ends, the
        threads are waited for.

        Raises
        ------
        Interrupted
            A signal came.
        """
        executor = ThreadPoolExecutor(self.parallel, thread_name_prefix="transfer")
        try:
            waiting = takewhile(lambda _: meter.takes_more, items)
            running = {executor.submit(do, item): item for item in islice(waiting, self.parallel)}
            while running:
                ended, _ = wait(running, timeout=TICK_S, return_when=FIRST_COMPLETED)
                if self.interrupt.is_noted:
                    meter.stop()
                yield from meter.drain()
                for future in ended:
                    item = running.pop(future)
                    if not isinstance(future.exception(), LeftError):
                        yield Outcome(item, future)
                yield Tick()
                running |= {executor.submit(do, item): item for item in islice(waiting, len(ended))}
        except BaseException:
            meter.stop()
            raise
        finally:
            if self.interrupt.is_noted:
                meter.stop()
            executor.shutdown(wait=True, cancel_futures=True)
        self.interrupt.check()


def iter_stages(units: Iterable[TransferUnit]) -> Iterator[list[TransferUnit]]:
    """Yield first the units with images, then the attachments: these refer to objects of other units."""
    known = list(units)
    yield [unit for unit in known if unit.images]
    yield [unit for unit in known if not unit.images]
