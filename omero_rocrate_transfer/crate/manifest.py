"""``manifest-sha256.txt``: the digest of every file of a crate, in the format of ``sha256sum``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.names import check_distinct, fold, parse_path
from omero_rocrate_transfer.crate.vocabulary import MANIFEST
from omero_rocrate_transfer.model.errors import UnsafeCrateError

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Longest line: digest, two spaces, the longest path, line feed.
MAX_LINE_BYTES: Final = 64 + 2 + 4096 + 1

_LINE = re.compile(rb"([0-9a-f]{64})  ([^\r\n]{1,4096})\n\Z")


def render_line(name: str, sha256: str) -> bytes:
    """Return the line of one file; ``sha256sum --check`` reads it."""
    return f"{sha256}  {name}\n".encode()


def parse_manifest(lines: Iterable[bytes]) -> dict[str, str]:
    """Parse a manifest.

    Parameters
    ----------
    lines
        Each with its line feed.

    Returns
    -------
    dict
        SHA-256 as 64 lower-case hexadecimal digits, by name, in the order of the file.

    Raises
    ------
    UnsafeCrateError
        A line is none, a name is unsafe, or a file is listed twice.
    """
    digests: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        match = _LINE.match(line)
        if match is None:
            raise _malformed(number, "is not '<SHA-256>  <name>'")
        name = _decode(match[2], number)
        if name in digests:
            raise _malformed(number, "lists a file a second time")
        digests[parse_path(name)] = match[1].decode()
    if fold(MANIFEST) in map(fold, digests):
        raise UnsafeCrateError(f"{MANIFEST} lists itself.", hint="The crate was not made by this tool.")
    check_distinct(digests)
    return digests


def _decode(name: bytes, number: int) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise _malformed(number, "holds a name that is not UTF-8") from None


def _malformed(number: int, reason: str) -> UnsafeCrateError:
    return UnsafeCrateError(
        f"Line {number} of {MANIFEST} {reason}.", hint="The file was changed or damaged; get the crate again."
    )
