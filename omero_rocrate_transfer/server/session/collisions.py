"""Collisions: two that make the same thing at the same time, of which a server refuses one.

The first use of an annotation namespace makes a row for it, the first import of a user on a day the folders
of that day; a database keeps the second of two from making the same again, and a repetition finds it there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final, TypeVar

import omero

from omero_rocrate_transfer.model.errors import CollisionError
from omero_rocrate_transfer.server.session.errors import FOLDER_ROW, constraint_of
from omero_rocrate_transfer.transfer.retry import Retry

T = TypeVar("T")

#: Constraints on what a server makes by itself, so that the same call succeeds as soon as that is there
#: (omero-server psql-footer.sql, omero-model ``Namespace.name``).
MADE_BY_SERVER: Final = frozenset((FOLDER_ROW, "namespace_name", "namespace_name_key"))
#: Calls at most, the first one included.
_ATTEMPTS: Final = 6


def repeat(do: Callable[[], T], retry: Retry, *, constraints: Collection[str] | None = MADE_BY_SERVER) -> T:
    """Call something that is done whole or not at all, again where it collided with somebody else.

    Parameters
    ----------
    retry
        Waits in between, unless the run is ending.
    constraints
        Those that a repetition may satisfy; any where None, for what looks first whether it is there.
    """
    attempt = 1
    while True:
        try:
            return do()
        except (omero.ValidationException, omero.ResourceError, CollisionError) as error:
            constraint = constraint_of(error)
            can_pass = constraint is not None if constraints is None else constraint in constraints
            if not can_pass or attempt == _ATTEMPTS or not retry.pause(retry.wait(attempt)):
                raise
        attempt += 1


class FirstTimes:
    """Lets whoever does something for the first time in a run do it alone; safe in several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._done: set[Hashable] = set()

    @contextmanager
    def of(self, things: Collection[Hashable]) -> Iterator[None]:
        """Hold the block back while another one does something for the first time, if this one would too."""
        if self._done.issuperset(things):
            yield
            return
        with self._lock:
            yield
            self._done.update(things)
