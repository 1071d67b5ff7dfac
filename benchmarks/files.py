"""How fast files are read: against the best pool of bare RawFileStores on the same link.

Run it with ``python benchmarks/files.py``. A pool is a number of stores with one call in flight each, opened
before the clock starts and closed after it stopped, its blocks thrown away. The best one is searched among
several numbers of stores and sizes of blocks. Reading opens and closes its own stores, looks at sizes, and
digests what it reads.

The best pools, one with digests, and reading take turns, each time in another order. Files are read one after
the other, like those of one fileset, and together, like four items with ``--parallel 4``. A ratio is the
median of those of the rounds: whatever else the machine does strikes all of a round alike. Seconds of CPU are
the client's for a gigabyte; ``idle`` is how much of the machine had nothing to do while files were read,
which says whether a faster client would help. With ``--server`` it reads from a server that is there already,
with ``--fileset`` files of an import instead of attachments.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path

from servers import link, sandbox

sys.path.insert(0, str(Path(__file__).parent.parent))

import omero.clients  # noqa: F401 -- before the parts of it
from omero.sys import ParametersI

from omero_rocrate_transfer.model.contents import ImageRecord, OriginalFile, TransferUnit
from omero_rocrate_transfer.model.digests import Digest
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read.files import iter_blocks
from omero_rocrate_transfer.server.session.commands import delete
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.write.annotations.uploads import upload_file
from omero_rocrate_transfer.server.write.importer import FilesetImport

MIB = 2**20
FILES = 4
STORES = (1, 2, 4, 8)
BLOCKS = (1 * MIB, 2 * MIB, 4 * MIB, 16 * MIB)
#: Pools that race against reading.
FINALISTS = 2
GOAL = 0.9
#: The ways of reading: one file after the other, and all at the same time.
OURS = ("in turn", "together")
IMAGE = "benchmark&sizeX=16&sizeY=8.fake"


@dataclass(frozen=True)
class Subject:
    """Files on a server."""

    files: tuple[OriginalFile, ...]
    #: Whether they are in the managed repository.
    in_repository: bool

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    def first(self) -> Subject:
        return replace(self, files=self.files[:1])


class Blocks:
    """A source of files that all have the same bytes; that of no bytes is an image."""

    def __init__(self, size: int) -> None:
        self._block = hashlib.sha256(b"benchmark").digest() * (MIB // 32)
        self._count = size // MIB
        digest = hashlib.sha1(usedforsecurity=False)
        for _ in range(self._count):
            digest.update(self._block)
        files = (
            OriginalFile(
                key="",
                path=f"{place}.bin",
                size_bytes=size,
                digests=(Digest("SHA1-160", digest.hexdigest()),),
            )
            for place in range(FILES)
        )
        image = ImageRecord(ref=ObjectRef("Image", 1), name="benchmark", series=0)
        self.unit = TransferUnit(
            ref=ObjectRef("Fileset", 1),
            images=(image,),
            files=(OriginalFile(key="", path=IMAGE, size_bytes=0), *files),
        )

    def iter_blocks(self, unit: TransferUnit, file: OriginalFile) -> Iterator[bytes]:
        del unit
        yield from (self._block for _ in range(self._count if file.size_bytes else 0))


@contextmanager
def attached(connection: Connection, size: int) -> Iterator[Subject]:
    """Attach files, and delete them in the end."""
    blocks, found = Blocks(size), []
    try:
        for file in blocks.unit.files[1:]:
            number = upload_file(
                connection,
                connection.group_id,
                blocks.iter_blocks(blocks.unit, file),
                name=file.path,
                path=None,
                media_type=None,
            )
            found.append(replace(file, key=str(number)))
        yield Subject(tuple(found), in_repository=False)
    finally:
        delete(connection, "OriginalFile", [int(file.key) for file in found], connection.group_id)


@contextmanager
def imported(connection: Connection, size: int) -> Iterator[Subject]:
    """Import files with an image, and delete them in the end."""
    blocks = Blocks(size)
    fileset = FilesetImport(connection, blocks.unit, connection.group_id)
    number = fileset.run(blocks)
    try:
        hql = "select f.name, f.id from FilesetEntry e join e.originalFile f where e.fileset.id = :id"
        rows = connection.query.projection(hql, ParametersI().addId(number), connection.context())
        numbers = {name.val: str(number.val) for name, number in rows}
        files = blocks.unit.files[1:]
        yield Subject(
            tuple(replace(file, key=numbers[file.path]) for file in files),
            in_repository=True,
        )
    finally:
        fileset.undo(connection)


def pool(connection: Connection, subject: Subject, stores: int, block: int, *, digest: bool = False) -> float:
    """Return the seconds of reading all files through a pool; opening and closing are not counted."""
    context, seconds = connection.context(), 0.0
    for file in subject.files:
        if subject.in_repository:
            repository = connection.managed_repository
            opened = [repository.fileById(int(file.key), context) for _ in range(stores)]
        else:
            opened = [connection.session.createRawFileStore() for _ in range(stores)]
            for store in opened:
                store.setFileId(int(file.key), context)
        digested = hashlib.sha1(usedforsecurity=False)
        started = time.perf_counter()
        offsets = iter(range(0, file.size_bytes, block))
        flying: deque[tuple[object, object]] = deque()
        for store, offset in zip(opened, offsets, strict=False):
            flying.append((store, store.begin_read(offset, block, _ctx=context)))
        while flying:
            store, call = flying.popleft()
            data = store.end_read(call)
            if (offset := next(offsets, None)) is not None:
                flying.append((store, store.begin_read(offset, block, _ctx=context)))
            if digest:
                digested.update(data)
        seconds += time.perf_counter() - started
        for store in opened:
            store.close(context)
    return seconds


def ours(connection: Connection, subject: Subject, *, together: bool) -> float:
    """Return the seconds of reading all files as the transfer does."""

    def read(file: OriginalFile) -> None:
        size = sum(map(len, iter_blocks(connection, file, in_repository=subject.in_repository)))
        assert size == file.size_bytes

    started = time.perf_counter()
    with ThreadPoolExecutor(FILES if together else 1) as threads:
        list(threads.map(read, subject.files))
    return time.perf_counter() - started


@dataclass(frozen=True)
class Reading:
    """One reading of all files: its seconds, those of the client's CPU, and how idle the machine was."""

    seconds: float
    cpu_s: float
    idle: float

    @classmethod
    def of(cls, do: Callable[[], float]) -> Reading:
        cpu, before = time.process_time(), _idle_and_all()
        seconds = do()
        after = _idle_and_all()
        idle, all_ = (late - soon for late, soon in zip(after, before, strict=True))
        return cls(seconds, time.process_time() - cpu, idle / all_ if all_ else float("nan"))


def _idle_and_all() -> tuple[int, int]:
    """Return ticks of all processors without work, and all of them; zeros if the system does not say."""
    try:
        ticks = [int(text) for text in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    except OSError:
        return 0, 0
    return ticks[3] + ticks[4], sum(ticks)


@dataclass(frozen=True)
class Result:
    """What a link gave; rates in MB/s, CPU in seconds for a gigabyte."""

    pool: str
    rates: dict[str, float]
    #: Of reading one after the other and together to the best pool, and to the one with digests.
    ratios: dict[str, float]
    digested_ratios: dict[str, float]
    cpu: dict[str, float]
    idle: float


def search(connection: Connection, subject: Subject, repeats: int, *, tell: bool) -> list[tuple[int, int]]:
    """Return the stores and blocks of the pools that look best, by reading the first file, in turn."""
    kinds = list(product(STORES, BLOCKS))
    seconds: dict[tuple[int, int], list[float]] = {kind: [] for kind in kinds}
    for _ in range(repeats):
        for kind in kinds:
            seconds[kind].append(pool(connection, subject.first(), *kind))
    medians = {kind: statistics.median(found) for kind, found in seconds.items()}
    best = sorted(kinds, key=medians.__getitem__)
    if tell:
        for kind in best:
            rate = subject.first().size_bytes / 1e6 / medians[kind]
            print(f"       {kind[0]} x {kind[1] // MIB:2d} MiB{rate:8.0f} MB/s")
    return best[:FINALISTS]


def measure(connection: Connection, subject: Subject, pools: list[tuple[int, int]], repeats: int) -> Result:
    """Race reading against the pools; the pool against which it does worst counts."""
    racers: dict[object, Callable[[], float]] = {
        kind: partial(pool, connection, subject, *kind) for kind in pools
    }
    racers["digested"] = partial(pool, connection, subject, *pools[0], digest=True)
    for name in OURS:
        racers[name] = partial(ours, connection, subject, together=name == "together")
    found: dict[object, list[Reading]] = {name: [] for name in racers}
    for turn in range(repeats):
        for racer in list(racers)[:: 1 if turn % 2 else -1]:
            found[racer].append(Reading.of(racers[racer]))

    def ratios(other: object) -> dict[str, float]:
        return {
            name: statistics.median(
                theirs.seconds / reading.seconds
                for theirs, reading in zip(found[other], found[name], strict=True)
            )
            for name in OURS
        }

    best = min(pools, key=lambda kind: min(ratios(kind).values()))
    shown = {"pool": found[best], **{name: found[name] for name in ("digested", *OURS)}}
    gigabytes = subject.size_bytes / 1e9
    return Result(
        pool=f"{best[0]} x {best[1] // MIB} MiB",
        rates={
            name: gigabytes * 1000 / statistics.median(reading.seconds for reading in readings)
            for name, readings in shown.items()
        },
        ratios=ratios(best),
        digested_ratios=ratios("digested"),
        cpu={
            name: statistics.median(reading.cpu_s for reading in readings) / gigabytes
            for name, readings in shown.items()
        },
        idle=statistics.median(reading.idle for name in OURS for reading in found[name]),
    )


@contextmanager
def server(port: int | None) -> Iterator[int]:
    """Give the port of a server: of one that is there, or of a sandbox."""
    if port is not None:
        yield port
        return
    with tempfile.TemporaryDirectory() as folder, sandbox(Path(folder)) as started:
        yield started


def login(port: int, protocol: str, password: str) -> Connection:
    return Connection.login(f"{protocol}://127.0.0.1", port, user="root", password=password)


def main() -> int:
    """Print the figures and ratios; return 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rtt", type=float, nargs="+", default=[0, 2, 10, 50], metavar="MS")
    parser.add_argument("--size", type=int, default=256, metavar="MIB", help="of each file")
    parser.add_argument("--fileset", action="store_true", help="files of an import")
    parser.add_argument("--server", type=int, metavar="PORT", help="of a server on this machine")
    parser.add_argument("--protocol", default="tcp", choices=["tcp", "ssl"])
    parser.add_argument("--password", default="omero", help="of root")
    parser.add_argument("--searches", type=int, default=3, help="rounds of the search for the best pool")
    parser.add_argument("--pools", action="store_true", help="tell what all pools gave")
    chosen = parser.parse_args()
    met = True
    with server(chosen.server) as port:
        local = login(port, chosen.protocol, chosen.password)
        made = (imported if chosen.fileset else attached)(local, chosen.size * MIB)
        with made as subject:
            kind = "imported" if chosen.fileset else "attached"
            print(
                f"{FILES} {kind} files of {chosen.size} MiB, {chosen.protocol}, {os.cpu_count()} CPUs, "
                f"median of {chosen.repeats}; MB/s, CPU s/GB"
            )
            print(
                "RTT ms       best pool    pool digested in turn together : pool        : digested    CPU ..."
            )
            for round_trip in chosen.rtt:
                with link(port, round_trip) as there:
                    connection = login(there, chosen.protocol, chosen.password)
                    pools = search(connection, subject, chosen.searches, tell=chosen.pools)
                    result = measure(connection, subject, pools, chosen.repeats)
                    connection.close()
                met = met and min(result.ratios.values()) >= GOAL
                rates = "".join(f"{rate:9.0f}" for rate in result.rates.values())
                ratios = "".join(
                    f"{ratio:7.0%}" for ratio in (*result.ratios.values(), *result.digested_ratios.values())
                )
                cpu = "".join(f"{seconds:6.2f}" for seconds in result.cpu.values())
                print(
                    f"{round_trip:6g} {result.pool:>14}{rates}{ratios}{cpu}  idle {result.idle:.0%}",
                    flush=True,
                )
        local.close()
    print(f"goal (both ways of reading : pool at least {GOAL:.0%}):", "met" if met else "missed")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
