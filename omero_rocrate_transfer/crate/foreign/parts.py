"""Which files an RO-Crate of others has: those that its root reaches, then those that lie beside them."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from omero_rocrate_transfer.crate.foreign.contents import is_clutter
from omero_rocrate_transfer.crate.names import find_oddity
from omero_rocrate_transfer.crate.read import graph as graphs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader
    from omero_rocrate_transfer.crate.entities import Entity
    from omero_rocrate_transfer.crate.read.graph import Graph

_FILES: Final = frozenset(["File", "MediaObject"])


class Parts:
    """The files of a crate, each once, however many paths of ``hasPart`` lead to it.

    Parameters
    ----------
    graph
        What the crate says.
    archive
        What is there.
    folders
        Of OME-Zarrs, with a slash at their end; what is in them is no file of its own.
    """

    def __init__(self, graph: Graph, archive: ArchiveReader, folders: Collection[str]) -> None:
        self.archive = archive
        self.sizes = archive.sizes
        #: Files that the root reaches and that are not there; folders likewise.
        self.missing = self.missing_folders = 0
        self._graph = graph
        self._root = graph.read_root()
        self._zarrs = frozenset(folders)
        #: All folders outside of OME-Zarrs, and these.
        self._parents = {folder for name in self.sizes for folder in self._iter_folders(name)}
        #: Names as they are in the archive, by their composed form.
        self._composed = {unicodedata.normalize("NFC", name): name for name in self.sizes}

    def iter_files(self) -> Iterator[tuple[Entity, str]]:
        """Yield every file with its entity, which is empty if the crate does not describe it.

        Raises
        ------
        UnsafeCrateError
            An ``@id`` leads out of the crate.
        """
        found = self._walk()
        described = {
            name: entity
            for identifier, entity in self._graph.entities.items()
            if (name := self._find_name(identifier)) is not None and name not in found
        }
        rest = {name: described.get(name, {}) for name in sorted(self.sizes) if not is_clutter(name)}
        for name, entity in (found | {name: one for name, one in rest.items() if name not in found}).items():
            if self._zarrs.isdisjoint(self._iter_folders(name)):
                yield entity, name

    def _walk(self) -> dict[str, Entity]:
        """Return the files that the root reaches, in that order; count those that are not there."""
        found: dict[str, Entity] = {}
        seen = {str(self._root["@id"])}
        waiting = list(reversed(graphs.list_ids(self._root, "hasPart")))
        while waiting:
            identifier = waiting.pop()
            if identifier in seen:
                continue
            seen.add(identifier)
            entity = self._graph.entities.get(identifier, {})
            name = self._find_name(identifier)
            if name is not None:
                found.setdefault(name, entity)
                continue
            parts = graphs.list_ids(entity, "hasPart")
            waiting.extend(reversed(parts))
            if not parts:
                self._count_missing(identifier, entity)
        return found

    def _iter_folders(self, name: str) -> Iterator[str]:
        """Yield the folders above a file from the top, down to that of an OME-Zarr."""
        place = name.find("/")
        while place >= 0:
            folder = name[: place + 1]
            yield folder
            if folder in self._zarrs:
                return
            place = name.find("/", place + 1)

    def _count_missing(self, identifier: str, entity: Entity) -> None:
        types = graphs.list_types(entity)
        plain = self._relative(identifier)
        _refuse_unsafe(plain)
        if "Dataset" in types:
            folder = f"{plain.rstrip('/')}/"
            known = {folder, f"{unquote(folder)}"}
            self.missing_folders += not (known & self._parents) and not identifier.startswith("#")
        elif _FILES.intersection(types) or not identifier.startswith("#"):
            self.missing += 1

    def _find_name(self, identifier: str) -> str | None:
        """Return the file that an ``@id`` means: older writers did not escape it, newer ones do."""
        plain = self._relative(identifier)
        for name in (plain, unquote(plain), plain.replace("\\", "/"), unquote(plain).replace("\\", "/")):
            if name in self.sizes:
                return name
            composed = self._composed.get(unicodedata.normalize("NFC", name))
            if composed is not None:
                return composed
        return None

    def _relative(self, identifier: str) -> str:
        """Return an ``@id`` as path below the root, whose own may be an address."""
        root = str(self._root["@id"])
        if "://" in root and identifier.startswith(root.rstrip("/") + "/"):
            identifier = identifier.removeprefix(root.rstrip("/") + "/")
        return identifier.removeprefix("./")


def _refuse_unsafe(path: str) -> None:
    """Refuse a path that is not there and would lead out of the crate."""
    if "://" not in path:
        find_oddity(unquote(path))
