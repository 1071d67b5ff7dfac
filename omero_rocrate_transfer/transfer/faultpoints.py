"""Named places where a run may be broken off, so that tests can prove that it goes on from there.

Without the environment variable `VARIABLE` a fault point does nothing. Its value is ``NAME=HOW`` or
``NAME=HOW@N`` with one of the names below, ``kill``, ``term`` or ``raise``, and which time it strikes (the
first by default).
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from typing import Final

VARIABLE: Final = "OMERO_TRANSFER_FAULT"

#: Every fault point: where a process could die with something done and not yet noted, or the other way round.
POINTS: Final = {
    "journal:created": "the journal has its name and its first line",
    "journal:before-write": "items are done, nothing of it is noted",
    "journal:torn-line": "half a line is written",
    "journal:before-fsync": "lines are written, not yet durable",
    "journal:after-fsync": "lines are durable, nobody was told",
    "run:begun": "the target was begun, its containers are not noted yet",
    "run:unit-written": "a unit is written, not noted yet",
    "run:before-finish": "all units are noted, the target is not complete",
    "run:finished": "the target is complete, not noted yet",
    "run:noted": "the end is noted, nothing was tidied up",
    "crate:workspace-made": "the folder for unfinished work is there, and empty",
    "crate:file-written": "the bytes of a file are written, it has no name yet",
    "crate:unit-described": "a unit and its description are written, the transaction is open",
    "crate:manifest-written": "all files are there but the metadata",
    "crate:before-publish": "the crate is whole, under its temporary name",
    "server:container-created": "a container was created",
    "server:fileset-created": "a fileset was created, no byte sent",
    "server:file-sent": "a file of a fileset was sent",
    "server:imported": "a fileset was imported, its images are in no container",
    "server:linked": "the images are linked, not named",
}

_hits: Counter[str] = Counter()
_lock = threading.Lock()


class FaultError(RuntimeError):
    """The exception of a fault point that was asked for one; like a bug, it ends the run."""


def faultpoint(name: str) -> None:
    """Do what `VARIABLE` says, if it names this point.

    Raises
    ------
    FaultError
        It says ``raise``.
    """
    wish = os.environ.get(VARIABLE)
    if wish is not None:
        _strike(name, wish)


def _strike(name: str, wish: str) -> None:
    wanted, _, how = wish.partition("=")
    how, _, time = how.partition("@")
    if wanted not in POINTS or name not in POINTS:
        raise LookupError(f"{wanted if name in POINTS else name!r} is no fault point")
    with _lock:
        _hits[name] += 1
        strikes = name == wanted and _hits[name] == int(time or 1)
    if not strikes:
        return
    if how == "raise":
        raise FaultError(f"fault at {name}")
    os.kill(os.getpid(), signal.SIGKILL if how == "kill" else signal.SIGTERM)
