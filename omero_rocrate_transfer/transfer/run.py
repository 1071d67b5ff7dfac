"""The run: every unit of the contents from a source into a sink."""

from __future__ import annotations

import logging
from itertools import chain
from typing import TYPE_CHECKING, Final, Literal

from omero_rocrate_transfer.model.errors import (
    IncompleteError,
    LoginError,
    OddItemError,
    OtherDatabaseError,
    StoppedError,
    TransferError,
    UnsafeCrateError,
)
from omero_rocrate_transfer.transfer.engine import Outcome, Tick, iter_stages
from omero_rocrate_transfer.transfer.events import Advanced, ContainersCreated, Retried, Started, UnitEnded
from omero_rocrate_transfer.transfer.faultpoints import faultpoint
from omero_rocrate_transfer.transfer.interrupt import Interrupted
from omero_rocrate_transfer.transfer.journal.file import NO_JOURNAL, NoJournal
from omero_rocrate_transfer.transfer.journal.state import History, lost_record, read_history
from omero_rocrate_transfer.transfer.journal.writer import Ledger
from omero_rocrate_transfer.transfer.progress import MeteredReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from omero_rocrate_transfer.model.contents import Contents, TransferUnit
    from omero_rocrate_transfer.model.results import UnitResult
    from omero_rocrate_transfer.transfer.engine import Engine
    from omero_rocrate_transfer.transfer.events import Event
    from omero_rocrate_transfer.transfer.plan import Plan, Remaining
    from omero_rocrate_transfer.transfer.ports import Sink, Source, UnitReader
    from omero_rocrate_transfer.transfer.rate_limit import Pace

#: Errors that the next unit would meet too; all others concern one unit.
FATAL: Final = (LoginError, OtherDatabaseError, StoppedError, UnsafeCrateError)

log = logging.getLogger(__name__)


def run(
    plan: Plan,
    source: Source,
    sink: Sink,
    engine: Engine,
    journal: NoJournal = NO_JOURNAL,
    *,
    ignore_errors: bool = True,
) -> Iterator[Event]:
    """Move every unit of a plan, a few at a time; one that fails does not keep the others from their way.

    Whatever ends the run early, ``sink.abort`` is called, also when the reader of the events goes away.

    Parameters
    ----------
    plan
        Its contents are what ``source.read_contents`` returned.
    engine
        Its units at work at the same time are an upper limit; the sink may allow fewer.
    journal
        Tells what earlier processes of this run did, and takes what this one does.
    ignore_errors
        Whether the target is completed without the units that failed.

    Raises
    ------
    IncompleteError
        Units failed and ``ignore_errors`` is False: the target was not completed.
    TransferError
        An error that no further unit would escape; StoppedError where the pace reached a limit.
    Interrupted
        A signal came.
    """
    try:
        history, remaining = _take_up(plan, sink, journal)
        if history.finished is not None and not remaining.left:
            yield from _all_there(history, remaining, plan)
            sink.tidy()
            return
        ledger = Ledger(journal, sink)
        yield from _begin(plan.contents, source, sink, ledger, history)
        yield Started(phase="transfer", size_bytes=sum(unit.size_bytes for unit in remaining.left))
        yield from _skipped(remaining, plan)
        failed, mover = 0, _Mover(source, sink, engine)
        for event in _move(remaining.left, mover, ledger):
            failed += isinstance(event, UnitEnded) and event.state == "failed"
            yield event
        engine.interrupt.check()
        _refuse_failures(0 if ignore_errors else failed, len(plan.contents.units))
        _finish(sink, ledger, failed)
    except BaseException:
        sink.abort()
        raise


def _begin(
    contents: Contents, source: Source, sink: Sink, ledger: Ledger, history: History
) -> Iterator[Event]:
    mappings = tuple(sink.begin(contents, source.read_container_document))
    # a sink that only finds the containers again does not know what they lack
    omissions = tuple(sink.omissions) or history.omissions
    faultpoint("run:begun")
    ledger.note_begun(mappings, omissions)
    yield ContainersCreated(mappings=mappings, omissions=omissions)


def _finish(sink: Sink, ledger: Ledger, failed: int) -> None:
    """Complete the target; a server that takes more at any time is not finished while items have failed."""
    faultpoint("run:before-finish")
    receipt = sink.finish()
    faultpoint("run:finished")
    if failed == 0 or receipt:
        ledger.note_finished(receipt)
    faultpoint("run:noted")
    sink.tidy()


def _take_up(plan: Plan, sink: Sink, journal: NoJournal) -> tuple[History, Remaining]:
    """Find out what is done, and note what is not there any more."""
    history = read_history(journal.records)
    present = sink.take_up(plan.contents, history) if journal.is_resumed else ()
    remaining = plan.remaining(history, present)
    if remaining.lost:
        log.warning("%d item(s) are no longer on the target and are done again", len(remaining.lost))
        journal.append(lost_record(remaining.lost))
    return history, remaining


def _all_there(history: History, remaining: Remaining, plan: Plan) -> Iterator[Event]:
    """Report a run that an earlier process finished."""
    yield ContainersCreated(mappings=history.mappings, omissions=history.omissions)
    yield from _skipped(remaining, plan)


def _skipped(remaining: Remaining, plan: Plan) -> Iterator[Event]:
    units = {unit.ref: unit for unit in plan.contents.units}
    for result in remaining.done:
        yield _done(units[result.unit], result, state="skipped")


def _refuse_failures(failed: int, planned: int) -> None:
    if failed:
        raise IncompleteError(
            f"{failed} of {planned} items failed, so the target was not completed.",
            hint="Run the same command again to retry just these, or leave them out with --ignore-errors.",
        )


class _Mover:
    """Moves single units, again where that may help."""

    def __init__(self, source: Source, sink: Sink, engine: Engine) -> None:
        self.engine = engine.limited(sink.max_parallel)
        self.meter = engine.meter("transfer")
        self._source, self._sink = source, sink

    def move(self, unit: TransferUnit) -> UnitResult:
        with MeteredReader(self._source.open(unit), self.meter) as reader:
            result = self.engine.retry.call(lambda: self._write(reader), unit.ref)
        faultpoint("run:unit-written")
        return result

    def _write(self, reader: UnitReader) -> UnitResult:
        try:
            return self._sink.write_unit(reader)
        except OddItemError.CAUSES as error:
            raise OddItemError(reader.unit.ref, error) from error


def _move(units: Sequence[TransferUnit], mover: _Mover, ledger: Ledger) -> Iterator[Event]:
    """Yield the progress and the end of every unit."""
    meter = mover.meter
    fatal: BaseException | None = None
    ended = 0
    try:
        stages = (mover.engine.work(mover.move, stage, meter) for stage in iter_stages(units))
        for item in chain.from_iterable(stages):
            if isinstance(item, Advanced | Retried):
                yield item
            elif isinstance(item, Tick):
                yield from ledger.iter_due()
            elif _is_fatal(item.future.exception()):
                fatal = fatal or item.future.exception()
                meter.stop()
            else:
                _note(ledger, item)
                ended += 1
    except Interrupted:
        yield from ledger.iter_ended()
        raise
    yield from ledger.iter_ended()
    if fatal is not None:
        raise fatal
    _refuse_rest(meter.pace, len(units) - ended)


def _refuse_rest(pace: Pace, left: int) -> None:
    if left:
        items = "1 item is" if left == 1 else f"{left:,} items are"
        raise StoppedError(
            f"Stopped by {pace.spent}; {items} left.", hint="Run the same command again to go on."
        )


def _note(ledger: Ledger, outcome: Outcome[TransferUnit, UnitResult]) -> None:
    """Note the end of a unit, good or bad."""
    unit, error = outcome.item, outcome.future.exception()
    if isinstance(error, TransferError):
        log.error("%s: failed", unit.ref, exc_info=error)
        event = UnitEnded(
            unit=unit.ref,
            state="failed",
            size_bytes=0,
            images=len(unit.images),
            files=len(unit.files),
            error=error,
        )
        ledger.note_failed(event, unit.ref, error)
        return
    result = outcome.future.result()
    log.info("%s: done, %d bytes", unit.ref, result.size_bytes)
    ledger.note_done(_done(unit, result, state="done"), result)


def _done(unit: TransferUnit, result: UnitResult, *, state: Literal["done", "skipped"]) -> UnitEnded:
    return UnitEnded(
        unit=unit.ref,
        state=state,
        size_bytes=result.size_bytes,
        images=len(unit.images),
        files=len(unit.files),
        files_verified=result.files_verified,
        planes_verified=result.planes_verified,
        omissions=result.omissions,
        mappings=result.mappings,
    )


def _is_fatal(error: BaseException | None) -> bool:
    """Tell whether no other unit would escape this error; a bug is one of these."""
    return error is not None and (not isinstance(error, TransferError) or isinstance(error, FATAL))
