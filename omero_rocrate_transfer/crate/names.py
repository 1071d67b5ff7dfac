"""Names of files in a crate: the one rule that makes them, and the one parser of names from outside."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.vocabulary import RESERVED
from omero_rocrate_transfer.model.errors import UnsafeCrateError

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Longest name that is made: what the name field of a ustar header holds, so that archives need no
#: extension of the format, and readers may refuse them all (POSIX pax, "ustar Interchange Format").
MAX_MADE_BYTES: Final = 100
#: Limits of the usual file systems (NAME_MAX, PATH_MAX of Linux).
MAX_PART_BYTES: Final = 255
MAX_PATH_BYTES: Final = 4096
_DOCUMENT: Final = ".ome.xml"
#: Before the kind of a unit, in the names of the pages of its ROIs: so these are never taken for its files.
_PAGE: Final = "rois"
#: Kind of the files of FileAnnotations.
ATTACHMENT: Final = "ann"
#: A suffix longer than this is not one; it is cut like the rest of the name.
_MAX_SUFFIX: Final = 16

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
#: Unicode's categories Cc (control) and Cs (half a surrogate pair).
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_DRIVE = re.compile(r"[A-Za-z]:")
_ROOTED_DRIVE = re.compile(r"[A-Za-z]:[/\\]|\\\\")
_WINDOWS_DEVICE = re.compile(
    r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|COM[0-9¹²³]|LPT[0-9¹²³])(?:\..*)?\Z", re.IGNORECASE | re.DOTALL
)
_PAGE_NAME = re.compile(
    rf"{_PAGE}(?P<kind>[a-z]{{1,12}})(?P<id>\d{{1,19}})\.(?P<index>\d{{4,9}}){re.escape(_DOCUMENT)}\Z",
    re.ASCII,
)
_SUFFIXES = re.compile(rf"(?:\.[A-Za-z0-9_-]{{1,{_MAX_SUFFIX}}}){{1,2}}\Z")


def make_name(kind: str, number: int, original: str, *, index: int | None = None, width: int = 4) -> str:
    """Return the flat name ``<kind><id>[.<index>].<safe name>`` of a file in a crate.

    Kind, id and index make it unique, whatever the original name; on case-insensitive disks too.

    Parameters
    ----------
    kind
        Lower-case letters: ``fs``, ``image``, ``plate``, ``ann``, ``thumb``.
    number
        Id of the object on its source.
    original
        Any text; its last two suffixes survive where they are short.
    index
        Place among the files of one fileset, from 0; None for an only file.
    width
        Digits of the index.

    Returns
    -------
    str
        ASCII letters, digits, ``.``, ``_`` and ``-``, at most `MAX_MADE_BYTES` long.
    """
    prefix = f"{kind}{number}." if index is None else f"{kind}{number}.{index:0{width}d}."
    name = prefix + _make_safe(original, MAX_MADE_BYTES - len(prefix))
    if fold(name) == fold(make_document_name(kind, number)):
        return make_name(kind, number, original, index=0)
    return name


def make_document_name(kind: str, number: int) -> str:
    """Return the name of the OME-XML sidecar of one unit."""
    return f"{kind}{number}{_DOCUMENT}"


def make_page_name(kind: str, number: int, index: int) -> str:
    """Return the name of the OME-XML with some ROIs of one unit, pages counted from 0."""
    return f"{_PAGE}{kind}{number}.{index:04d}{_DOCUMENT}"


def parse_page_name(name: str) -> tuple[str, int, int] | None:
    """Return kind and id of the unit, and the index of a page; None where the name is not of one."""
    match = _PAGE_NAME.match(name)
    if match is None or make_page_name(match["kind"], int(match["id"]), int(match["index"])) != name:
        return None
    return match["kind"], int(match["id"]), int(match["index"])


def _make_safe(original: str, room: int) -> str:
    decomposed = unicodedata.normalize("NFKD", original)
    # A combining mark belongs to a letter that stays; every other character leaves a trace.
    letters = "".join(char for char in decomposed if not unicodedata.combining(char))
    safe = _UNSAFE.sub("_", letters).lstrip(".")
    safe = safe.rstrip(".") or "file"
    if len(safe) <= room:
        return safe
    suffixes = _SUFFIXES.search(safe)
    tail = suffixes[0] if suffixes else ""
    return safe[: room - len(tail)].rstrip(".") + tail


def parse_path(text: str) -> str:
    """Return the name of a file in a crate, checked; the only way in for names from outside.

    Raises
    ------
    UnsafeCrateError
        The name could leave the crate, or mean different files on different systems.
    """
    parse_relative_path(text)
    if unicodedata.normalize("NFC", text) != text:
        raise _unsafe(text, "is not in Unicode's composed form (NFC)")
    for part in text.split("/"):
        if part.startswith("~"):
            raise _unsafe(text, "has a part that starts with ~")
        if part[-1] in ". ":
            raise _unsafe(text, "has a part that ends with a dot or a space")
        if ":" in part or _WINDOWS_DEVICE.match(part):
            raise _unsafe(text, "names a device or stream of Windows")
    return text


def parse_relative_path(text: str) -> str:
    """Return the original path of a file, relative to its fileset, checked but otherwise as it was.

    It is never opened on this machine; it goes to a server, which applies its own rules for names.

    Raises
    ------
    UnsafeCrateError
        The path is absolute, climbs, or holds what no path may hold.
    """
    if not text or text.startswith("/") or _DRIVE.match(text):
        raise _unsafe(text, "is empty or absolute")
    if "\\" in text:
        raise _unsafe(text, "holds a backslash")
    if _CONTROL.search(text):
        raise _unsafe(text, "holds a control character")
    parts = text.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        raise _unsafe(text, "has an empty part, '.' or '..'")
    if max(map(_count_bytes, parts)) > MAX_PART_BYTES or _count_bytes(text) > MAX_PATH_BYTES:
        raise _unsafe(text, "is too long")
    return text


def find_oddity(text: str) -> str | None:
    """Return why a member of an archive of another program cannot be read, None if it can.

    Such archives are read in place and never extracted, so that names which would mean something else on
    other systems do no harm: ``12:30:05.tif``, ``con.tif``, decomposed letters, upper beside lower case.

    Raises
    ------
    UnsafeCrateError
        The name is absolute or climbs: the archive was made to do harm.
    """
    parts = text.split("/")
    if text.startswith("/") or _ROOTED_DRIVE.match(text) or ".." in re.split(r"[/\\]", text):
        raise _unsafe(text, "is absolute, or climbs out of its folder")
    if _CONTROL.search(text):
        return "its name holds a control character, or is not UTF-8"
    if "" in parts or "." in parts:
        return "its name has an empty part or '.'"
    if max(map(_count_bytes, parts)) > MAX_PART_BYTES or _count_bytes(text) > MAX_PATH_BYTES:
        return "its name is too long"
    return None


def fold(name: str) -> str:
    """Return what the name is to a file system that knows neither case nor Unicode forms."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


_RESERVED = frozenset(map(fold, RESERVED))


def check_payload(name: str) -> str:
    """Return the name of a payload file, which must not be one that the crate itself needs."""
    if fold(name) in _RESERVED:
        raise _unsafe(name, "belongs to the crate itself and cannot be a payload")
    return name


def check_distinct(names: Iterable[str]) -> None:
    """Check that no two names mean the same file, and none is both file and folder, on any file system.

    Parameters
    ----------
    names
        Parsed paths of files, and of folders with a slash at their end.
    """
    files: dict[str, str] = {}
    for name in names:
        other = files.setdefault(fold(name), name)
        if other is not name:
            raise _unsafe(name, f"is the same name as {_show(other)} on some systems")
    folders: dict[str, str] = {}
    for folded, name in files.items():
        _check_folders(folded, name, files, folders)


def _check_folders(folded: str, name: str, files: dict[str, str], folders: dict[str, str]) -> None:
    """Check the folders above one file, against files and against folders of another spelling."""
    above, spelled = folded, name
    while "/" in above:
        above, spelled = above.rpartition("/")[0], spelled.rpartition("/")[0]
        if above in files:
            raise _unsafe(name, f"lies below the file {_show(files[above])}")
        if folders.setdefault(above, spelled) != spelled:
            raise _unsafe(name, f"lies in {_show(folders[above])} on some systems")


def _count_bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _show(text: str) -> str:
    """Return the text as one harmless, short line."""
    shown = ascii(text)
    return shown if len(shown) <= 120 else f"{shown[:117]}…"


def _unsafe(name: str, reason: str) -> UnsafeCrateError:
    return UnsafeCrateError(f"The name {_show(name)} {reason}.", hint="Nothing was read or written.")
