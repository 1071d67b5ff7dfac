"""What it costs that every byte is checked and every item is noted.

Run it with ``python benchmarks/integrity.py``. The figures of a pair come from one run, with and without
taking turns; each is the median of several goes. The links to the servers have 1 Gbit/s.

pack: original files into a folder. unpack: from it into a server; it also reads the whole crate before it
sends the first byte. journal: a folder of many small images.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from servers import narrow_link, sandbox

sys.path.insert(0, str(Path(__file__).parent.parent))

from omero_rocrate_transfer.crate.read.open import open_source
from omero_rocrate_transfer.crate.write.sink import CrateSink
from omero_rocrate_transfer.model import digests
from omero_rocrate_transfer.model.refs import parse_objects
from omero_rocrate_transfer.server.read.source import ServerSource
from omero_rocrate_transfer.server.session.commands import delete_all
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.write import importer
from omero_rocrate_transfer.server.write.sink import ServerSink
from omero_rocrate_transfer.transfer.check import check
from omero_rocrate_transfer.transfer.engine import Engine
from omero_rocrate_transfer.transfer.interrupt import Interrupt
from omero_rocrate_transfer.transfer.journal.file import NO_JOURNAL
from omero_rocrate_transfer.transfer.journal.runs import open_run
from omero_rocrate_transfer.transfer.plan import Plan
from omero_rocrate_transfer.transfer.run import run
from omero_sandbox.testing import seed

FILES = 4
PARALLEL = 4
MB = 1e6


class NoSum:
    """Takes blocks and looks at none of them."""

    def update(self, block: bytes, /) -> None:
        """Look at nothing."""

    def hexdigest(self) -> str:
        return "0" * 64


class AgreeingDigest(digests.Digest):
    """A digest that is the same as any other."""

    __slots__ = ()
    __hash__ = digests.Digest.__hash__

    def __eq__(self, _other: object) -> bool:
        return True


@contextmanager
def without_digests() -> Iterator[None]:
    """Let nobody compute a digest of content, neither here nor on the server."""
    new_sum = digests._new_sum  # noqa: SLF001 -- the one place where digests begin

    def cheap_sum(algorithm: str) -> Any:
        return NoSum() if algorithm.startswith("SHA") else new_sum(algorithm)

    with (
        mock.patch.object(digests, "_new_sum", cheap_sum),
        mock.patch.object(digests, "Digest", AgreeingDigest),
        mock.patch.object(importer, "ALGORITHM", "File-Size-64"),
    ):
        yield


def exhaust(events: Iterator[Any]) -> None:
    """Let a run go to its end."""
    for _ in events:
        pass


def pack(connection: Connection, root: str, target: Path, journal: Path | None = None) -> None:
    """Pack into a folder, as the command does."""
    source = ServerSource(connection)
    plan = Plan(contents=source.read_contents(parse_objects([root])), run_name="pack")
    with ExitStack() as stack:
        interrupt = stack.enter_context(Interrupt())
        notes = NO_JOURNAL
        if journal is not None:
            notes = stack.enter_context(open_run(journal, plan, {"command": "pack"}))
        sink = CrateSink(target, agent=connection.user_id, run_id=notes.run_id or "benchmark")
        exhaust(run(plan, source, sink, Engine(parallel=PARALLEL, interrupt=interrupt), notes))


def unpack(connection: Connection, crate: Path, *, checked: bool) -> None:
    """Unpack a folder, as the command does."""
    with closing(open_source(crate)) as source, Interrupt() as interrupt:
        contents = source.read_contents(())
        engine = Engine(parallel=PARALLEL, interrupt=interrupt)
        if checked:
            exhaust(check(contents, source, engine))
        exhaust(run(Plan(contents=contents), source, ServerSink(connection), engine))


def fill(client: Any, folder: Path, count: int, size: int) -> str:
    """Import files of random bytes, each an image; return the dataset."""
    dataset = seed.create(client, "Dataset", "benchmark")
    for number in range(count):
        name = f"image{number}&sizeX=8&sizeY=8.fake"
        (folder / name).write_bytes(os.urandom(size))
        seed.import_fileset(client, folder, [name], dataset)
        (folder / name).unlink()
    return f"Dataset:{dataset.id.val}"


def seconds(do: Callable[[], None]) -> float:
    """Return how long one go takes, once the disk is quiet."""
    os.sync()
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


def measure(kinds: dict[str, Callable[[], float]], repeats: int) -> dict[str, float]:
    """Return the median of each; the kinds take turns, after one go for nothing."""
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for turn in range(repeats + 1):
        for name, do in kinds.items():
            took = do()
            if turn:
                found[name].append(took)
    return {name: statistics.median(times) for name, times in found.items()}


class Bench:
    """Two servers, and goes of each kind that leave nothing behind."""

    def __init__(self, folder: Path, source: int, target: int) -> None:
        self.folder = folder
        self.source = Connection.login("tcp://127.0.0.1", source, user="root", password="omero")
        self.target = Connection.login("tcp://127.0.0.1", target, user="root", password="omero")

    def digests(self, root: str, repeats: int) -> dict[str, float]:
        crate = self.folder / "packed"
        pack(self.source, root, crate)
        kinds = {
            "pack with": lambda: self._pack(root),
            "pack without": lambda: self._unchecked(lambda: self._pack(root)),
            "unpack with": lambda: self._unpack(crate, checked=True),
            "unpack without": lambda: self._unchecked(lambda: self._unpack(crate, checked=False)),
        }
        return measure(kinds, repeats)

    def journal(self, root: str, repeats: int) -> dict[str, float]:
        kinds = {
            "journal with": lambda: self._pack(root, self.folder / "runs"),
            "journal without": lambda: self._pack(root),
        }
        return measure(kinds, repeats)

    def _pack(self, root: str, journal: Path | None = None) -> float:
        target = self.folder / "crate"
        took = seconds(lambda: pack(self.source, root, target, journal))
        shutil.rmtree(target)
        if journal is not None:
            shutil.rmtree(journal)
        return took

    def _unpack(self, crate: Path, *, checked: bool) -> float:
        took = seconds(lambda: unpack(self.target, crate, checked=checked))
        self._empty()
        return took

    def _empty(self) -> None:
        ids = {}
        for name in ("Fileset", "Dataset"):
            rows = self.target.query.projection(f"select o.id from {name} o", None)
            ids[name] = [row[0].val for row in rows]
        delete_all(self.target, ids, self.target.group_id)

    @staticmethod
    def _unchecked(do: Callable[[], float]) -> float:
        with without_digests():
            return do()


def main() -> int:
    """Print the figures; return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--mib", type=int, default=512, help="size of the files together")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--mbit", type=float, default=1000, help="rate of the link, a second; 0 for no limit")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        ports = [stack.enter_context(sandbox(folder / part)) for part in ("source", "target")]
        bench = Bench(folder, *(stack.enter_context(narrow_link(port, chosen.mbit)) for port in ports))
        large = fill(bench.source.client, folder, FILES, chosen.mib * 2**20 // FILES)
        small = fill(bench.source.client, folder, chosen.images, 3000)
        times = bench.digests(large, chosen.repeats) | bench.journal(small, chosen.repeats)
        bench.source.close()
        bench.target.close()
    met = True
    print(f"{FILES} files, {chosen.mib} MiB; journal: {chosen.images} images; {chosen.mbit:g} Mbit/s")
    print("          with s  without s   cost   goal")
    for kind, goal in (("pack", 0.10), ("unpack", 0.10), ("journal", 0.05)):
        with_it, without = times[f"{kind} with"], times[f"{kind} without"]
        cost = with_it / without - 1
        met = met and cost <= goal
        print(f"{kind:8}{with_it:8.2f}{without:11.2f}{cost:7.1%}{goal:7.0%}", flush=True)
    print("goals:", "met" if met else "missed")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
