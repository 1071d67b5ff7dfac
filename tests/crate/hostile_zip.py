"""Zips with one broken rule each, made byte by byte."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from tests.crate.valid import BAD_NAMES, PAYLOAD, Build, valid_files


@dataclass
class Member:
    """One member of a zip; what is None follows from the rest."""

    name: bytes
    data: bytes = b""
    flags: int = 0x0800
    method: int = 0
    attributes: int = 0o100644 << 16
    made_by: int = 0x0314
    crc: int | None = None
    size: int | None = None
    compressed: bytes | None = None
    extra: bytes = b""
    local_extra: bytes = b""
    #: Fields of the local header that differ: flags, method, crc, size, compressed.
    local: dict[str, int] = field(default_factory=dict)
    local_name: bytes | None = None
    #: Place of the local header, where the directory lies about it.
    offset: int | None = None
    disk: int = 0
    behind: bytes = b""


def plain_members() -> list[Member]:
    return [Member(name.encode(), data) for name, data in valid_files().items()]


def build_zip(
    members: list[Member], *, prefix: bytes = b"", suffix: bytes = b"", comment: bytes = b"", **end: int
) -> bytes:
    """Return a zip with the members exactly as they are described; ``end`` changes fields of its end."""
    out, directory = bytearray(prefix), b""
    for member in members:
        offset = len(out) if member.offset is None else member.offset
        out += _local_part(member)
        directory += _central_part(member, offset)
    count = len(members)
    fields = {
        "disk": 0,
        "start": 0,
        "here": count,
        "count": count,
        "size": len(directory),
        "offset": len(out),
    }
    fields.update({"comment_size": len(comment), **end})
    return bytes(out + directory + struct.pack("<4s4H2LH", b"PK\5\6", *fields.values()) + comment + suffix)


def _sums(member: Member) -> tuple[bytes, int, int]:
    """Return the stored bytes, the CRC-32 and the size of a member."""
    body = member.data if member.compressed is None else member.compressed
    crc = zlib.crc32(member.data) if member.crc is None else member.crc
    return body, crc, len(member.data) if member.size is None else member.size


def _local_part(member: Member) -> bytes:
    body, crc, size = _sums(member)
    fields = {"flags": member.flags, "method": member.method, "time": 0, "date": 0x21}
    fields.update({"crc": crc, "compressed": len(body), "size": size, **member.local})
    name = member.name if member.local_name is None else member.local_name
    sizes = (len(name), len(member.local_extra))
    header = struct.pack("<4s5H3L2H", b"PK\3\4", 20, *fields.values(), *sizes)
    return header + name + member.local_extra + body + member.behind


def _central_part(member: Member, offset: int) -> bytes:
    body, crc, size = _sums(member)
    kind = (member.made_by, 20, member.flags, member.method, 0, 0x21, crc, len(body), size)
    rest = (len(member.name), len(member.extra), 0, member.disk, 0, member.attributes, offset)
    return struct.pack("<4s6H3L5H2L", b"PK\1\2", *kind, *rest) + member.name + member.extra


def _zip_of(*extra: Member, **options: object) -> Build:
    return lambda path: path.write_bytes(build_zip([*plain_members(), *extra], **options))  # type: ignore[arg-type]


def _zip_changed(**changes: object) -> Build:
    """Change the first payload member."""

    def build(path: Path) -> None:
        members = plain_members()
        member = next(member for member in members if member.name == PAYLOAD.encode())
        for key, value in changes.items():
            setattr(member, key, value)
        path.write_bytes(build_zip(members))

    return build


def _zip_cut(size: int) -> Build:
    return lambda path: path.write_bytes(build_zip(plain_members())[:size])


def _overlap(path: Path) -> None:
    members = plain_members()
    members[2].offset = 0
    path.write_bytes(build_zip(members))


def _quoted(path: Path) -> None:
    """A member whose data hold another member, as overlap bombs do."""
    inner = Member(b"inner.txt", b"x" * 100)
    inner_bytes = build_zip([inner])
    members = [Member(b"outer.txt", inner_bytes), Member(b"inner.txt", inner.data, offset=39)]
    path.write_bytes(build_zip([*members, *plain_members()]))


def deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush()


def zip_cases() -> dict[str, Build]:
    unicode_path = struct.pack("<2HBL", 0x7075, 5 + 4, 1, zlib.crc32(PAYLOAD.encode())) + b"evil"
    zeros = bytes(4 << 20)
    names = {f"name-{key}": _zip_of(Member(name.encode(), b"x")) for key, name in BAD_NAMES.items()}
    return names | {
        "name-nul": _zip_of(Member(b"a\0b", b"x")),
        "name-empty": _zip_of(Member(b"", b"x")),
        "name-not-utf8": _zip_of(Member(b"a\xff", b"x")),
        "name-cp437": _zip_of(Member(b"gr\x94\xe1e.tif", b"x", flags=0)),
        "name-other-in-local-header": _zip_changed(local_name=b"fs999.evil.tif"),
        "name-by-extra-field": _zip_changed(extra=unicode_path),
        "name-by-local-extra-field": _zip_changed(local_extra=unicode_path),
        "twice": _zip_of(Member(PAYLOAD.encode(), b"x")),
        "folder-twice": _zip_of(*[Member(b"a/", attributes=0o40755 << 16)] * 2),
        "folder-like-file": _zip_of(Member(f"{PAYLOAD}/".encode(), attributes=0o40755 << 16)),
        "folder-with-data": _zip_of(Member(b"a/", b"x", attributes=0o40755 << 16)),
        "link": _zip_changed(attributes=0o120777 << 16),
        "device": _zip_changed(attributes=0o060600 << 16),
        "fifo": _zip_changed(attributes=0o010600 << 16),
        "socket": _zip_changed(attributes=0o140600 << 16),
        "file-that-says-folder": _zip_changed(attributes=0o040755 << 16),
        "encrypted": _zip_changed(flags=0x0801, local={"flags": 0x0801}),
        "strongly-encrypted": _zip_changed(flags=0x0841),
        "masked-headers": _zip_changed(flags=0x2800),
        "patched": _zip_changed(flags=0x0820),
        "aes": _zip_changed(method=99, extra=struct.pack("<2H7s", 0x9901, 7, b"\2\0AE\3\0\0")),
        "bzip2": _zip_changed(method=12),
        "lzma": _zip_changed(method=14),
        "zstd": _zip_changed(method=93),
        "method-differs": _zip_changed(local={"method": 8}),
        "flags-differ": _zip_changed(local={"flags": 0}),
        "crc-differs": _zip_changed(local={"crc": 1}),
        "size-differs": _zip_changed(local={"size": 1}),
        "compressed-size-differs": _zip_changed(local={"compressed": 1}),
        "two-sizes": _zip_changed(size=999, local={"size": 999}),
        "size-missing": _zip_changed(size=0xFFFFFFFF),
        "offset-behind-end": _zip_changed(offset=0x7FFFFFFF),
        "extra-field-cut": _zip_changed(extra=b"\1\0\xff\0"),
        "extra-field-short": _zip_changed(extra=b"\1"),
        "other-disk": _zip_changed(disk=1),
        "overlap": _overlap,
        "quoted": _quoted,
        "gap": _zip_changed(behind=b"hidden"),
        "prefix": _zip_of(prefix=b"#!/bin/sh\n"),
        "suffix": _zip_of(suffix=b"hidden"),
        "comment-too-short": _zip_of(comment=b"hidden", comment_size=3),
        "end-in-comment": _zip_of(comment=b"PK\5\6" + bytes(18) + b"x"),
        "count-too-high": _zip_of(here=99, count=99),
        "count-too-low": _zip_of(here=1, count=1),
        "count-huge": _zip_of(here=0xFFFF, count=0xFFFF),
        "several-disks": _zip_of(disk=1),
        "directory-size": _zip_of(size=50),
        "directory-offset": _zip_of(offset=0),
        "cut-end": _zip_cut(-10),
        "cut-directory": _zip_cut(-200),
        "cut-data": _zip_cut(500),
        "cut-header": _zip_cut(20),
        "bomb": _zip_of(Member(b"bomb", zeros, method=8, compressed=deflate(zeros))),
    }  # fmt: skip
