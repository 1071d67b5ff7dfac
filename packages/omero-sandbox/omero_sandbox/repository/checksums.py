"""OMERO's checksum algorithms (omero-common ``ome.util.checksum``), printed as Guava's HashCode does.

Hexadecimal digits; the integer sums (CRC-32, Adler-32, File-Size-64, Murmur3-32) are little-endian.
"""

import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from omero_sandbox.repository.murmur import Murmur3x32, Murmur3x64


class Sum(Protocol):
    """A running checksum with hashlib's two methods."""

    def update(self, data: bytes, /) -> None:
        """Add bytes."""

    def hexdigest(self) -> str:
        """Hexadecimal digits of the sum so far."""


class _Zlib:
    """CRC-32 or Adler-32, printed little-endian."""

    def __init__(self, function: Callable[[bytes, int], int], start: int) -> None:
        self._function = function
        self._value = start

    def update(self, data: bytes, /) -> None:
        self._value = self._function(data, self._value)

    def hexdigest(self) -> str:
        return self._value.to_bytes(4, "little").hex()


class _Size:
    """The number of bytes, printed as a little-endian 64-bit integer."""

    def __init__(self) -> None:
        self._size = 0

    def update(self, data: bytes, /) -> None:
        self._size += len(data)

    def hexdigest(self) -> str:
        return self._size.to_bytes(8, "little").hex()


ALGORITHMS: dict[str, Callable[[], Sum]] = {
    "SHA1-160": lambda: hashlib.sha1(usedforsecurity=False),
    "MD5-128": lambda: hashlib.md5(usedforsecurity=False),
    "Murmur3-128": Murmur3x64,
    "Murmur3-32": Murmur3x32,
    "CRC-32": lambda: _Zlib(zlib.crc32, 0),
    "Adler-32": lambda: _Zlib(zlib.adler32, 1),
    "File-Size-64": _Size,
}
"""By value of the ChecksumAlgorithm enumeration, in the server's order of preference."""


def checksum(path: Path, algorithm: str, block: int = 1 << 20) -> str:
    """Digest a file block by block; `KeyError` for an unknown algorithm."""
    running = ALGORITHMS[algorithm]()
    with path.open("rb") as file:
        while data := file.read(block):
            running.update(data)
    return running.hexdigest()
