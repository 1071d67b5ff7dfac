"""The crate as a source: nothing is extracted; what is asked for is streamed, and checked on the way."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from omero_rocrate_transfer.crate import vocabulary
from omero_rocrate_transfer.crate.archives import open_archive
from omero_rocrate_transfer.crate.archives.base import DEFAULT_LIMITS, Limits
from omero_rocrate_transfer.crate.read.content import CrateContent
from omero_rocrate_transfer.crate.read.metadata import read_index, select_contents
from omero_rocrate_transfer.crate.read.unit_reader import CrateUnitReader
from omero_rocrate_transfer.model.document import Document

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader
    from omero_rocrate_transfer.model.contents import Contents, TransferUnit
    from omero_rocrate_transfer.model.refs import ObjectRef


class CrateSource:
    """Reads a crate; implements the port `Source`. Safe for several threads.

    Parameters
    ----------
    path
        A folder, a zip or a tar; told apart by what it is, not by its name.
    limits
        How much it may ask for.
    archive
        What is at the path, where it is open already; closed with the source.
    """

    def __init__(
        self, path: Path, limits: Limits = DEFAULT_LIMITS, archive: ArchiveReader | None = None
    ) -> None:
        self._path = path
        self._archive = archive
        self._limits = limits
        self._lock = threading.Lock()
        self._content: CrateContent | None = None

    def read_contents(self, roots: Sequence[ObjectRef] = ()) -> Contents:
        """Return what belongs to the roots, all there is where none are named.

        Raises
        ------
        NotFoundError
            Nothing is at the path, or a root is not in the crate.
        UnsafeCrateError
            The crate breaks a rule; only its metadata were read.
        """
        return select_contents(self._open_once().index.contents, roots)

    def open(self, unit: TransferUnit) -> CrateUnitReader:
        """Return the reader of a unit."""
        return CrateUnitReader(unit, self._open_once())

    def read_container_document(self) -> Document:
        """Return the document of the containers; an empty one if the crate has none."""
        content = self._open_once()
        if vocabulary.CONTAINERS not in content.index.files:
            return Document()
        return content.read_document(vocabulary.CONTAINERS)

    def close(self) -> None:
        """Close the archive; safe to call twice."""
        with self._lock:
            if self._archive is not None:
                self._archive.close()

    def _open_once(self) -> CrateContent:
        with self._lock:
            if self._content is None:
                archive = self._archive = self._archive or open_archive(self._path, self._limits)
                try:
                    self._content = CrateContent(archive, read_index(archive, self._limits), self._limits)
                except BaseException:
                    archive.close()
                    raise
            return self._content
