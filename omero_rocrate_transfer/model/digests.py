"""Digests: what the bytes of a file must add up to."""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The digest every file of a crate carries.
SHA256: Final = "SHA256"


@dataclass(frozen=True, slots=True)
class Digest:
    """A value and the algorithm that gave it."""

    #: ``"SHA256"``, or a ``ChecksumAlgorithm`` value of OMERO such as ``"SHA1-160"``.
    algorithm: str
    #: Lower-case hexadecimal digits.
    hex: str


class _Sum(Protocol):
    def update(self, block: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


class _IntegerSum:
    """CRC-32 and Adler-32 as OMERO writes them: the bytes of the integer, least significant first.

    ome-common ``ome.util.checksum`` returns Guava's ``HashCode.toString``: little-endian for integers.
    """

    def __init__(self, algorithm: str) -> None:
        self._step = zlib.crc32 if algorithm == "CRC-32" else zlib.adler32
        self._value = self._step(b"")

    def update(self, block: bytes, /) -> None:
        self._value = self._step(block, self._value)

    def hexdigest(self) -> str:
        return struct.pack("<I", self._value).hex()


class _SizeSum:
    """File-Size-64: no content at all, only the length; 8 bytes, least significant first."""

    def __init__(self) -> None:
        self._size = 0

    def update(self, block: bytes, /) -> None:
        self._size += len(block)

    def hexdigest(self) -> str:
        return struct.pack("<Q", self._size).hex()


def _new_sum(algorithm: str) -> _Sum | None:
    match algorithm:
        case "SHA256":
            return hashlib.sha256()
        case "SHA1-160":
            return hashlib.sha1(usedforsecurity=False)
        case "MD5-128":
            return hashlib.md5(usedforsecurity=False)
        case "CRC-32" | "Adler-32":
            return _IntegerSum(algorithm)
        case "File-Size-64":
            return _SizeSum()
    return None


def is_computable(algorithm: str) -> bool:
    """Tell whether this package computes the algorithm; it leaves out OMERO's two Murmur3."""
    return _new_sum(algorithm) is not None


def proves_content(algorithm: str) -> bool:
    """Tell whether equal digests mean equal bytes; ``File-Size-64`` only means equal length."""
    return is_computable(algorithm) and algorithm != "File-Size-64"


class Hasher:
    """Several digests of one stream of blocks, in one pass.

    Parameters
    ----------
    algorithms
        Names as in `Digest.algorithm`; those that are not computable are passed over, and are
        missing from `digests`.
    """

    def __init__(self, algorithms: Iterable[str] = (SHA256,)) -> None:
        sums = ((name, _new_sum(name)) for name in dict.fromkeys(algorithms))
        self._sums = {name: value for name, value in sums if value is not None}
        #: Bytes seen so far.
        self.size_bytes = 0

    def update(self, block: bytes) -> None:
        """Take the next block."""
        self.size_bytes += len(block)
        for value in self._sums.values():
            value.update(block)

    def digests(self) -> dict[str, Digest]:
        """Return the digests of all blocks so far, by algorithm."""
        return {name: Digest(name, value.hexdigest()) for name, value in self._sums.items()}
