"""Verifies: holds things against what they should be, a few at a time, and tells what came of each.

Two kinds of work come through here: the files of one target against the digests it promises (`Audit`), and
two sources against each other (`omero_rocrate_transfer.transfer.verify.compare`).
"""

from __future__ import annotations

import logging
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Protocol, TypeVar

from omero_rocrate_transfer.model.errors import (
    DigestMismatchError,
    LoginError,
    StoppedError,
    TransferError,
)
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.transfer.events import Compared, Started
from omero_rocrate_transfer.transfer.pool import TICK_S
from omero_rocrate_transfer.transfer.progress import Meter
from omero_rocrate_transfer.transfer.verify.subset import ALL, Subset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from omero_rocrate_transfer.transfer.events import Event
    from omero_rocrate_transfer.transfer.interrupt import Interrupt

T = TypeVar("T")

log = logging.getLogger(__name__)


class Audit(Protocol):
    """Something complete that says of itself what must be in it."""

    def inspect(self) -> Iterator[Compared]:
        """Compare names, sizes, structure and metadata; yield what differs.

        Raises
        ------
        TransferError
            It cannot be opened.
        """
        ...

    def list_files(self) -> list[tuple[str, int]]:
        """Return name and size in bytes of the files whose content can be checked, after `inspect`."""
        ...

    def iter_blocks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file.

        Raises
        ------
        DigestMismatchError
            After the last block, where they are not what was promised.
        IntegrityError
            They cannot be read.
        """
        ...

    def check_content(self, name: str) -> None:
        """Check what the file says, once its bytes are known to be right.

        Raises
        ------
        TransferError
            It cannot be understood.
        """
        ...


def verify(
    audit: Audit, *, parallel: int, interrupt: Interrupt, quick: bool = False, subset: Subset = ALL
) -> Iterator[Event]:
    """Check a target against itself.

    Parameters
    ----------
    quick
        Names, sizes and structure only.
    subset
        Files whose content is read; everything else is always checked.
    """
    with interrupt.at_once():
        found = list(audit.inspect())
    yield from found
    if quick:
        yield from (Compared(symbol="=", path=name) for name, _ in audit.list_files())
        return
    meter = Meter("verify")
    files = [(name, size) for name, size in audit.list_files() if name in subset]
    yield Started(phase="verify", size_bytes=sum(size for _, size in files))

    def check(item: tuple[ObjectRef, str]) -> list[Compared]:
        number, name = item
        try:
            for block in audit.iter_blocks(name):
                meter.count(number, name, len(block))
            audit.check_content(name)
        except DigestMismatchError as error:
            return [Compared(symbol="*", path=name, text=error.message.removeprefix(f"{name}: "))]
        return [Compared(symbol="=", path=name)]

    items = ((ObjectRef("File", number), name) for number, (name, _) in enumerate(files, 1))
    yield from each(check, items, lambda item: item[1], parallel=parallel, meter=meter, interrupt=interrupt)


def each(
    do: Callable[[T], Iterable[Compared]],
    items: Iterable[T],
    name: Callable[[T], str],
    *,
    parallel: int,
    meter: Meter,
    interrupt: Interrupt,
) -> Iterator[Event]:
    """Call ``do`` for every item in ``parallel`` threads; what it raises becomes a line of its own.

    Parameters
    ----------
    name
        What an item is called where it cannot be compared.

    Raises
    ------
    LoginError, StoppedError
        No other item would escape it.
    Interrupted
        A signal came.
    """

    def attempt(item: T) -> list[Compared]:
        try:
            return list(do(item))
        except (LoginError, StoppedError):
            raise
        except TransferError as error:
            log.info("%s cannot be compared: %s", name(item), error)
            return [Compared(symbol="!", path=name(item), text=str(error), error=error)]

    waiting = takewhile(lambda _: not meter.is_stopping, items)
    executor = ThreadPoolExecutor(parallel, thread_name_prefix="verify")
    try:
        running = {executor.submit(attempt, item) for item in islice(waiting, parallel)}
        while running:
            ended, running = wait(running, timeout=TICK_S, return_when=FIRST_COMPLETED)
            interrupt.check()
            yield from meter.drain()
            for future in ended:
                yield from future.result()
            running |= {executor.submit(attempt, item) for item in islice(waiting, len(ended))}
    finally:
        meter.stop()
        executor.shutdown(wait=True, cancel_futures=True)
