"""Named places where a run may be broken off, so that tests can prove that it goes on from there.

Without the environment variable `VARIABLE` a fault point does nothing. Its value is ``NAME=HOW`` or
``NAME=HOW@N``: one of the names below or ``any``, one of `SIGNALS` or ``raise``, and which time it strikes
(the first by default).
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from typing import Final

VARIABLE: Final = "OMERO_TRANSFER_FAULT"
#: Stands for every fault point.
ANY: Final = "any"
SIGNALS: Final = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "int": signal.SIGINT}

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
    "crate:taken-up": "what an earlier process left half done is removed",
    "crate:file-written": "the bytes of a file are written, it has no name yet",
    "crate:member-written": "a member of a zip or tar is written, its unit is not",
    "crate:chunk-written": "a chunk of an OME-Zarr or some of its metadata is written",
    "crate:zarr-written": "all members of an OME-Zarr are written, its unit is not described",
    "crate:unit-described": "a unit and its description are written, the transaction is open",
    "crate:manifest-written": "all files are there but the metadata",
    "crate:before-publish": "the crate is whole, under its temporary name",
    "crate:linked": "a file has its own name, and its temporary one still",
    "server:container-created": "a container was created",
    "server:fileset-created": "a fileset was created, no byte sent",
    "server:file-sent": "a file of a fileset was sent",
    "server:imported": "a fileset was imported, its images are in no container",
    "server:image-created": "an image was created, it has no pixels",
    "server:band-written": "some pixels of an image were written",
    "server:pixels-written": "the pixels of an image are saved, nothing was compared",
    "server:plate-created": "a plate was created, it has no wells",
    "server:wells-created": "a plate has wells, it is in no screen",
    "server:linked": "the images are linked, not named",
    "server:content-restored": "ROIs and instruments are written, annotations are not",
    "server:annotations-created": "annotations were created, they are on nothing",
    "server:file-created": "the file of an attachment was created, it has no bytes",
    "server:attachment-sent": "the file of an attachment is whole, it has no annotation",
    "server:taken-up": "what an earlier process left half done is deleted",
    "idmap:written": "the id map is written, under its temporary name",
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
    if wanted not in {ANY, *POINTS} or name not in POINTS:
        raise LookupError(f"{wanted if name in POINTS else name!r} is no fault point")
    with _lock:
        _hits.update((ANY, name))
        strikes = wanted in {ANY, name} and _hits[wanted] == int(time or 1)
    if not strikes:
        return
    if how == "raise":
        raise FaultError(f"fault at {name}")
    os.kill(os.getpid(), SIGNALS[how])
