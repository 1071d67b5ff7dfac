"""The run: every unit of the contents from a source into a sink."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.model.errors import (
    IncompleteError,
    LoginError,
    StoppedError,
    TransferError,
    UnsafeCrateError,
)
from omero_rocrate_transfer.transfer.events import ContainersCreated, Started, UnitEnded
from omero_rocrate_transfer.transfer.meter import Meter, MeteredSource
from omero_rocrate_transfer.transfer.pool import Outcome, work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omero_rocrate_transfer.model.contents import Contents, TransferUnit
    from omero_rocrate_transfer.model.results import UnitResult
    from omero_rocrate_transfer.transfer.events import Event
    from omero_rocrate_transfer.transfer.interrupt import Interrupt
    from omero_rocrate_transfer.transfer.ports import Sink, Source

#: Errors that the next unit would meet too; all others concern one unit.
FATAL: Final = (LoginError, StoppedError, UnsafeCrateError)

log = logging.getLogger(__name__)


def run(
    contents: Contents,
    source: Source,
    sink: Sink,
    *,
    parallel: int,
    interrupt: Interrupt,
    ignore_errors: bool = True,
) -> Iterator[Event]:
    """Move every unit, a few at a time; a failed unit does not keep the others from their way.

    Parameters
    ----------
    contents
        What ``source.read_contents`` returned.
    parallel
        Most units at work at the same time; the sink may allow fewer.
    ignore_errors
        Whether the target is completed without the units that failed.

    Raises
    ------
    IncompleteError
        Units failed and ``ignore_errors`` is False: the target was not completed.
    TransferError
        An error that no further unit would escape.
    Interrupted
        A signal came.

    Notes
    -----
    Whatever ends the run early, ``sink.abort`` is called, also when the reader of the events goes away.
    """
    try:
        yield ContainersCreated(mappings=tuple(sink.begin(contents, source.read_container_document)))
        yield Started(phase="transfer", size_bytes=contents.size_bytes)
        failed = 0
        for event in _move(contents, source, sink, parallel=parallel, interrupt=interrupt):
            failed += isinstance(event, UnitEnded) and event.state == "failed"
            yield event
        interrupt.check()
        if not ignore_errors:
            _refuse_failures(failed, len(contents.units))
        sink.finish()
    except BaseException:
        sink.abort()
        raise


def _refuse_failures(failed: int, planned: int) -> None:
    if failed:
        raise IncompleteError(
            f"{failed} of {planned} items failed, so the target was not completed.",
            hint="Mend what is named above, or leave it out with --ignore-errors.",
        )


def _move(
    contents: Contents, source: Source, sink: Sink, *, parallel: int, interrupt: Interrupt
) -> Iterator[Event]:
    """Yield the progress and the end of every unit."""
    meter = Meter("transfer")
    metered = MeteredSource(source, meter)

    def write(unit: TransferUnit) -> UnitResult:
        return sink.write_unit(unit, metered)

    workers = max(1, min(parallel, sink.max_parallel))
    fatal: BaseException | None = None
    for item in work(write, contents.units, parallel=workers, meter=meter, interrupt=interrupt):
        if not isinstance(item, Outcome):
            yield item
        elif _is_fatal(item.future.exception()):
            fatal = fatal or item.future.exception()
            meter.stop()
        else:
            yield _unit_ended(item)
    if fatal is not None:
        raise fatal


def _is_fatal(error: BaseException | None) -> bool:
    """Tell whether no other unit would escape this error; a bug is one of these."""
    return error is not None and (not isinstance(error, TransferError) or isinstance(error, FATAL))


def _unit_ended(outcome: Outcome[UnitResult]) -> UnitEnded:
    """Return the end of a unit, good or bad."""
    unit, error = outcome.unit, outcome.future.exception()
    if not isinstance(error, TransferError):
        result = outcome.future.result()
        log.info("%s: done, %d bytes", unit.ref, result.size_bytes)
        return UnitEnded(
            unit=unit.ref,
            state="done",
            size_bytes=result.size_bytes,
            images=len(unit.images),
            files=len(unit.files),
            files_verified=result.files_verified,
            planes_verified=result.planes_verified,
            omissions=result.omissions,
            mappings=result.mappings,
        )
    log.error("%s: failed", unit.ref, exc_info=error)
    return UnitEnded(
        unit=unit.ref,
        state="failed",
        size_bytes=0,
        images=len(unit.images),
        files=len(unit.files),
        error=error,
    )
