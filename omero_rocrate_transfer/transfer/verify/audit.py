"""Verifies: holds things against what they should be, a few at a time, and tells what came of each.

Two kinds of work come through here: the files of one target against the digests it promises (`Audit`), and
two sources against each other (`omero_rocrate_transfer.transfer.verify.compare`).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol, TypeVar

from omero_rocrate_transfer.model.errors import (
    DigestMismatchError,
    LoginError,
    OddItemError,
    StoppedError,
    TransferError,
)
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.transfer.engine import Outcome, Tick
from omero_rocrate_transfer.transfer.events import Compared, Started
from omero_rocrate_transfer.transfer.progress import LeftError, Meter
from omero_rocrate_transfer.transfer.verify.subset import ALL, Subset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from omero_rocrate_transfer.transfer.engine import Engine
    from omero_rocrate_transfer.transfer.events import Event

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


def verify(audit: Audit, engine: Engine, *, quick: bool = False, subset: Subset = ALL) -> Iterator[Event]:
    """Check a target against itself.

    Parameters
    ----------
    quick
        Names, sizes and structure only.
    subset
        Files whose content is read; everything else is always checked.
    """
    with engine.interrupt.at_once():
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
    yield from compare_each(engine, check, items, lambda item: item[1], meter)


def compare_each(
    engine: Engine,
    do: Callable[[T], Iterable[Compared]],
    items: Iterable[T],
    name: Callable[[T], str],
    meter: Meter,
) -> Iterator[Event]:
    """Compare every item; an item that cannot be compared becomes a line of its own.

    Parameters
    ----------
    do
        Compares one item.
    name
        What an item is called if it cannot be compared.

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
        except (LoginError, StoppedError, LeftError):
            raise
        except OddItemError.CAUSES as odd:
            log.exception("%s cannot be compared", name(item))
            error = OddItemError(name(item), odd)
            return [Compared(symbol="!", path=name(item), text=str(error), error=error)]
        except TransferError as error:
            log.info("%s cannot be compared: %s", name(item), error)
            return [Compared(symbol="!", path=name(item), text=str(error), error=error)]

    for event in engine.work(attempt, items, meter):
        if isinstance(event, Outcome):
            yield from event.future.result()
        elif not isinstance(event, Tick):
            yield event
