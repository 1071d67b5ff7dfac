"""One function over many transfer units, a few at a time."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from omero_rocrate_transfer.model.contents import TransferUnit
    from omero_rocrate_transfer.transfer.events import Advanced
    from omero_rocrate_transfer.transfer.interrupt import Interrupt
    from omero_rocrate_transfer.transfer.meter import Meter

#: How often the progress is told and signals are looked for.
TICK_S: Final = 0.25

T = TypeVar("T")


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
) -> Iterator[Advanced | Outcome[T]]:
    """Call ``do`` for every unit in ``parallel`` threads and yield what happens meanwhile.

    A unit is only taken up when a thread is free, so what is held is bounded by ``parallel``, not by the
    units. However this ends (also when its reader just leaves it), the threads are stopped and waited for.

    Raises
    ------
    Interrupted
        A signal came.
    """
    waiting = iter(units)
    executor = ThreadPoolExecutor(parallel, thread_name_prefix="transfer")
    try:
        running = {executor.submit(do, unit): unit for unit in islice(waiting, parallel)}
        while running:
            ended, _ = wait(running, timeout=TICK_S, return_when=FIRST_COMPLETED)
            interrupt.check()
            yield from meter.drain()
            for future in ended:
                yield Outcome(running.pop(future), future)
            running |= {executor.submit(do, unit): unit for unit in islice(waiting, len(ended))}
    finally:
        meter.stop()
        executor.shutdown(wait=True, cancel_futures=True)
