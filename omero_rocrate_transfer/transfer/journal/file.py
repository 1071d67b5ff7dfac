"""The journal of a run: what is done, so that the same command goes on where the last one stopped.

A file of JSON lines ``{"seq": 3, "record": {…}, "crc": "89abcdef"}`` that only ever grows. What was committed
survives a power cut; a last line that was torn is dropped; damage anywhere else is refused.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import uuid
import zlib
from typing import IO, TYPE_CHECKING, Any, Final, Self

from omero_rocrate_transfer.model.errors import NotFoundError, RefusedError, UnsafeCrateError
from omero_rocrate_transfer.transfer.disk import full_disk_errors, open_private
from omero_rocrate_transfer.transfer.faultpoints import faultpoint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Record = dict[str, Any]

#: Format of the lines; another one is refused.
VERSION: Final = 1
_LINE: Final = re.compile(rb'(\{"seq": (\d+), "record": (\{.*\})), "crc": "([0-9a-f]{8})"\}\Z', re.DOTALL)


def render_line(seq: int, record: Record) -> bytes:
    """Return one line with its line feed."""
    body = b'{"seq": %d, "record": %b' % (seq, json.dumps(record).encode())
    return b'%b, "crc": "%08x"}\n' % (body, zlib.crc32(body))


def parse_line(line: bytes) -> tuple[int, Record] | None:
    """Return sequence number and record of a line without line feed, None where it is damaged."""
    match = _LINE.match(line)
    if match is None or zlib.crc32(match[1]) != int(match[4], 16):
        return None
    return int(match[2]), json.loads(match[3])


def parse_journal(data: bytes, name: str = "The journal") -> tuple[list[Record], int]:
    """Return the records of a journal, and how many bytes of it they are.

    Raises
    ------
    UnsafeCrateError
        A line that is not the last one is damaged, or lines are missing.
    """
    records: list[Record] = []
    lines = data.split(b"\n")
    good_bytes = 0
    for place, line in enumerate(lines[:-1]):
        found = parse_line(line)
        if found is None and place == len(lines) - 2 and not lines[-1]:
            break  # torn, although its line feed got through
        if found is None or found[0] != place:
            raise UnsafeCrateError(
                f"{name} is damaged in line {place + 1}.",
                hint="Do not trust what it is about: begin again with --run NAME.",
            )
        records.append(found[1])
        good_bytes += len(line) + 1
    return records, good_bytes


def read_head(path: Path) -> Record | None:
    """Return the first line of a journal, None where there is none that can be read."""
    try:
        with path.open("rb") as file:
            found = parse_line(file.readline().rstrip(b"\n"))
    except OSError:
        return None
    return None if found is None else found[1]


def read_journal(path: Path) -> list[Record]:
    """Return the records of a journal, none if there is no journal.

    Raises
    ------
    UnsafeCrateError
        It is damaged.
    """
    try:
        data = path.read_bytes()
    except OSError:
        return []
    return parse_journal(data, f"The journal {path}")[0]


class NoJournal:
    """Where nothing is to be kept, as in a dry run: takes everything and keeps nothing."""

    #: Tells the objects of this run from all others.
    run_id = ""
    is_resumed = False
    records: Sequence[Record] = ()

    def append(self, record: Record) -> None:
        """Forget the record."""

    def commit(self) -> None:
        """Do nothing."""


NO_JOURNAL: Final = NoJournal()


class Journal(NoJournal):
    """The journal of one run, locked for this process until `close` or its death.

    Parameters
    ----------
    path
        Its folder exists.
    head
        What must be the same in every process of the run: the first line.
    process
        What to note of this process besides its number and host.

    Raises
    ------
    RefusedError
        Another process is at work on it, or it is of another plan.
    UnsafeCrateError
        It is damaged.
    """

    def __init__(self, path: Path, head: Record, process: Record | None = None) -> None:
        self._path = path
        self._file = _open_locked(path)
        try:
            records, good_bytes = parse_journal(path.read_bytes(), f"The journal {path}")
            self._file.truncate(good_bytes)
            self._file.seek(0, os.SEEK_END)
            self._seq = len(records)
            self._waiting: list[bytes] = []
            self.is_resumed = bool(records)
            first = records[0] if records else self._begin(head)
            _check_head(path, records or [first], head)
            #: The first line, as the process that began the run wrote it.
            self.head = first
            self.run_id = str(first["id"])
            #: What earlier processes noted, in order.
            self.records = records[1:]
            opened = {"type": "opened", "pid": os.getpid(), "host": socket.gethostname()}
            self.append(opened | (process or {}))
            self.commit()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, record: Record) -> None:
        """Note something; it counts only after `commit`."""
        self._waiting.append(render_line(self._seq, record))
        self._seq += 1

    def commit(self) -> None:
        """Make everything that was noted durable.

        Raises
        ------
        StoppedError
            The disk is full.
        """
        if not self._waiting:
            return
        faultpoint("journal:before-write")
        data = b"".join(self._waiting)
        with full_disk_errors(self._path):
            half = len(data) - 10
            self._write(data[:half])
            faultpoint("journal:torn-line")
            self._write(data[half:])
            faultpoint("journal:before-fsync")
            os.fsync(self._file.fileno())
        self._waiting.clear()
        faultpoint("journal:after-fsync")

    def close(self) -> None:
        """Give the lock back; what was not committed is lost. Safe to call twice."""
        self._file.close()

    def _write(self, data: bytes) -> None:
        """Write all of it: a disk that is almost full takes a part without an error."""
        while data:
            data = data[self._file.write(data) :]

    def _begin(self, head: Record) -> Record:
        first = {"type": "run", "version": VERSION, "id": uuid.uuid4().hex, **head}
        self.append(first)
        self.commit()
        _sync_folder(self._path.parent)
        faultpoint("journal:created")
        return first


def _open_locked(path: Path) -> IO[bytes]:
    """Open the file, unbuffered and locked; the system gives the lock back when the process dies."""
    try:
        file = open(path, "ab", buffering=0, opener=open_private)  # noqa: SIM115 -- close() closes it
    except OSError as error:
        raise NotFoundError(
            f"The journal {path} cannot be written: {error.strerror}.", hint="Check OMERO_USERDIR."
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise RefusedError(
            f"Another process is at work on this run{_holder(path)}.", hint="Wait for it, or end it."
        ) from error
    except BaseException:
        file.close()
        raise
    return file


def _holder(path: Path) -> str:
    """Say who opened the journal last, where that can be read."""
    found = [parse_line(line) for line in path.read_bytes().splitlines()]
    opened = [line[1] for line in found if line is not None and line[1].get("type") == "opened"]
    return f": process {opened[-1]['pid']} on {opened[-1]['host']}" if opened else ""


def _check_head(path: Path, records: Sequence[Record], wanted: Record) -> None:
    found = records[0]
    if found.get("version") != VERSION:
        raise RefusedError(
            f"The journal {path} is of another version.", hint="Go on with the version that began this run."
        )
    if found.get("fingerprint") != wanted.get("fingerprint"):
        raise RefusedError(
            f"The run {path.parent.name} was begun with other objects or options, or the source changed.",
            hint=_other_run(path.parent.name, records),
        )


def _other_run(name: str, records: Sequence[Record]) -> str:
    """Say how to begin another run; a complete crate cannot be taken back by ``undo``."""
    changes = [one["type"] for one in records if one["type"] in {"finished", "lost", "undone"}]
    if records[0].get("command") == "pack" and changes[-1:] == ["finished"]:
        return "Pack to another path, or remove the crate and name another run with --run."
    return (
        f"Name another run with --run. 'omero transfer undo {name}' removes what this one made: see with "
        "--dry-run what that is."
    )


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
