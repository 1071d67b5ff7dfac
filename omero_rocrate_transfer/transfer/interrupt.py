"""Signals: the first asks the run to end cleanly, the second ends the process at once."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

#: The last is what a terminal sends that is closed.
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """The user, or the system, asked this process to end.

    A `KeyboardInterrupt`, so that no handler for ordinary errors takes it.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.signum = signum


class Interrupt:
    """Takes `SIGNALS` while its ``with`` block runs; outside the main thread it does nothing.

    The first signal is only noted: `check` raises it where the work can be left. Inside `at_once` it is
    raised wherever the program is, which is right while nothing is being written.
    """

    def __init__(self) -> None:
        self._noted: int | None = None
        self._at_once = False
        self._previous: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = {
                signum: signal.signal(signum, self._take)
                for signum in SIGNALS
                # nohup asks that the end of the terminal is ignored
                if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN
            }
        return self

    def __exit__(self, *_: object) -> None:
        for signum, handler in self._previous.items():
            signal.signal(signum, handler)  # type: ignore[arg-type]  # it came from signal.signal

    def _take(self, signum: int, _frame: FrameType | None) -> None:
        if self._noted is not None:
            # Asked twice: whatever blocks, end now, with the status that shells expect of this signal.
            signal.signal(signum, signal.SIG_DFL)
            os.kill(os.getpid(), signum)
        self._noted = signum
        if self._at_once:
            raise Interrupted(signum)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Raise the first signal wherever the block is.

        Raises
        ------
        Interrupted
        """
        self.check()
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

    @property
    def is_noted(self) -> bool:
        """Whether a signal came."""
        return self._noted is not None

    def check(self) -> None:
        """Raise `Interrupted` if a signal came.

        Raises
        ------
        Interrupted
        """
        if self._noted is not None:
            raise Interrupted(self._noted)
