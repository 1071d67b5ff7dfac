"""Generators of hostile archives: every case is one broken rule in an otherwise valid crate."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.crate.worlds import pack_world

Build = Callable[[Path], None]
PAYLOAD = "fs101.zellen_gro_e_1.ome.tif"

BAD_NAMES = {
    "climbing": "../escaped.txt",
    "climbing-inside": "a/../../escaped.txt",
    "absolute": "/tmp/escaped.txt",
    "unc": "//host/share/x",
    "drive": "C:/x.txt",
    "backslash": "..\\escaped.txt",
    "dot": "a/./x",
    "empty-part": "a//x",
    "control": "a\x1b[2J.txt",
    "line-feed": "a\n.txt",
    "tilde": "~root.txt",
    "trailing-dot": "x.",
    "trailing-space": "x ",
    "device": "aux.txt",
    "stream": "x.tif:y",
    "decomposed": "e\u0301.tif",
    "long-part": "x" * 256,
    "long-path": "/".join(["x" * 200] * 21),
    "case-pair": "FS101.ZELLEN_GRO_E_1.OME.TIF",
    "below-a-file": f"{PAYLOAD}/x",
    "other-metadata": "RO-Crate-Metadata.json",
    "unlisted": "extra.txt",
}


@cache
def valid_files() -> Mapping[str, bytes]:
    """Return the files of a valid crate, by name."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "crate"
        pack_world(path)
        return {file.name: file.read_bytes() for file in sorted(path.iterdir())}


# --- zip -------------------------------------------------------------------------------------------------


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
    #: Fields of the local header that differ: name, flags, method, crc, size, compressed size.
    local: dict[str, object] = field(default_factory=dict)
    #: Place of the local header, where the directory lies about it.
    offset: int | None = None
    disk: int = 0
    behind: bytes = b""


def plain_members() -> list[Member]:
    return [Member(name.encode(), data) for name, data in valid_files().items()]


def build_zip(
    members: list[Member], *, prefix: bytes = b"", suffix: bytes = b"", comment: bytes = b"", **end: int
) -> bytes:
    """Return a zip with the members exactly as they are described."""
    out, directory = io.BytesIO(), b""
    out.write(prefix)
    for member in members:
        offset = out.tell() if member.offset is None else member.offset
        body = member.data if member.compressed is None else member.compressed
        crc = zlib.crc32(member.data) if member.crc is None else member.crc
        size = len(member.data) if member.size is None else member.size
        given = {
            "name": member.name,
            "flags": member.flags,
            "method": member.method,
            "crc": crc,
            "compressed": len(body),
            "size": size,
            **member.local,
        }
        name = given["name"]
        assert isinstance(name, bytes)
        numbers = (given["flags"], given["method"], 0, 0x21, given["crc"], given["compressed"], given["size"])
        out.write(struct.pack("<4s5H3L2H", b"PK\3\4", 20, *numbers, len(name), len(member.local_extra)))
        out.write(name + member.local_extra + body + member.behind)
        directory += (
            struct.pack(
                "<4s6H3L5H2L",
                b"PK\1\2",
                member.made_by,
                20,
                member.flags,
                member.method,
                0,
                0x21,
                crc,
                len(body),
                size,
                len(member.name),
                len(member.extra),
                0,
                member.disk,
                0,
                member.attributes,
                offset,
            )
            + member.name
            + member.extra
        )
    count = len(members)
    numbers = {
        "disk": 0,
        "start": 0,
        "here": count,
        "count": count,
        "size": len(directory),
        "offset": out.tell(),
        **end,
    }
    comment_size = end.get("comment_size", len(comment))
    numbers.pop("comment_size", None)
    out.write(
        directory + struct.pack("<4s4H2LH", b"PK\5\6", *numbers.values(), comment_size) + comment + suffix
    )
    return out.getvalue()


def _zip_of(*extra: Member, **options: object) -> Build:
    return lambda path: _write(path, build_zip([*plain_members(), *extra], **options))  # type: ignore[arg-type]


def _zip_changed(**changes: object) -> Build:
    """Change the first payload member."""

    def build(path: Path) -> None:
        members = plain_members()
        member = next(member for member in members if member.name == PAYLOAD.encode())
        for key, value in changes.items():
            setattr(member, key, value)
        _write(path, build_zip(members))

    return build


def _zip_cut(size: int) -> Build:
    return lambda path: _write(path, build_zip(plain_members())[:size])


def _overlap(path: Path) -> None:
    members = plain_members()
    members[2].offset = 0
    _write(path, build_zip(members))


def _quoted(path: Path) -> None:
    """A member whose data hold another member, as overlap bombs do."""
    inner = Member(b"inner.txt", b"x" * 100)
    inner_bytes = build_zip([inner])
    members = [Member(b"outer.txt", inner_bytes), Member(b"inner.txt", inner.data, offset=39)]
    _write(path, build_zip([*members, *plain_members()]))


def _deflated(data: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush()


def _zip_cases() -> dict[str, Build]:
    unicode_path = struct.pack("<2HBL", 0x7075, 5 + 4, 1, zlib.crc32(PAYLOAD.encode())) + b"evil"
    zeros = bytes(4 << 20)
    names = {f"name-{key}": _zip_of(Member(name.encode(), b"x")) for key, name in BAD_NAMES.items()}
    return names | {
        "name-nul": _zip_of(Member(b"a\0b", b"x")),
        "name-empty": _zip_of(Member(b"", b"x")),
        "name-not-utf8": _zip_of(Member(b"a\xff", b"x")),
        "name-cp437": _zip_of(Member(b"gr\x94\xe1e.tif", b"x", flags=0)),
        "name-other-in-local-header": _zip_changed(local={"name": b"fs999.evil.tif"}),
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
        "bomb": _zip_of(Member(b"bomb", zeros, method=8, compressed=_deflated(zeros))),
    }  # fmt: skip


# --- tar -------------------------------------------------------------------------------------------------


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
    return lambda path: _write(path, build_tar(*extra, **options))


def _pax(key: str, value: str, kind: bytes = tarfile.XHDTYPE) -> bytes:
    body = f" {key}={value}\n"
    size = len(body.encode())
    size += len(str(size + len(str(size))))
    return _tar_member("PaxHeader/x", f"{size}{body}".encode(), type=kind)


def _pax_raw(data: bytes) -> bytes:
    return _tar_member("PaxHeader/x", data, type=tarfile.XHDTYPE)


def _tar_cases() -> dict[str, Build]:
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
            "cut": lambda path: _write(path, build_tar()[:1500]),
            "compressed": lambda path: _write(path, zlib.compress(build_tar())),
        }
    )


# --- folder ----------------------------------------------------------------------------------------------


def write_folder(path: Path) -> None:
    """Write the valid crate as a folder."""
    path.mkdir()
    for name, data in valid_files().items():
        (path / name).write_bytes(data)


def _folder_with(change: Callable[[Path], object]) -> Build:
    def build(path: Path) -> None:
        write_folder(path)
        change(path)

    return build


def _add(name: str) -> Build:
    return _folder_with(lambda path: (path / name).write_bytes(b"x"))


def _replace_by_link(path: Path) -> None:
    outside = path.with_name("outside.tif")
    (path / PAYLOAD).rename(outside)
    (path / PAYLOAD).symlink_to(outside)


def _folder_link(path: Path) -> None:
    (path / "image1.ome.zarr").symlink_to(path.parent, target_is_directory=True)


def _deep(path: Path) -> None:
    folder = path.joinpath(*["x"] * 60)
    folder.mkdir(parents=True)
    (folder / "y").touch()


def _folder_cases() -> dict[str, Build]:
    can_be = ("backslash", "control", "line-feed", "tilde", "trailing-dot", "trailing-space", "device", "stream",
              "decomposed", "case-pair", "other-metadata", "unlisted")  # fmt: skip
    return {f"name-{key}": _add(BAD_NAMES[key]) for key in can_be} | {
        "link": _folder_with(_replace_by_link),
        "link-into-nowhere": _folder_with(lambda path: (path / "x.tif").symlink_to("nowhere")),
        "link-to-folder": _folder_with(_folder_link),
        "fifo": _folder_with(lambda path: os.mkfifo(path / "x.tif")),
        "fifo-as-metadata": _folder_with(
            lambda path: (
                (path / "ro-crate-metadata.json").unlink(),
                os.mkfifo(path / "ro-crate-metadata.json"),
            )
        ),
        "folder-as-metadata": _folder_with(
            lambda path: (
                (path / "ro-crate-metadata.json").unlink(),
                (path / "ro-crate-metadata.json").mkdir(),
            )
        ),
        "not-utf8": _folder_with(lambda path: Path(os.fsdecode(os.fsencode(path) + b"/a\xff")).touch()),
        "deep": _folder_with(_deep),
        "missing-file": _folder_with(lambda path: (path / PAYLOAD).unlink()),
        "missing-document": _folder_with(lambda path: (path / "fs101.ome.xml").unlink()),
        "missing-manifest": _folder_with(lambda path: (path / "manifest-sha256.txt").unlink()),
        "missing-metadata": _folder_with(lambda path: (path / "ro-crate-metadata.json").unlink()),
        "other-size": _folder_with(lambda path: (path / PAYLOAD).write_bytes(b"x")),
        "empty": lambda path: path.mkdir(),
    }


def _other_cases() -> dict[str, Build]:
    return {
        "empty-file": lambda path: path.touch(),
        "text": lambda path: _write(path, b"hello"),
        "short": lambda path: _write(path, b"PK"),
        "only-zip-end": lambda path: _write(path, build_zip([])),
        "gzip": lambda path: _write(path, b"\x1f\x8b\x08" + bytes(600)),
        "device-path": lambda path: path.symlink_to("/dev/zero"),
        "fifo-path": lambda path: os.mkfifo(path),
    }


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


CASES: dict[str, Build] = {
    f"{kind}-{name}": build
    for kind, cases in (
        ("zip", _zip_cases()),
        ("tar", _tar_cases()),
        ("folder", _folder_cases()),
        ("other", _other_cases()),
    )
    for name, build in cases.items()
}
