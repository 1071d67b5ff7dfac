"""How files are cut into calls: few round trips, bounded memory, one call in flight for each service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

#: Bytes of a call to a server nearby; larger ones are slower there (measured with OMERO.server 5.6.18).
BLOCK_BYTES: Final = 4 * 2**20
#: Bytes of a call to a server far away, where round trips cost more than memory. The server gives 64 MB at
#: most (omero-blitz RepoRawFileStoreI.read), and takes messages of 65 MB at least (``Ice.MessageSizeMax``).
FAR_BLOCK_BYTES: Final = 8 * 2**20
#: Seconds of a round trip from which on a server is far away.
FAR_S: Final = 0.02
#: Stores that a large file is read through.
STORES: Final = 4
#: Stores that all files that are read at the same time have beyond their first ones.
SPARE_STORES: Final = 12
#: Files of one import that are sent at the same time.
UPLOADS: Final = 4


@dataclass(frozen=True, slots=True)
class ReadAhead:
    """How a file is read.

    Parameters
    ----------
    stores
        Calls in flight at most, each through a store of its own; as many blocks are held in memory.
    block_bytes
        Bytes of a call.
    """

    stores: int
    block_bytes: int


def block_bytes(round_trip_s: float) -> int:
    """Return the bytes of a call that reads or writes."""
    return FAR_BLOCK_BYTES if round_trip_s >= FAR_S else BLOCK_BYTES


def read_ahead(size_bytes: int, round_trip_s: float) -> ReadAhead:
    """Return how to read a file: through one store if that takes one call."""
    size = block_bytes(round_trip_s)
    return ReadAhead(stores=max(1, min(STORES, -(-size_bytes // size))), block_bytes=size)


def resized(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield the same bytes in blocks of one size, the last one smaller."""
    parts: list[bytes | memoryview] = []
    held = 0
    for block in blocks:
        if not parts and len(block) == size:
            yield block
            continue
        rest = memoryview(block)
        while held + len(rest) >= size:
            parts.append(rest[: size - held])
            rest = rest[size - held :]
            yield b"".join(parts)
            parts, held = [], 0
        if rest:
            parts.append(rest)
            held += len(rest)
    if parts:
        yield b"".join(parts)
