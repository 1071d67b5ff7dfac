"""How fast files are read: against the best pool of bare RawFileStores on the same link.

Run it with ``python benchmarks/files.py``. All figures of a round-trip time come from one run, taken in turn;
each is the median of several. A pool is a number of stores with one call in flight each, its blocks thrown
away; the best one is searched among several numbers of stores and sizes of blocks. Reading opens and closes
its own stores, looks at sizes, and digests. With ``--server`` it reads from a server that is there already.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from servers import link, sandbox

sys.path.insert(0, str(Path(__file__).parent.parent))

from omero_rocrate_transfer.model.contents import OriginalFile
from omero_rocrate_transfer.model.digests import Digest
from omero_rocrate_transfer.server.read.files import iter_blocks
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.write.annotations.uploads import upload_file

MIB = 2**20
FILES = 4
STORES = (1, 2, 4, 8)
BLOCKS = (1 * MIB, 4 * MIB, 16 * MIB)
GOAL = 0.9


def upload(connection: Connection, size: int) -> list[OriginalFile]:
    """Attach some files of one size, with the digests that packing checks."""
    block, found = hashlib.sha256(b"benchmark").digest() * (MIB // 32), []
    digest = hashlib.sha1(usedforsecurity=False)
    for _ in range(size // MIB):
        digest.update(block)
    for place in range(FILES):
        blocks = (block for _ in range(size // MIB))
        number = upload_file(
            connection, connection.group_id, blocks, name=f"{place}.bin", path=None, media_type=None
        )
        found.append(
            OriginalFile(
                key=str(number),
                path=f"{place}.bin",
                size_bytes=size,
                digests=(Digest("SHA1-160", digest.hexdigest()),),
            )
        )
    return found


def pool(connection: Connection, files: list[OriginalFile], stores: int, block: int) -> float:
    """Return the seconds of reading all files through a pool; opening and closing are not counted."""
    context, seconds = connection.context(), 0.0
    for file in files:
        opened = [connection.session.createRawFileStore() for _ in range(stores)]
        for store in opened:
            store.setFileId(int(file.key), context)
        started = time.perf_counter()
        offsets = iter(range(0, file.size_bytes, block))
        flying: deque[tuple[object, object]] = deque()
        for store, offset in zip(opened, offsets, strict=False):
            flying.append((store, store.begin_read(offset, block, _ctx=context)))
        while flying:
            store, call = flying.popleft()
            store.end_read(call)
            if (offset := next(offsets, None)) is not None:
                flying.append((store, store.begin_read(offset, block, _ctx=context)))
        seconds += time.perf_counter() - started
        for store in opened:
            store.close(context)
    return seconds


def ours(connection: Connection, files: list[OriginalFile]) -> float:
    """Return the seconds of reading all files as the transfer does."""
    started = time.perf_counter()
    for file in files:
        size = sum(map(len, iter_blocks(connection, file)))
        assert size == file.size_bytes
    return time.perf_counter() - started


def measure(connection: Connection, files: list[OriginalFile], repeats: int) -> tuple[str, float, float]:
    """Return the best pool, its rate and that of reading, in MB/s: medians, taken in turn."""
    total = sum(file.size_bytes for file in files) / 1e6
    kinds: dict[str, Callable[[], float]] = {
        f"{stores} x {block // MIB} MiB": lambda stores=stores, block=block: pool(
            connection, files[:1], stores, block
        )
        for stores, block in product(STORES, BLOCKS)
    }
    tried = {name: statistics.median(do() for _ in range(repeats)) for name, do in kinds.items()}
    # the two that look best race against reading, all files in each round
    best = sorted(tried, key=tried.__getitem__)[:2]
    pools = {name: (int(name.split()[0]), int(name.split()[2]) * MIB) for name in best}
    found: dict[str, list[float]] = {name: [] for name in (*best, "ours")}
    for _ in range(repeats):
        for name in best:
            found[name].append(total / pool(connection, files, *pools[name]))
        found["ours"].append(total / ours(connection, files))
    rates = {name: statistics.median(values) for name, values in found.items()}
    read = rates.pop("ours")
    winner = max(rates, key=rates.__getitem__)
    return winner, rates[winner], read


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
    parser.add_argument("--server", type=int, metavar="PORT", help="of a server on this machine")
    parser.add_argument("--protocol", default="tcp", choices=["tcp", "ssl"])
    parser.add_argument("--password", default="omero", help="of root")
    chosen = parser.parse_args()
    met = True
    with server(chosen.server) as port:
        local = login(port, chosen.protocol, chosen.password)
        files = upload(local, chosen.size * MIB)
        print(f"{FILES} files of {chosen.size} MiB, {chosen.protocol}, in MB/s; median of {chosen.repeats}")
        print("RTT ms      best pool    pool    read  read:pool")
        for round_trip in chosen.rtt:
            with link(port, round_trip) as there:
                connection = login(there, chosen.protocol, chosen.password)
                name, rate, read = measure(connection, files, chosen.repeats)
                connection.close()
            met = met and read >= GOAL * rate
            print(f"{round_trip:6g} {name:>14}{rate:8.0f}{read:8.0f}  {read / rate:9.0%}", flush=True)
        local.close()
    print(f"goal (read:pool at least {GOAL:.0%}):", "met" if met else "missed")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
