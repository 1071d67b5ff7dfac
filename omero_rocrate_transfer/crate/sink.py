"""The crate as a sink: takes transfer units, and becomes complete with its metadata."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from omero_rocrate_transfer.crate.archives import count_parallel, create_archive
from omero_rocrate_transfer.crate.draft import Draft
from omero_rocrate_transfer.crate.profile import DEFAULT_CRATE_VERSION, CrateVersion
from omero_rocrate_transfer.crate.provenance import PackRun
from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.model.digests import proves_content
from omero_rocrate_transfer.model.errors import UsageError
from omero_rocrate_transfer.model.facts import CrateFacts
from omero_rocrate_transfer.model.results import UnitResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ome_types import OME

    from omero_rocrate_transfer.crate.unit_writer import PackedUnit
    from omero_rocrate_transfer.model.contents import Contents, TransferUnit
    from omero_rocrate_transfer.model.results import Mapping
    from omero_rocrate_transfer.transfer.ports import Source


def _now() -> datetime:
    return datetime.now(UTC)


class CrateSink:
    """Writes a crate; implements the port `Sink`.

    Parameters
    ----------
    path
        ``.zip``, ``.tar``, else a folder; nothing may be there.
    facts
        What the user says of the crate.
    command
        The command as it was typed, without secrets; it is published.
    agent
        Id of the Experimenter who runs it, one of `Contents.people`.
    crate_version
        Of RO-Crate.
    now
        The clock.
    """

    def __init__(
        self,
        path: Path,
        facts: CrateFacts | None = None,
        *,
        command: str = "omero transfer pack",
        agent: int | None = None,
        crate_version: CrateVersion = DEFAULT_CRATE_VERSION,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self.max_parallel = count_parallel(path)
        self._path = path
        self._facts = facts or CrateFacts()
        self._command = command
        self._agent = agent
        self._crate_version: CrateVersion = crate_version
        self._now = now
        self._started = now()
        self._draft: Draft | None = None

    def begin(self, contents: Contents, containers: Callable[[], OME]) -> Sequence[Mapping]:
        """Create the archive and write the document of the containers.

        Raises
        ------
        UsageError
            A unit has no original files.
        RefusedError
            Something is there already.
        """
        for unit in contents.units:
            if unit.pixels or not unit.files:
                raise UsageError(
                    f"{unit.ref} travels as pixels, which cannot be packed yet.", hint="Leave it out."
                )
        archive = create_archive(self._path)
        try:
            self._draft = Draft(archive, contents, self._facts, self._path.absolute().parent)
            self._draft.add_containers(containers())
        except BaseException:
            archive.abort()
            self.abort()
            raise
        return ()

    def write_unit(self, unit: TransferUnit, source: Source) -> UnitResult:
        """Take one unit whole, or raise and leave nothing of it behind."""
        packed = self._begun().add_unit(unit, source)
        return UnitResult(
            unit=unit.ref,
            size_bytes=unit.size_bytes,
            omissions=_find_omissions(packed),
            files_verified=sum(
                any(proves_content(digest.algorithm) for digest in file.digests) for file in unit.files
            ),
        )

    def finish(self) -> None:
        """Write preview, manifest and, last, the metadata: with these the crate is complete."""
        run = PackRun(
            command=self._command,
            started=_render_time(self._started),
            ended=_render_time(self._now()),
            agent=self._agent,
            crate_version=self._crate_version,
        )
        self._begun().complete(run)

    def abort(self) -> None:
        """Remove what was written; does nothing after `finish`."""
        if self._draft is not None:
            self._draft.abort()

    def _begun(self) -> Draft:
        if self._draft is None:
            raise RuntimeError("write_unit and finish come after begin")
        return self._draft


def _find_omissions(packed: PackedUnit) -> tuple[Omission, ...]:
    if not packed.replaced:
        return ()
    reason = "characters that XML cannot hold were replaced in the OME-XML"
    return (Omission(type=packed.unit.ref.type, count=1, reason=reason, on=packed.unit.ref),)


def _render_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
