"""Finds out what lies at a path, and opens it as a source."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.archives.base import DEFAULT_LIMITS, Limits
from omero_rocrate_transfer.crate.foreign.opening import may_be_ours, open_any, open_foreign
from omero_rocrate_transfer.crate.read.files import find_metadata
from omero_rocrate_transfer.crate.read.source import CrateSource
from omero_rocrate_transfer.crate.vocabulary import LEGACY_METADATA, MANIFEST, METADATA
from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.model.errors import UnsafeCrateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader
    from omero_rocrate_transfer.crate.foreign.audit import ForeignAudit
    from omero_rocrate_transfer.crate.read.audit import CrateAudit
    from omero_rocrate_transfer.transfer.ports import Source

#: What a group of Zarr v2 or v3 has.
_GROUPS: Final = ("zarr.json", ".zgroup")
_CRATES: Final = frozenset({METADATA, LEGACY_METADATA})
#: What file managers of macOS and Windows leave in folders.
_LEFTOVERS: Final = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_SUFFIXES: Final = (".zip", ".tar", ".ozx", ".zarr", ".ome")


def open_source(path: Path, limits: Limits = DEFAULT_LIMITS) -> Source:
    """Open a crate of ours, a pack, an RO-Crate of others or OME-Zarrs, in a folder, a zip or a tar.

    Raises
    ------
    NotFoundError
        Nothing is at the path.
    UnsafeCrateError
        It is an archive that breaks a rule.
    """
    archive = open_any(path, limits)
    folders = find_zarrs(archive)
    # an OME-Zarr may have a crate of its own inside, which says nothing of files to import
    foreign = None if folders == [""] else open_foreign(archive, limits)
    if foreign is not None:
        return foreign
    if not folders:
        if MANIFEST not in archive.sizes:
            _check_metadata(archive, path)
        return CrateSource(path, limits, archive)
    # Zarr is only loaded where pixels travel
    from omero_rocrate_transfer.crate.ome_zarr.source import ZarrSource

    name = path.resolve().name
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return ZarrSource(archive, folders, name or "OME-Zarr", limits, _find_others(archive, folders))


def _check_metadata(archive: ArchiveReader, path: Path) -> None:
    """Raise if there is nothing that could be read; closes the archive then."""
    try:
        find_metadata(archive)
    except UnsafeCrateError as error:
        archive.close()
        around = _find_around(path)
        if around is None:
            raise
        raise UnsafeCrateError(f"{path} is a part of {around}.", hint=f"Name {around}.") from error


def _find_around(path: Path) -> Path | None:
    """Return the outermost Zarr group that a path lies in."""
    found = None
    for folder in path.resolve().parents:
        if not any((folder / name).is_file() for name in _GROUPS):
            break
        found = folder
    return found


def open_audit(path: Path, limits: Limits = DEFAULT_LIMITS) -> CrateAudit | ForeignAudit:
    """Return what checks the thing at a path by itself: a crate of ours by its digests, others by reading.

    Raises
    ------
    NotFoundError
        Nothing is at the path.
    UnsafeCrateError
        It is of another program, and its metadata break a rule.
    """
    from omero_rocrate_transfer.crate.foreign.audit import ForeignAudit
    from omero_rocrate_transfer.crate.read.audit import CrateAudit

    try:
        source = open_source(path, limits)
    except UnsafeCrateError:
        audit = CrateAudit(path, limits)
        if may_be_ours(path, limits):
            return audit
        audit.close()
        raise
    if isinstance(source, CrateSource):
        source.close()
        return CrateAudit(path, limits)
    return ForeignAudit(source)


def find_zarrs(archive: ArchiveReader) -> list[str]:
    """Return the folders of OME-Zarrs: ``""`` where the archive itself is one, else the topmost below it.

    A crate that holds some is none, nor are those in folders that are crates; an OME-Zarr may hold a crate.
    """
    if any(name in archive.sizes for name in _GROUPS):
        return [""]
    found, crates = set(), set()
    for name in archive.sizes:
        folder, _, last = name.rpartition("/")
        if last in _GROUPS and folder:
            found.add(f"{folder}/")
        elif last in _CRATES:
            crates.add(f"{folder}/" if folder else "")
    return sorted(
        folder for folder in found if found.isdisjoint(_above(folder)) and crates.isdisjoint(_above(folder))
    )


def _find_others(archive: ArchiveReader, folders: list[str]) -> Iterator[Omission]:
    """Yield a line of the files that lie beside the OME-Zarrs, without what file managers leave."""
    inside = tuple(folders)
    count = sum(not name.startswith(inside) and not _is_leftover(name) for name in archive.sizes)
    if count:
        reason = "it lies beside the OME-Zarrs, and in none of them"
        yield Omission(type="OriginalFile", count=count, reason=reason)
    reasons = Counter(why for name, why in archive.passed_over.items() if not _is_leftover(name))
    for why, passed in reasons.items():
        yield Omission(type="OriginalFile", count=passed, reason=why)


def _is_leftover(name: str) -> bool:
    folder, _, last = name.rpartition("/")
    return last in _LEFTOVERS or last.startswith("._") or folder.partition("/")[0] == "__MACOSX"


def _above(folder: str) -> list[str]:
    """Return the folders that a folder is in, the archive itself among them."""
    parts = folder.rstrip("/").split("/")[:-1]
    return ["", *("/".join(parts[: n + 1]) + "/" for n in range(len(parts)))]
