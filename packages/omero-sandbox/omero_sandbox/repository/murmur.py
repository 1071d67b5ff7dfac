"""Murmur3 as OMERO uses it: seed 0, 32-bit x86 and 128-bit x64 variant (Austin Appleby, public domain).

Pure Python, a few megabytes a second: enough for a sandbox.
"""

import struct

_MASK32, _MASK64 = (1 << 32) - 1, (1 << 64) - 1


def _rotate(value: int, count: int, bits: int) -> int:
    mask = (1 << bits) - 1
    return ((value << count) | (value >> (bits - count))) & mask


class _Blocks:
    """Feed whole blocks to `_mix` and keep the rest."""

    _width: int

    def __init__(self) -> None:
        self._length = 0
        self._rest = b""

    def update(self, data: bytes, /) -> None:
        """Add bytes."""
        self._length += len(data)
        data = self._rest + bytes(data)
        whole = len(data) - len(data) % self._width
        self._mix(data[:whole])
        self._rest = data[whole:]

    def _mix(self, blocks: bytes) -> None:
        raise NotImplementedError


class Murmur3x32(_Blocks):
    """Murmur3, 32 bits."""

    _width = 4

    def __init__(self) -> None:
        super().__init__()
        self._hash = 0

    def _mix(self, blocks: bytes) -> None:
        value = self._hash
        for (k,) in struct.iter_unpack("<I", blocks):
            value = (_rotate(value ^ self._scramble(k), 13, 32) * 5 + 0xE6546B64) & _MASK32
        self._hash = value

    @staticmethod
    def _scramble(k: int) -> int:
        return (_rotate((k * 0xCC9E2D51) & _MASK32, 15, 32) * 0x1B873593) & _MASK32

    def hexdigest(self) -> str:
        """Hexadecimal digits of the little-endian sum."""
        value = self._hash ^ self._scramble(int.from_bytes(self._rest, "little")) ^ self._length
        value = ((value ^ (value >> 16)) * 0x85EBCA6B) & _MASK32
        value = ((value ^ (value >> 13)) * 0xC2B2AE35) & _MASK32
        return (value ^ (value >> 16)).to_bytes(4, "little").hex()


class Murmur3x64(_Blocks):
    """Murmur3, 128 bits, the variant for 64-bit machines."""

    _width = 16
    _C1, _C2 = 0x87C37B91114253D5, 0x4CF5AD432745937F

    def __init__(self) -> None:
        super().__init__()
        self._first = self._second = 0

    def _mix(self, blocks: bytes) -> None:
        h1, h2 = self._first, self._second
        for k1, k2 in struct.iter_unpack("<QQ", blocks):
            h1 = ((_rotate(h1 ^ self._scramble1(k1), 27, 64) + h2) * 5 + 0x52DCE729) & _MASK64
            h2 = ((_rotate(h2 ^ self._scramble2(k2), 31, 64) + h1) * 5 + 0x38495AB5) & _MASK64
        self._first, self._second = h1, h2

    @classmethod
    def _scramble1(cls, k: int) -> int:
        return (_rotate((k * cls._C1) & _MASK64, 31, 64) * cls._C2) & _MASK64

    @classmethod
    def _scramble2(cls, k: int) -> int:
        return (_rotate((k * cls._C2) & _MASK64, 33, 64) * cls._C1) & _MASK64

    @staticmethod
    def _finish(k: int) -> int:
        k = ((k ^ (k >> 33)) * 0xFF51AFD7ED558CCD) & _MASK64
        k = ((k ^ (k >> 33)) * 0xC4CEB9FE1A85EC53) & _MASK64
        return k ^ (k >> 33)

    def hexdigest(self) -> str:
        """Hexadecimal digits of the two little-endian halves."""
        k1, k2 = (int.from_bytes(self._rest[i : i + 8], "little") for i in (0, 8))
        h1 = self._first ^ self._scramble1(k1) ^ self._length
        h2 = self._second ^ self._scramble2(k2) ^ self._length
        h1 = (h1 + h2) & _MASK64
        h2 = (h2 + h1) & _MASK64
        h1, h2 = self._finish(h1), self._finish(h2)
        h1 = (h1 + h2) & _MASK64
        h2 = (h2 + h1) & _MASK64
        return struct.pack("<QQ", h1, h2).hex()
