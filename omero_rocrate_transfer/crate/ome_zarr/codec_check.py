"""Which codecs may unpack chunks from outside: some, like pickle, would run what is in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

#: Names in Zarr v3 (core codecs, and those that numcodecs registers) and in Zarr v2 alike.
_SAFE: Final = frozenset(
    {
        *("blosc", "bytes", "bz2", "crc32c", "delta", "endian", "gzip", "lz4", "lzma", "shuffle"),
        *("sharding_indexed", "transpose", "zlib", "zstd"),
    }
)
#: numpy's names of numbers of one to eight bytes.
_NUMBERS: Final = re.compile(r"[<>|=]?[biuf][1248]\Z", re.ASCII)


def find_unsafe_codecs(array: Mapping[str, Any]) -> list[str]:
    """Return the names of codecs that are not known to be harmless.

    Parameters
    ----------
    array
        Metadata of the array as they stand, whose depth the caller limits.
    """
    if array.get("zarr_format") == 2:
        codecs = [array.get("compressor"), *_listed(array.get("filters"))]
        found = [("id", codec, codec) for codec in codecs if codec is not None]
    else:
        found = [("name", codec, config) for codec, config in _iter_v3(array.get("codecs"))]
    return sorted({_name(codec, key) for key, codec, config in found if not _is_safe(codec, config, key)})


def _listed(value: object) -> Iterable[Any]:
    """Return the items of a list; anything else that zarr would walk through counts as a codec."""
    if value is None:
        return ()
    return value if isinstance(value, list) else [value]


def _name(codec: object, key: str) -> str:
    # Zarr v3 takes a codec without a configuration as its bare name
    return str(codec.get(key) if isinstance(codec, dict) else codec)


def _is_safe(codec: object, config: object, key: str) -> bool:
    name = _name(codec, key).removeprefix("numcodecs.")
    if name == "delta":
        # it makes an array of whatever type it is told
        types = [config.get(one) for one in ("dtype", "astype")] if isinstance(config, dict) else [None]
        return all(one is None or (isinstance(one, str) and _NUMBERS.match(one)) for one in types)
    return name in _SAFE


def _iter_v3(codecs: object) -> Iterator[tuple[object, object]]:
    """Yield codecs with their configurations, and those inside shards."""
    for codec in _listed(codecs):
        config = codec.get("configuration") if isinstance(codec, dict) else None
        yield codec, config
        if isinstance(config, dict):
            for key in ("codecs", "index_codecs"):
                yield from _iter_v3(config.get(key))
