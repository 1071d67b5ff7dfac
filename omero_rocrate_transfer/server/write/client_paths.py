"""Client paths for an import, chosen so that the server keeps the files where their fileset had them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

#: The managed repository drops leading folders until the shortest path has this many left
#: (omero-blitz ManagedRepositoryI.trimPaths, ``parentDirsToRetain``).
_FOLDERS_KEPT: Final = 3
#: With a reader named, it drops the folders that all files share instead, but for those the reader asks for;
#: this reader asks for none (formats-api FormatReader.getRequiredDirectories).
_READER_WITHOUT_FOLDERS: Final = "loci.formats.in.OMETiffReader"


def reader_hint(paths: Sequence[str]) -> str | None:
    """Return the reader to name in an import of these paths, None where none is needed.

    Where every file lies deeper than three folders, and they share too few of them, the server's arithmetic
    fails (an index below zero in ``trimPaths``) unless a reader is named.
    """
    dropped = min(path.count("/") for path in paths) - _FOLDERS_KEPT
    return _READER_WITHOUT_FOLDERS if dropped > _shared_folders(paths) else None


def _shared_folders(paths: Sequence[str]) -> int:
    folders = [path.split("/")[:-1] for path in paths]
    shared = 0
    for names in zip(*folders, strict=False):
        if len(set(names)) > 1:
            break
        shared += 1
    return shared
