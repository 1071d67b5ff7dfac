"""Crates that are not complete yet: created, taken up again by a later process, or found complete."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from omero_rocrate_transfer.crate import vocabulary
from omero_rocrate_transfer.crate.archives import create_archive, open_archive, resume_archive
from omero_rocrate_transfer.crate.write.builder import Draft
from omero_rocrate_transfer.crate.write.part_folder import Workspace
from omero_rocrate_transfer.crate.write.spool import Spool
from omero_rocrate_transfer.model.errors import RefusedError
from omero_rocrate_transfer.transfer.faultpoints import faultpoint

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from omero_rocrate_transfer.model.contents import Contents
    from omero_rocrate_transfer.model.facts import CrateFacts
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.transfer.journal.state import History


class Unfinished:
    """The unfinished crate of one run.

    Parameters
    ----------
    path
        Its name when it is complete.
    run_id
        Of its run.
    """

    def __init__(self, path: Path, run_id: str) -> None:
        self._path = path
        self._workspace = Workspace(path, run_id)

    @property
    def is_published(self) -> bool:
        """Whether an earlier process completed it without noting so."""
        return self._workspace.is_published and self._path.exists()

    @property
    def folder(self) -> Path:
        """Where it is until it is complete."""
        return self._workspace.folder

    @property
    def is_there(self) -> bool:
        """Whether a process of its run left something."""
        return self._workspace.is_ours

    def create(self, contents: Contents, facts: CrateFacts) -> Draft:
        """Begin an empty one.

        Raises
        ------
        RefusedError
            Something is there already, under its name or that of its workspace.
        """
        refuse_existing(self._path)
        self._workspace.create()
        try:
            archive = create_archive(self._path, self._workspace.crate)
            return Draft(archive, contents, facts, self._open_spool())
        except BaseException:
            self._workspace.remove()
            raise

    def resume(self, contents: Contents, facts: CrateFacts, history: History) -> Draft | None:
        """Take up what an earlier process left; None where that is nothing."""
        work = self._workspace
        if not work.is_ours or work.is_published:
            return None
        spooled = (work.folder / work.spool_name).stat().st_size if self._has_spool() else 0
        planned = {unit.ref for unit in contents.units}
        done = [
            result
            for result in history.done.values()
            if result.unit in planned and _end(result.receipt["spool"]) <= spooled
        ]
        archive, whole = resume_archive(
            self._path, work.crate, [result.receipt["archive"] for result in done]
        )
        faultpoint("crate:taken-up")
        draft = Draft(archive, contents, facts, self._open_spool())
        for result, is_whole in zip(done, whole, strict=True):
            if is_whole:
                draft.restore(result.unit, dict(result.receipt))
        return draft

    def find_complete(self, history: History) -> Collection[ObjectRef]:
        """Return the units of the complete crate, if it is the one of this run.

        Raises
        ------
        RefusedError
            It is another one.
        """
        if self.is_published:
            return history.done
        if history.finished is None or history.finished["metadata"] != self.read_digest():
            refuse_existing(self._path)
        return history.done

    def read_digest(self) -> str:
        """Return the SHA-256 of the metadata of the complete crate."""
        archive = open_archive(self._path)
        try:
            if vocabulary.METADATA not in archive.sizes:
                return ""
            digest = hashlib.sha256()
            for block in archive.iter_blocks(vocabulary.METADATA):
                digest.update(block)
            return digest.hexdigest()
        finally:
            archive.close()

    def remove(self) -> None:
        """Remove the workspace."""
        self._workspace.remove()

    def _has_spool(self) -> bool:
        return (self._workspace.folder / self._workspace.spool_name).is_file()

    def _open_spool(self) -> Spool:
        return Spool(self._workspace.folder, self._workspace.spool_name)


def refuse_existing(path: Path) -> None:
    """Raise where something is at the path.

    Raises
    ------
    RefusedError
    """
    if path.exists() or path.is_symlink():
        raise RefusedError(f"{path} exists already.", hint="Name another path, or remove it.")


def _end(places: dict[str, list[int]]) -> int:
    return max((offset + size_bytes for offset, size_bytes in places.values()), default=0)
