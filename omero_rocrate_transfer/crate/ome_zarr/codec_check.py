"""Which codecs may unpack chunks from outside: some, like pickle, would run what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import zarr

#: Names in Zarr v3 (core codecs, and those that numcodecs registers) and in Zarr v2 alike.
_SAFE: Final = frozenset(
    {
        *("blosc", "bytes", "bz2", "crc32c", "delta", "endian", "gzip", "lz4", "lzma", "shuffle"),
        *("sharding_indexed", "transpose", "zlib", "zstd"),
    }
)


def find_unsafe_codecs(array: zarr.Array[Any]) -> list[str]:
    """Return the names of codecs of an array that are not known to be harmless."""
    metadata = array.metadata.to_dict()
    if metadata.get("zarr_format") == 2:
        filters: Any = metadata.get("filters")
        listed = [metadata.get("compressor"), *(filters or ())]
        names = [_name_v2(codec) for codec in listed if codec is not None]
    else:
        names = list(_iter_v3(metadata.get("codecs")))
    return sorted({name for name in names if name.removeprefix("numcodecs.") not in _SAFE})


def _name_v2(codec: Any) -> str:
    name = codec.get("id") if isinstance(codec, dict) else getattr(codec, "codec_id", None)
    return str(name)


def _iter_v3(codecs: Any) -> Iterator[str]:
    """Yield the names of codecs and of those inside shards."""
    listed: Iterable[Any] = codecs or ()
    for codec in listed:
        yield str(codec.get("name"))
        inside = codec.get("configuration") or {}
        for key in ("codecs", "index_codecs"):
            yield from _iter_v3(inside.get(key))
