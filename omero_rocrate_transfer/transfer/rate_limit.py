"""How fast a run may go, and when it takes up nothing more: for shared links, and for nights that end."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may use up; None for no limit."""

    rate_bytes_per_s: int | None = None
    #: From the beginning of the command; items at work then still come to their end.
    max_duration_s: float | None = None
    #: Bytes read from the source; items at work then still come to their end.
    max_transfer_bytes: int | None = None


class Pace:
    """Holds a run to its limits; safe in several threads.

    Parameters
    ----------
    clock
        Seconds, only ever growing.
    """

    def __init__(self, limits: Limits | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits or Limits()
        self._clock = clock
        self._lock = threading.Lock()
        self._started = clock()
        #: When all bytes so far would have gone by at the given rate.
        self._due = self._started
        self._moved_bytes = 0

    def take(self, size_bytes: int) -> float:
        """Count bytes that went by; return for how many seconds the next ones must wait."""
        with self._lock:
            self._moved_bytes += size_bytes
            if self._limits.rate_bytes_per_s is None:
                return 0.0
            now = self._clock()
            self._due = max(self._due, now) + size_bytes / self._limits.rate_bytes_per_s
            return self._due - now

    @property
    def spent(self) -> str:
        """The option whose limit is reached, empty while none is."""
        duration_s, transfer_bytes = self._limits.max_duration_s, self._limits.max_transfer_bytes
        if duration_s is not None and self._clock() - self._started >= duration_s:
            return "--max-duration"
        if transfer_bytes is not None and self._moved_bytes >= transfer_bytes:
            return "--max-transfer"
        return ""
