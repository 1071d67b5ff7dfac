"""Keeps the journal of a run while it goes on: an item counts as done once that is durable."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.transfer.journal.state import (
    begun_record,
    failed_record,
    finished_record,
    unit_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from omero_rocrate_transfer.model.contents import Omission
    from omero_rocrate_transfer.model.errors import TransferError
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.model.results import Mapping, UnitResult
    from omero_rocrate_transfer.transfer.events import UnitEnded
    from omero_rocrate_transfer.transfer.journal.file import NoJournal
    from omero_rocrate_transfer.transfer.ports import Sink

#: Least time between two commits: many small items share one, so that disks are not kept busy with it.
COMMIT_EVERY_S: Final = 0.5


class Ledger:
    """Notes what ends, and lets it be told once the note is durable.

    Parameters
    ----------
    journal
        Where it is noted.
    sink
        Made durable before each note.
    clock
        Seconds, only ever growing.
    """

    def __init__(self, journal: NoJournal, sink: Sink, clock: Callable[[], float] = time.monotonic) -> None:
        self._journal = journal
        self._sink = sink
        self._clock = clock
        self._committed = clock()
        self._ended: list[UnitEnded] = []

    def note_begun(self, mappings: Sequence[Mapping], omissions: Sequence[Omission] = ()) -> None:
        """Note, at once, the containers on the target, and what of them could not be taken."""
        self._journal.append(begun_record(mappings, omissions))
        self._journal.commit()

    def note_done(self, event: UnitEnded, result: UnitResult) -> None:
        """Note a unit that is done."""
        self._journal.append(unit_record(result))
        self._ended.append(event)

    def note_failed(self, event: UnitEnded, unit: ObjectRef, error: TransferError) -> None:
        """Note a unit that failed."""
        self._journal.append(failed_record(unit, error))
        self._ended.append(event)

    def note_finished(self, receipt: dict[str, Any]) -> None:
        """Note, at once, that the target is complete."""
        self._journal.append(finished_record(receipt))
        self._journal.commit()

    def iter_due(self) -> Iterator[UnitEnded]:
        """Yield what ended, if it is time to make it durable."""
        if self._ended and self._clock() - self._committed >= COMMIT_EVERY_S:
            yield from self.iter_ended()

    def iter_ended(self) -> Iterator[UnitEnded]:
        """Make all that ended durable, then yield it."""
        if self._ended:
            self._sink.sync()
            self._journal.commit()
        self._committed = self._clock()
        ended, self._ended = self._ended, []
        yield from ended
