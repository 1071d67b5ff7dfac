"""Names of the members of zips, as this program and others write them (APPNOTE 6.3.10)."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.archives.base import unsafe_member

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Flag of names in UTF-8 (4.4.4, bit 11).
_UTF8: Final = 0x0800
#: Extra field "Info-ZIP Unicode Path" (4.6.9).
UNICODE_PATH: Final = 0x7075
_TOO_LONG: Final = 0xFFFF


def decode_name(raw: bytes, flags: int) -> str:
    """Return the name of a member of a crate of ours.

    Raises
    ------
    UnsafeCrateError
        It is not UTF-8, or has other letters without saying that it is.
    """
    try:
        return raw.decode("utf-8" if flags & _UTF8 else "ascii")
    except UnicodeDecodeError:
        raise unsafe_member(raw.decode("latin-1"), "has a name that is not UTF-8") from None


def decode_foreign(raw: bytes, flags: int, extra: bytes) -> str:
    """Return the name as other programs mean it: in code page 437, or in an extra field.

    APPNOTE 6.3.10, appendix D: without the flag of UTF-8 a name is in code page 437; 4.6.9: the field
    "Info-ZIP Unicode Path" counts if its CRC-32 is that of the plain name. 4.4.17.1 wants slashes, but some
    programs for Windows write backslashes.
    """
    encoding = "utf-8" if flags & _UTF8 else "cp437"
    plain = b"\x01" + zlib.crc32(raw).to_bytes(4, "little")
    for kind, data in iter_extras(extra):
        if kind == UNICODE_PATH and data.startswith(plain):
            raw, encoding = data[5:], "utf-8"
            break
    else:
        if encoding != "utf-8" and _is_utf8(raw):
            # written on a system whose names are UTF-8, by a program that does not set the flag
            encoding = "utf-8"
    name = raw.decode(encoding, "surrogateescape")
    return name if "/" in name else name.replace("\\", "/")


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def iter_extras(extra: bytes) -> Iterator[tuple[int | None, bytes]]:
    """Yield kind and data of each extra field, None as kind if the rest is damaged."""
    while extra:
        kind, size = struct.unpack_from("<2H", extra) if len(extra) >= 4 else (0, _TOO_LONG)
        if 4 + size > len(extra):
            yield None, b""
            return
        yield kind, extra[4 : 4 + size]
        extra = extra[4 + size :]
