"""One call at a time in a stateful service, as OMERO's Hibernate sessions want it.

A second call while another is under way is refused, and the transaction that both were in is lost
(omero-server's ome.tools.hibernate.SessionHandler): every later call but ``close`` fails. The stores that a
repository opens hang instead, both calls and all later ones, until the client gives up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import omero
import omero.clients

from omero_sandbox.net.pause import let_others_in

_NOT_REENTRANT = (
    "Hibernate session is not re-entrant.\n"
    "Either you have two threads operating on the same stateful object (don't do this)\n"
    " or you have a recursive call (recurse on the unwrapped object). "
)
_LOST = (
    " Wrapped Exception: (org.hibernate.exception.GenericJDBCException):\nconnection handle already closed"
)
#: Seconds that a call stays under way, so that one that was sent at the same time is sure to meet it.
_SHORT = 0.0001
#: The same for each byte that it carries: the next block may still be on its way.
_PER_BYTE = 1e-9


class NeverAnswered(Exception):  # noqa: N818 -- no error: it says what becomes of a call
    """The client gets no answer to this call."""


class Turn:
    """Whose turn it is in one service.

    Parameters
    ----------
    hangs
        Calls that meet another one are never answered, instead of being refused.
    """

    def __init__(self, *, hangs: bool = False) -> None:
        self._hangs = hangs
        self._lock = Lock()
        self._busy = False
        self._wrecked = False

    @contextmanager
    def taken(self, operation: str) -> Iterator[bool]:
        """Take the turn for one call; False in the block if all that can be done is to close the service.

        Raises
        ------
        omero.InternalException
            Another call is under way, or was under way together with another before.
        NeverAnswered
            The same, in a service that hangs.
        """
        usable = self._take(operation)
        try:
            yield usable
        finally:
            self._busy = False
        if self._wrecked and self._hangs:
            raise NeverAnswered

    def linger(self, answer: Any, arguments: tuple[Any, ...]) -> None:
        """Stay under way a little longer: here a call is over sooner than the next one arrives."""
        size = sum(len(value) for value in (answer, *arguments) if isinstance(value, bytes))
        let_others_in(_SHORT + size * _PER_BYTE)

    def _take(self, operation: str) -> bool:
        with self._lock:
            if self._busy:
                self._wrecked = True
                raise NeverAnswered if self._hangs else omero.InternalException(None, None, _NOT_REENTRANT)
            if self._wrecked and self._hangs:
                raise NeverAnswered
            if self._wrecked and operation != "close":
                raise omero.InternalException(None, None, _LOST)
            self._busy = True
            return not self._wrecked
