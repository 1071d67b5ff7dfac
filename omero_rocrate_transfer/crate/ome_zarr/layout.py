"""How an image is cut up: levels of the pyramid, shards, chunks, codecs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from omero_rocrate_transfer.model.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

    Codec = BloscCodec | ZstdCodec | GzipCodec

#: The smallest level has no side longer than this.
SMALLEST_SIDE: Final = 256
#: Zarr's default key encoding holds any number of levels; more than this no image needs.
MAX_LEVELS: Final = 24

_COMPRESSION = re.compile(r"(?P<name>none|zstd|gzip|blosc(?:-(?:zstd|lz4|zlib))?)(?::(?P<level>\d{1,2}))?\Z")
_CNAMES: Final[dict[str, Literal["zstd", "lz4", "zlib"]]] = {
    "": "zstd",
    "zstd": "zstd",
    "lz4": "lz4",
    "zlib": "zlib",
}
_LEVELS = {"zstd": (1, 22), "gzip": (1, 9), "blosc": (1, 9)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ZarrLayout:
    """How arrays are stored."""

    #: Side of a chunk in y and x, pixels.
    chunk: int = 512
    #: Side of a shard in y and x, pixels; as large as the chunk or larger. Each shard is one file.
    shard: int = 1024
    #: ``none``, ``zstd[:LEVEL]``, ``gzip[:LEVEL]``, ``blosc[-zstd|-lz4|-zlib][:LEVEL]``.
    compression: str = "blosc-zstd:5"

    def __post_init__(self) -> None:
        # Powers of two: chunks divide shards, and shards lie on the grid of the plane digests' squares.
        if self.chunk & (self.chunk - 1) or not 64 <= self.chunk <= 4096:
            raise UsageError(
                f"--chunk {self.chunk} is not possible.", hint="Take a power of two, 64 to 4096."
            )
        if self.shard & (self.shard - 1) or not max(256, self.chunk) <= self.shard <= 8192:
            raise UsageError(
                f"A shard of {self.shard} pixels is not possible with --chunk {self.chunk}.",
                hint="Take a power of two from the chunk (at least 256) to 8192.",
            )
        _parse_compression(self.compression)

    def shard_side(self, height: int, width: int) -> int:
        """Side of the shards of a level: no larger than needed, so that small images stay small."""
        chunks = -(-max(height, width) // self.chunk)
        return min(self.shard, max(1, chunks) * self.chunk)


def codecs(compression: str, dtype: np.dtype[np.generic]) -> tuple[Codec, ...]:
    """Return the compressors of a chunk.

    The default, blosc with zstd and bitshuffle, is a core codec of Zarr v3 and gave the smallest files of
    microscopy-like data; plain ``zstd`` is not a core codec, yet all readers in use know it.

    Raises
    ------
    UsageError
        The text names no compression known here.
    """
    from zarr.codecs import BloscCodec, BloscShuffle, GzipCodec, ZstdCodec

    name, inner, level = _parse_compression(compression)
    match name:
        case "none":
            return ()
        case "zstd":
            return (ZstdCodec(level=level),)
        case "gzip":
            return (GzipCodec(level=level),)
    shuffle = BloscShuffle.bitshuffle
    return (BloscCodec(cname=_CNAMES[inner], clevel=level, shuffle=shuffle, typesize=dtype.itemsize),)


def _parse_compression(compression: str) -> tuple[str, str, int]:
    """Return codec, the codec inside of blosc, and level.

    Raises
    ------
    UsageError
        They are not known here.
    """
    match = _COMPRESSION.match(compression)
    if match is None:
        raise UsageError(
            f"--compression {compression!r} is not known.",
            hint="Take none, zstd:3, gzip:5, blosc-zstd:5 or blosc-lz4:5.",
        )
    name, _, inner = match["name"].partition("-")
    if name == "none":
        return name, inner, 0
    lowest, highest = _LEVELS[name]
    level = int(match["level"] or {"zstd": 3}.get(name, 5))
    if not lowest <= level <= highest:
        raise UsageError(
            f"--compression {compression!r}: the level must be {lowest} to {highest}.", hint="Change it."
        )
    return name, inner, level


def level_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Return ``(height, width)`` of each level, largest first, halved (rounded up) to `SMALLEST_SIDE`."""
    sizes = [(height, width)]
    while max(sizes[-1]) > SMALLEST_SIDE and len(sizes) < MAX_LEVELS:
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    return sizes
