"""Tars with one broken rule each."""

from __future__ import annotations

import tarfile
import zlib

from tests.crate.valid import BAD_NAMES, PAYLOAD, Build, valid_files


def _tar_header(name: str, size: int, **fields: object) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    for key, value in fields.items():
        setattr(info, key, value)
    return info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "surrogateescape")


def _tar_member(name: str, data: bytes = b"", **fields: object) -> bytes:
    return _tar_header(name, len(data), **fields) + data + bytes(-len(data) % 512)


def _long_member(name: str, data: bytes) -> bytes:
    """A member with any bytes as its name, whatever the library allows."""
    header = bytearray(_tar_header("x", len(data)))
    raw = name.encode()[:100]
    header[0:100] = raw + bytes(100 - len(raw))
    return bytes(_resum(header)) + data + bytes(-len(data) % 512)


def _resum(header: bytearray) -> bytearray:
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return header


def build_tar(*extra: bytes, end: bytes = bytes(1024), first: bytes = b"") -> bytes:
    """Return the valid crate as a tar, with more members before its end."""
    return first + b"".join(_tar_member(*item) for item in valid_files().items()) + b"".join(extra) + end


def _tar_of(*extra: bytes, **options: bytes) -> Build:
    return lambda path: path.write_bytes(build_tar(*extra, **options))


def _pax(key: str, value: str, kind: bytes = tarfile.XHDTYPE) -> bytes:
    body = f" {key}={value}\n"
    size = len(body.encode())
    size += len(str(size + len(str(size))))
    return _tar_member("PaxHeader/x", f"{size}{body}".encode(), type=kind)


def _pax_raw(data: bytes) -> bytes:
    return _tar_member("PaxHeader/x", data, type=tarfile.XHDTYPE)


def tar_cases() -> dict[str, Build]:
    kinds = {
        "hard-link": b"1", "link": b"2", "character-device": b"3", "block-device": b"4", "fifo": b"6",
        "contiguous": b"7", "long-name": b"L", "long-link": b"K", "sparse": b"S", "volume": b"V",
        "multi-volume": b"M", "dump": b"D", "solaris-extension": b"X", "unknown": b"Z",
    }  # fmt: skip
    types = {
        f"type-{key}": _tar_of(_tar_member("evil.txt", b"x", type=kind, linkname="/etc/passwd"))
        for key, kind in kinds.items()
    }
    fits = {key: name for key, name in BAD_NAMES.items() if not key.startswith("long")}
    names = {f"name-{key}": _tar_of(_long_member(name, b"x")) for key, name in fits.items()}
    negative = bytearray(_tar_header("evil.txt", 0))
    negative[124:136] = b"\xff" * 11 + b"\x00"
    huge = bytearray(_tar_header("evil.txt", 0))
    huge[124:136] = b"\x80" + b"\x7f" * 11
    damaged = bytearray(_tar_header("evil.txt", 0))
    damaged[0] ^= 1
    old = bytearray(_tar_header("evil.txt", 0))
    old[257:265] = bytes(8)
    settings = {
        "path": "../evil.txt", "size": "1", "linkpath": "/etc/passwd", "hdrcharset": "BINARY",
        "GNU.sparse.name": "evil", "GNU.sparse.realsize": "99", "SCHILY.xattr.user.x": "y",
    }  # fmt: skip
    pax = {
        f"pax-{key}": _tar_of(_pax(key, value), _tar_member("x.txt", b"x")) for key, value in settings.items()
    }
    return (
        types
        | names
        | pax
        | {
            "name-not-utf8": _tar_of(_tar_member("a\udcff", b"x")),
            "twice": _tar_of(_tar_member(PAYLOAD, b"x")),
            "twice-with-dot": _tar_of(_tar_member(f"./{PAYLOAD}", b"x")),
            "folder-twice": _tar_of(*[_tar_member("a/", type=b"5")] * 2),
            "folder-like-file": _tar_of(_tar_member(PAYLOAD, type=b"5")),
            "folder-with-data": _tar_of(_tar_member("a/", b"x", type=b"5")),
            "pax-global-path": _tar_of(first=_pax("path", "evil", tarfile.XGLTYPE)),
            "pax-length-too-high": _tar_of(_pax_raw(b"99 mtime=1\n")),
            "pax-length-zero": _tar_of(_pax_raw(b"0 mtime=1\n")),
            "pax-no-record": _tar_of(_pax_raw(b"hello")),
            "pax-long": _tar_of(_pax("comment", "x" * 70_000)),
            "size-negative": _tar_of(bytes(_resum(negative))),
            "size-huge": _tar_of(bytes(_resum(huge))),
            "header-damaged": _tar_of(bytes(damaged)),
            "header-of-old-tar": _tar_of(bytes(_resum(old))),
            "no-end": _tar_of(end=b""),
            "half-end": _tar_of(end=bytes(512)),
            "suffix": _tar_of(end=bytes(1024) + b"hidden" + bytes(506)),
            "second-archive": _tar_of(end=bytes(1024) + _tar_member("hidden.txt", b"x") + bytes(1024)),
            "cut": lambda path: path.write_bytes(build_tar()[:1500]),
            "compressed": lambda path: path.write_bytes(zlib.compress(build_tar())),
        }
    )
