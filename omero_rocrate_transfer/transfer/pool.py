"""One function over many transfer units, a few at a time."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from omero_rocrate_transfer.transfer.progress import LeftError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from omero_rocrate_transfer.model.contents import TransferUnit
    from omero_rocrate_transfer.transfer.events import Advanced, Retried
    from omero_rocrate_transfer.transfer.interrupt import Interrupt
    from omero_rocrate_transfer.transfer.progress import Meter

#: How often the progress is told and signals are looked for.
TICK_S: Final = 0.25

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tick:
    """A moment went by; what waited for its time may be done."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """A unit that was worked on, and what came of it: a result or an exception."""

    unit: TransferUnit
    future: Future[T]


def work(
    do: Callable[[TransferUnit], T],
    units: Iterable[TransferUnit],
    *,
    parallel: int,
    meter: Meter,
    interrupt: Interrupt,
) -> Iterator[Advanced | Retried | Tick | Outcome[T]]:
    """Call ``do`` for every unit in ``parallel`` threads and yield what happens meanwhile.

    Units without images are attachments, which refer to what is in other units: they come when all of those
    have ended.

    A unit is only taken up when a thread is free, so what is held is bounded by ``parallel``, not by the
    units. After a signal, or once ``meter`` is stopped, no unit is taken up, those at work are left at their
    next block, and those that came to their end all the same are still told. Once a limit of its pace is
    reached, no unit is taken up, and those at work come to their end. However this ends, the threads are
    waited for.

    Raises
    ------
    Interrupted
        A signal came.
    """
    executor = ThreadPoolExecutor(parallel, thread_name_prefix="transfer")
    try:
        for stage in _stages(units):
            waiting = takewhile(lambda _: meter.takes_more, stage)
            running = {executor.submit(do, unit): unit for unit in islice(waiting, parallel)}
            while running:
                ended, _ = wait(running, timeout=TICK_S, return_when=FIRST_COMPLETED)
                if interrupt.is_noted:
                    meter.stop()
                yield from meter.drain()
                for future in ended:
                    unit = running.pop(future)
                    if not isinstance(future.exception(), LeftError):
                        yield Outcome(unit, future)
                yield Tick()
                running |= {executor.submit(do, unit): unit for unit in islice(waiting, len(ended))}
    finally:
        meter.stop()
        executor.shutdown(wait=True, cancel_futures=True)
    interrupt.check()


def _stages(units: Iterable[TransferUnit]) -> tuple[list[TransferUnit], list[TransferUnit]]:
    known = list(units)
    return [unit for unit in known if unit.images], [unit for unit in known if not unit.images]
