"""Unpacks chunks in bounded memory: no codec may give more bytes than the array declares.

A few kilobytes of bzip2 become gigabytes, so a size is looked up before anything is unpacked, or unpacking
stops where it is exceeded. Only the codecs that can grow are here; the others give what they get.
"""

from __future__ import annotations

import asyncio
import bz2
import lzma
import math
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

import numcodecs
import numpy as np
import zarr
from zarr import AsyncArray
from zarr.abc.codec import BytesBytesCodec
from zarr.codecs import ShardingCodec
from zarr.core.metadata import ArrayV2Metadata, ArrayV3Metadata
from zarr.storage import StorePath

if TYPE_CHECKING:
    from zarr.abc.codec import Codec
    from zarr.abc.store import Store
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer

#: What a codec may add to bytes that it cannot make smaller, where others come after it.
_OVERHEAD_BYTES: Final = 4096
#: Dictionary that LZMA may ask for: twice that of its highest preset.
_LZMA_BYTES: Final = 128 << 20
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_UNKNOWN: Final = -1


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


def bound_array(array: zarr.Array[Any], store: Store) -> zarr.Array[Any]:
    """Return the array with codecs that unpack no more than a chunk of it takes.

    Parameters
    ----------
    store
        Where its chunks are read from.
    """
    metadata: Any = array.metadata
    if isinstance(metadata, ArrayV2Metadata):
        listed = (metadata.compressor, *(metadata.filters or ()))
        widest = max(
            [array.dtype.itemsize, *(8 for one in listed if getattr(one, "codec_id", "") == "delta")]
        )
        bound = partial(_bound_v2, size_bytes=math.prod(metadata.chunks) * widest)
        filters = None if metadata.filters is None else tuple(map(bound, metadata.filters))
        compressor = None if metadata.compressor is None else bound(metadata.compressor)
        metadata = replace(metadata, filters=filters, compressor=compressor)
    elif isinstance(metadata, ArrayV3Metadata):
        metadata = replace(metadata, codecs=tuple(map(_bound_v3, metadata.codecs)))
    inner = array.async_array
    place = StorePath(store, inner.store_path.path)
    return zarr.Array(AsyncArray(metadata=metadata, store_path=place, config=inner.config))


def unpack(codec: str, config: Mapping[str, Any], data: bytes, size_bytes: int) -> bytes:
    """Unpack bytes with one of the codecs that can grow.

    Parameters
    ----------
    codec
        Name in numcodecs: ``"bz2"``.
    config
        Of the codec, as numcodecs has it.
    size_bytes
        What the array declares; a little more is allowed, for codecs that come after this one.

    Raises
    ------
    ValueError
        The bytes are damaged, or give more than that.
    """
    limit = size_bytes + size_bytes // 16 + _OVERHEAD_BYTES
    if codec in _STREAMS:
        return _STREAMS[codec](config, data, limit)
    found = _SIZES[codec](data)
    if found > limit:
        raise ValueError(f"they would be {found} bytes, and {size_bytes} are declared")
    decoder = numcodecs.get_codec({"id": codec})
    if found == _UNKNOWN:
        room = bytearray(size_bytes)
        decoder.decode(data, out=room)
        return bytes(room)
    return bytes(decoder.decode(data))


def is_bounded(codec: str) -> bool:
    """Tell whether a codec, by its name in numcodecs, is one of those that can grow."""
    return codec in _STREAMS or codec in _SIZES


def _drain(make: Callable[[], _Decompressor], data: bytes, limit: int, *, several: bool) -> bytes:
    """Unpack one stream, or one after the other until what follows is none."""
    parts: list[bytes] = []
    left = limit
    while True:
        stream = make()
        try:
            part = stream.decompress(data, left + 1)
        except (OSError, lzma.LZMAError, zlib.error):
            if parts:
                break
            raise
        left -= len(part)
        if left < 0:
            raise ValueError(f"they would be more than {limit} bytes, which is more than declared")
        if not stream.eof:
            raise ValueError("they end early")
        parts.append(part)
        data = stream.unused_data
        if not several or not data.strip(b"\0"):
            break
    return b"".join(parts)


def _unpack_lzma(config: Mapping[str, Any], data: bytes, limit: int) -> bytes:
    kind, filters = config.get("format", lzma.FORMAT_XZ), config.get("filters")
    raw = kind == lzma.FORMAT_RAW
    sizes = [one.get("dict_size") or 0 for one in filters or () if isinstance(one, Mapping)]
    if raw and not all(isinstance(size, int) and size <= _LZMA_BYTES for size in sizes):
        raise ValueError(f"they need a dictionary of more than {_LZMA_BYTES} bytes")
    options: dict[str, Any] = {"filters": filters} if raw else {"memlimit": _LZMA_BYTES}
    return _drain(partial(lzma.LZMADecompressor, kind, **options), data, limit, several=not raw)


_STREAMS: Final[Mapping[str, Callable[[Mapping[str, Any], bytes, int], bytes]]] = {
    "bz2": lambda _, data, limit: _drain(bz2.BZ2Decompressor, data, limit, several=True),
    "gzip": lambda _, data, limit: _drain(
        partial(zlib.decompressobj, 16 + zlib.MAX_WBITS), data, limit, several=True
    ),
    "lzma": _unpack_lzma,
    "zlib": lambda _, data, limit: _drain(zlib.decompressobj, data, limit, several=False),
}


def _size_lz4(data: bytes) -> int:
    """Return the size that numcodecs puts before a block of LZ4."""
    if len(data) < 4:
        raise ValueError("they end early")
    return int.from_bytes(data[:4], "little")


def _size_blosc(data: bytes) -> int:
    """Return the size in a Blosc header (c-blosc, README_CHUNK_FORMAT.rst), whose bytes must be there."""
    if len(data) < 16 or int.from_bytes(data[12:16], "little") > len(data):
        raise ValueError("they end early")
    return int.from_bytes(data[4:8], "little")


def _size_zstd(data: bytes) -> int:
    """Return the size in the header of a frame (RFC 8878, 3.1.1.1), or -1 where it is left out."""
    if len(data) < 6 or not data.startswith(_ZSTD_MAGIC):
        raise ValueError("they are not a frame of Zstandard")
    flags = data[4]
    single, kind = bool(flags & 0x20), flags >> 6
    if not single and kind == 0:
        return _UNKNOWN
    start = 5 + (not single) + (0, 1, 2, 4)[flags & 3]
    width = (1, 2, 4, 8)[kind]
    if len(data) < start + width:
        raise ValueError("they end early")
    return int.from_bytes(data[start : start + width], "little") + (256 if width == 2 else 0)


_SIZES: Final[Mapping[str, Callable[[bytes], int]]] = {
    "blosc": _size_blosc,
    "lz4": _size_lz4,
    "zstd": _size_zstd,
}


def _bound_v2(codec: Any, size_bytes: int) -> Any:
    return _BoundedV2(codec, size_bytes) if is_bounded(codec.codec_id) else codec


class _BoundedV2:
    """A compressor of Zarr v2 that only unpacks; a ``numcodecs.abc.Codec`` in all but its base class."""

    codec_id = "bounded"

    def __init__(self, codec: Any, size_bytes: int) -> None:
        self._codec, self._size_bytes = codec, size_bytes

    def decode(self, buf: Any, out: Any = None) -> bytes:
        """Unpack a chunk."""
        del out
        config = self._codec.get_config()
        return unpack(self._codec.codec_id, config, _to_bytes(buf), self._size_bytes)

    def encode(self, buf: Any) -> bytes:
        """Raise an error: arrays from outside are only read."""
        raise NotImplementedError(self._codec.codec_id)

    def get_config(self) -> Any:
        """Return what the codec says of itself."""
        return self._codec.get_config()

    @classmethod
    def from_config(cls, config: Any) -> Self:
        """Raise an error: it is made of a codec."""
        raise NotImplementedError(str(config))


def _bound_v3(codec: Codec) -> Codec:
    if isinstance(codec, ShardingCodec):
        return ShardingCodec(
            chunk_shape=codec.chunk_shape,
            codecs=_bound_all(codec.codecs),
            index_codecs=_bound_all(codec.index_codecs),
            index_location=codec.index_location,
        )
    config = codec.to_dict()
    name = str(config.get("name")).removeprefix("numcodecs.")
    if not isinstance(codec, BytesBytesCodec) or not is_bounded(name):
        return codec
    return _BoundedV3(codec, name)


def _bound_all(codecs: Iterable[Codec]) -> tuple[Codec, ...]:
    return tuple(map(_bound_v3, codecs))


@dataclass(frozen=True)
class _BoundedV3(BytesBytesCodec):
    """A compressor of Zarr v3 that only unpacks."""

    codec: BytesBytesCodec
    name: str
    is_fixed_size = False

    def to_dict(self) -> dict[str, Any]:
        return self.codec.to_dict()

    def evolve_from_array_spec(self, array_spec: ArraySpec) -> Self:
        return replace(self, codec=self.codec.evolve_from_array_spec(array_spec))

    async def _decode_single(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> Buffer:
        config: Any = self.codec.to_dict().get("configuration")
        size_bytes = math.prod(chunk_spec.shape) * chunk_spec.dtype.to_native_dtype().itemsize
        data = await asyncio.to_thread(unpack, self.name, config or {}, chunk_data.to_bytes(), size_bytes)
        return chunk_spec.prototype.buffer.from_bytes(data)

    def compute_encoded_size(self, input_byte_length: int, _chunk_spec: ArraySpec) -> int:
        raise NotImplementedError


def _to_bytes(data: Any) -> bytes:
    return bytes(np.ascontiguousarray(data).view("u1").data)
