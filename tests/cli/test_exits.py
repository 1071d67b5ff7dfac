"""Every way to end becomes one last event with one exit code."""

from __future__ import annotations

import errno
import signal
from collections.abc import Iterator

import pytest

from omero_rocrate_transfer.cli.output.text import iter_summary_lines
from omero_rocrate_transfer.cli.process.exit_codes import conclude
from omero_rocrate_transfer.model import errors
from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.transfer.events import Event, Finished, Planned, UnitEnded
from omero_rocrate_transfer.transfer.interrupt import Interrupted
from tests.transfer.fakes import FakeSource

UNIT = ObjectRef("Fileset", 1)


def failed(error: errors.TransferError) -> UnitEnded:
    return UnitEnded(unit=UNIT, state="failed", size_bytes=0, images=1, files=1, error=error)


def done(*omissions: Omission) -> UnitEnded:
    return UnitEnded(unit=UNIT, state="done", size_bytes=5, images=1, files=1, omissions=omissions)


def last_of(*events: Event, error: BaseException | None = None) -> Finished:
    def produce() -> Iterator[Event]:
        yield from events
        if error is not None:
            raise error

    *passed, last = conclude(produce(), clock=iter([10.0, 12.5]).__next__)
    assert passed == list(events)
    assert isinstance(last, Finished)
    return last


def test_all_done_is_zero() -> None:
    last = last_of(done())

    assert (last.exit_code, last.done, last.size_bytes, last.seconds) == (0, 1, 5, 2.5)
    assert last.error is None


def test_omission_changes_the_exit_code() -> None:
    assert last_of(done(Omission(type="Roi", count=1, reason="not carried yet"))).exit_code == 3


def test_omission_in_the_plan_changes_the_exit_code_of_a_dry_run() -> None:
    source = FakeSource([b"x"], omissions=[Omission(type="Roi", count=1, reason="not carried yet")])

    last = last_of(Planned(contents=source.read_contents(()), dry_run=True))

    assert (last.exit_code, last.dry_run) == (3, True)


@pytest.mark.parametrize(
    ("item_error", "code"),
    [(errors.NotFoundError("x"), 3), (errors.RefusedError("x"), 3), (errors.IntegrityError("x"), 4)],
)
def test_failed_item_decides_the_exit_code(item_error: errors.TransferError, code: int) -> None:
    assert last_of(done(), failed(item_error)).exit_code == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("x"), 2),
        (errors.IncompleteError("x"), 3),
        (errors.IntegrityError("x"), 4),
        (errors.NotFoundError("x"), 5),
        (errors.LoginError("x"), 6),
        (errors.LinkLostError("x"), 6),
        (errors.RefusedError("x"), 7),
        (errors.UnsafeCrateError("x"), 8),
        (errors.StoppedError("x"), 9),
        (Interrupted(signal.SIGINT), 130),
        (Interrupted(signal.SIGTERM), 143),
        (KeyboardInterrupt(), 130),
        (OSError(errno.ENOSPC, "No space left on device", "/crate/x"), 9),
        (OSError(errno.EIO, "Input/output error"), 1),
        (ZeroDivisionError("division by zero"), 1),
    ],
)
def test_error_decides_the_exit_code(error: BaseException, code: int) -> None:
    last = last_of(error=error)

    assert last.exit_code == code
    assert last.error is not None


@pytest.mark.parametrize(
    ("item_error", "error", "code"),
    [
        (errors.IntegrityError("x"), errors.IncompleteError("x"), 4),
        (errors.IntegrityError("x"), errors.StoppedError("x"), 9),
        (errors.IntegrityError("x"), errors.LinkLostError("x"), 6),
        (errors.IntegrityError("x"), ZeroDivisionError(), 1),
        (errors.IntegrityError("x"), Interrupted(signal.SIGINT), 130),
    ],
)
def test_the_worst_of_several_decides(
    item_error: errors.TransferError, error: BaseException, code: int
) -> None:
    assert last_of(failed(item_error), error=error).exit_code == code


def test_unexpected_error_is_one_line_and_asks_for_a_report() -> None:
    last = last_of(error=ValueError("two\nlines"))

    assert str(last.error) == (
        "Unexpected ValueError: two lines. This is a bug; please report it with the log."
    )


@pytest.mark.parametrize(("signum", "by"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
@pytest.mark.parametrize(("goes_on", "hint"), [(True, "to go on."), (False, "to begin anew.")])
def test_stopped_command_says_once_by_whom_and_what_to_do(
    signum: signal.Signals, by: str, *, goes_on: bool, hint: str
) -> None:
    def produce() -> Iterator[Event]:
        yield done()
        raise Interrupted(signum)

    *_, last = conclude(produce(), goes_on=goes_on)

    assert isinstance(last, Finished)
    assert last.error is not None
    assert last.error.error_id in {"interrupted", "terminated"}
    [line] = [line for line in iter_summary_lines(last, "Packed") if line.startswith("Stopped")]
    assert line.startswith(f"Stopped  {by} ended the ")
    assert line.endswith(f"Run the same command again {hint}")
    assert line.lower().count("stopped") == 1
