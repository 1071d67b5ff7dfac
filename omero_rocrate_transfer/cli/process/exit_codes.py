"""How a command ends: every exception becomes one last event with one exit code."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, ClassVar, Final

from omero_rocrate_transfer.model.errors import IncompleteError, StoppedError, TransferError
from omero_rocrate_transfer.transfer.disk import NO_ROOM
from omero_rocrate_transfer.transfer.summary import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from omero_rocrate_transfer.transfer.events import Event, Finished

#: What a shell reports for a process that SIGINT ended; SIGTERM is 143.
SIGNAL_BASE: Final = 128
#: Hints for commands that were stopped: of runs, which go on, and of those that only read.
_GOES_ON: Final = "Run the same command again to go on."
_BEGINS_ANEW: Final = "Run the same command again to begin anew."
#: Where several apply, the first of these is the exit code. Those that are not here end a command on their
#: own: a signal, and what is found before any work began.
ORDER: Final = (1, 8, 6, 9, 4, 3)

log = logging.getLogger(__name__)


class InterruptedRunError(TransferError):
    """Ctrl-C, or somebody asked the process to end."""

    exit_code: ClassVar[int] = SIGNAL_BASE + 2
    error_id = "interrupted"


class TerminatedRunError(InterruptedRunError):
    """The system asked the process to end."""

    exit_code = SIGNAL_BASE + 15
    error_id = "terminated"


def conclude(
    events: Iterator[Event], clock: Callable[[], float] = time.monotonic, *, goes_on: bool = True
) -> Iterator[Event]:
    """Pass the events on and add the last one, whatever happens.

    This is the boundary of a command: nothing but the reader's own leaving gets past it.

    Parameters
    ----------
    goes_on
        Whether the same command goes on where it was stopped; otherwise it begins anew.
    """
    tally, started = Tally(), clock()
    error: TransferError | None = None
    try:
        for event in events:
            tally.take(event)
            yield event
    except KeyboardInterrupt as interrupt:
        error = _interrupted(interrupt, goes_on=goes_on)
    except TransferError as caught:
        log.exception("%s", caught.error_id)
        error = caught
    except OSError as caught:
        log.exception("system error")
        error = _system_error(caught)
    except Exception as caught:
        log.exception("unexpected error")
        error = _unexpected(caught)
    yield _finished(tally, clock() - started, error)


def _finished(tally: Tally, seconds: float, error: TransferError | None) -> Finished:
    """Return the last event, with the exit code of the worst that happened."""
    codes = set(tally.error_codes)
    if codes or any(not omission.on_request for omission in tally.omissions):
        codes.add(IncompleteError.exit_code)
    if error is not None:
        if error.exit_code not in ORDER:
            return tally.finished(exit_code=error.exit_code, seconds=seconds, error=error)
        codes.add(error.exit_code)
    worst = next((code for code in ORDER if code in codes), 0)
    return tally.finished(exit_code=worst, seconds=seconds, error=error)


def _interrupted(interrupt: KeyboardInterrupt, *, goes_on: bool) -> TransferError:
    terminated = getattr(interrupt, "signum", None) == TerminatedRunError.exit_code - SIGNAL_BASE
    kind = TerminatedRunError if terminated else InterruptedRunError
    by = "SIGTERM" if terminated else "Ctrl-C"
    if goes_on:
        return kind(f"{by} ended the run; nothing half-written counts as complete.", hint=_GOES_ON)
    return kind(f"{by} ended the command before it was done.", hint=_BEGINS_ANEW)


def _system_error(error: OSError) -> TransferError:
    if error.errno in NO_ROOM:
        where = f" ({error.filename})" if error.filename else ""
        return StoppedError(
            f"No more room to write{where}: {error.strerror}.",
            hint="Make room, then run the same command again.",
        )
    return _unexpected(error)


def _unexpected(error: Exception) -> TransferError:
    text = " ".join(str(error).split())[:300]
    return TransferError(
        f"Unexpected {type(error).__name__}: {text or 'no message'}.",
        hint="This is a bug; please report it with the log.",
    )
