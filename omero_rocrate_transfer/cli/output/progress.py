"""How fast a phase goes, how long it will take, and when to say so again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omero_rocrate_transfer.transfer.events import Started
from omero_rocrate_transfer.transfer.summary import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from omero_rocrate_transfer.transfer.events import Event


class Speed:
    """The tally of a run with a clock.

    Parameters
    ----------
    clock
        Seconds, only ever growing.
    every_s
        Least seconds between two times that `is_due` says yes.
    """

    def __init__(self, clock: Callable[[], float], *, every_s: float) -> None:
        self.tally = Tally()
        self._clock = clock
        self._every_s = every_s
        self._started = self._said = clock()

    def take(self, event: Event) -> None:
        """Add one event."""
        self.tally.take(event)
        if isinstance(event, Started):
            self._started = self._said = self._clock()

    @property
    def rate_bytes_per_s(self) -> float:
        """Mean rate since the phase began."""
        return self.tally.done_bytes / max(self._clock() - self._started, 0.001)

    @property
    def eta_s(self) -> float | None:
        """Seconds until the end of the phase at this rate; None before the first byte."""
        rate = self.rate_bytes_per_s
        return (self.tally.size_bytes - self.tally.done_bytes) / rate if rate > 0 else None

    def is_due(self) -> bool:
        """Tell whether it is time to say something, and take it as said."""
        now = self._clock()
        if now - self._said < self._every_s:
            return False
        self._said = now
        return True
