"""Tries again what may succeed a little later; the only place where the program waits for time to pass."""

from __future__ import annotations

import logging
import random
import threading
from typing import TYPE_CHECKING, Final, TypeVar

from omero_rocrate_transfer.model.errors import IntegrityError, TransferError

if TYPE_CHECKING:
    from collections.abc import Callable

    from omero_rocrate_transfer.model.refs import ObjectRef

T = TypeVar("T")

#: Attempts after the first, unless told otherwise.
RETRIES: Final = 10
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 60.0

log = logging.getLogger(__name__)


class Retry:
    """When, and how often, to try again.

    Parameters
    ----------
    retries
        Attempts after the first, for each item; what makes progress gets them anew.
    is_transient
        Tells whether an error may pass by itself.
    recover
        Brings the connections back before the next attempt; may fail like any attempt.
    chance
        Returns a number from 0 to 1, so that many clients do not come back at the same moment.
    """

    def __init__(
        self,
        retries: int = 0,
        *,
        is_transient: Callable[[BaseException], bool] = lambda _: False,
        recover: Callable[[], None] = lambda: None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.retries = retries
        self.is_transient = is_transient
        self.recover = recover
        self._chance = chance
        #: Set when the run is ending: then nobody waits any more.
        self.stopping = threading.Event()
        #: Called with unit, attempt, seconds and error before every wait.
        self.tell: Callable[[ObjectRef | None, int, float, TransferError], None] = lambda *_: None

    def call(self, do: Callable[[], T], unit: ObjectRef | None = None) -> T:
        """Return what ``do`` returns, at the first attempt that succeeds.

        Data that differ are tried once more: they may have been damaged on the way.

        Raises
        ------
        TransferError
            The error of the last attempt, or the first one that is permanent.
        """
        attempts = Attempts(self, unit)
        has_doubt = True
        while True:
            try:
                return do()
            except TransferError as error:
                differs = isinstance(error, IntegrityError)
                attempts.failed(error, may_pass=differs and has_doubt)
                has_doubt = has_doubt and not differs

    def wait(self, attempt: int) -> float:
        """Return how long to wait before an attempt, counted from 1: exponential with full jitter."""
        return self._chance() * min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** (attempt - 1))

    def pause(self, seconds: float) -> bool:
        """Wait; tell whether the time went by before the run was ending."""
        return not self.stopping.wait(seconds)


class Attempts:
    """The attempts at one thing.

    Parameters
    ----------
    unit
        What it is done for, to be told.
    """

    def __init__(self, retry: Retry, unit: ObjectRef | None = None) -> None:
        self._retry = retry
        self._unit = unit
        self._failed = 0

    def progressed(self) -> None:
        """Start counting anew."""
        self._failed = 0

    def failed(self, error: TransferError, *, may_pass: bool = False) -> None:
        """Return when it is time for the next attempt, with the connections back.

        Parameters
        ----------
        may_pass
            Whether the error may pass by itself although it is none of those that are transient.

        Raises
        ------
        TransferError
            The error, where it is permanent or there were enough attempts.
        """
        while True:
            self._failed += 1
            if error.was_retried or not (may_pass or self._retry.is_transient(error)):
                raise error
            if self._failed > self._retry.retries:
                # whoever tries something larger again must not multiply the attempts
                error.was_retried = self._retry.retries > 0
                raise error
            seconds = self._retry.wait(self._failed)
            log.warning("attempt %d failed, again in %.1f s: %s", self._failed, seconds, error)
            self._retry.tell(self._unit, self._failed, seconds, error)
            if not self._retry.pause(seconds):
                raise error
            try:
                self._retry.recover()
            except TransferError as lost:
                error, may_pass = lost, False
            else:
                return
