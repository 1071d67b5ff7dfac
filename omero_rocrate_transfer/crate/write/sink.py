"""The crate as a sink: takes transfer units, and becomes complete with its metadata."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.crate.archives import count_parallel
from omero_rocrate_transfer.crate.archives.base import DEFAULT_LIMITS, Limits, too_large
from omero_rocrate_transfer.crate.ome_zarr.options import ZarrOptions
from omero_rocrate_transfer.crate.ome_zarr.plan import PixelsPlan
from omero_rocrate_transfer.crate.profile import DEFAULT_CRATE_VERSION, CrateVersion
from omero_rocrate_transfer.crate.write.builder import render_containers
from omero_rocrate_transfer.crate.write.provenance import PackRun
from omero_rocrate_transfer.crate.write.read_back import check_readable
from omero_rocrate_transfer.crate.write.unfinished import Unfinished
from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.model.digests import proves_content
from omero_rocrate_transfer.model.facts import CrateFacts
from omero_rocrate_transfer.model.results import UnitResult
from omero_rocrate_transfer.transfer.ports import Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from omero_rocrate_transfer.crate.write.builder import Draft
    from omero_rocrate_transfer.crate.write.units import PackedUnit
    from omero_rocrate_transfer.model.contents import Contents
    from omero_rocrate_transfer.model.document import Document
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.model.results import Mapping
    from omero_rocrate_transfer.transfer.journal.state import History
    from omero_rocrate_transfer.transfer.ports import UnitReader

_REPLACED: Final = "characters that XML cannot hold were replaced in the OME-XML"


def _now() -> datetime:
    return datetime.now(UTC)


class CrateSink(Sink):
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
    zarr
        How pixels are written, where they travel.
    run_id
        Of the run that later processes may go on with; empty for one that leaves nothing where it breaks off.
    limits
        Of those who will read the crate.
    """

    def __init__(  # noqa: PLR0913 -- keywords, each something of its own
        self,
        path: Path,
        facts: CrateFacts | None = None,
        *,
        command: str = "omero transfer pack",
        agent: int | None = None,
        crate_version: CrateVersion = DEFAULT_CRATE_VERSION,
        now: Callable[[], datetime] = _now,
        zarr: ZarrOptions | None = None,
        run_id: str = "",
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.max_parallel = count_parallel(path)
        self._path = path
        self._facts = facts or CrateFacts()
        self._command = command
        self._agent = agent
        self._crate_version: CrateVersion = crate_version
        self._now = now
        self._started = now()
        self._zarr = zarr or ZarrOptions()
        self._host = ""
        self._run_id = run_id
        self._limits = limits
        self._work = Unfinished(path, run_id)
        self._draft: Draft | None = None
        self._containers = b""
        #: What of the containers could not be taken, once `begin` has returned.
        self.omissions: tuple[Omission, ...] = ()

    def begin(self, contents: Contents, containers: Callable[[], Document]) -> Sequence[Mapping]:
        """Create the archive, unless `take_up` found it.

        Raises
        ------
        RefusedError
            Something is there already.
        """
        if contents.size_bytes > self._limits.max_size_bytes:
            raise too_large(contents.size_bytes, self._limits)
        self._host = contents.source.host
        self._containers, replaced = render_containers(containers(), self._host)
        self.omissions = (Omission(type="Container", count=1, reason=_REPLACED),) if replaced else ()
        if self._draft is None and not self._work.is_published:
            self._draft = self._work.create(contents, self._facts)
        return ()

    def take_up(self, contents: Contents, history: History) -> Collection[ObjectRef]:
        """Go on with the crate that an earlier process left, or find it complete.

        Raises
        ------
        RefusedError
            Another crate is there.
        """
        if os.path.lexists(self._path):
            return self._work.find_complete(history)
        self._draft = self._work.resume(contents, self._facts, history)
        return self._draft.done if self._draft is not None else ()

    def write_unit(self, reader: UnitReader) -> UnitResult:
        """Take one unit whole, or raise and leave nothing of it behind."""
        unit, draft = reader.unit, self._begun()
        packed, receipt = draft.add_unit(reader, self._plan())
        return UnitResult(
            unit=unit.ref,
            size_bytes=unit.size_bytes,
            omissions=_find_omissions(packed),
            files_verified=sum(
                any(proves_content(digest.algorithm) for digest in file.digests) for file in unit.files
            ),
            receipt=receipt,
        )

    def sync(self) -> None:
        """Make the units that were written durable."""
        self._begun().sync()

    def finish(self) -> dict[str, Any]:
        """Write the containers, preview, manifest and, last, the metadata: then the crate is complete."""
        if self._draft is None and self._work.is_published:
            return {"metadata": self._work.read_digest()}
        draft = self._begun()
        draft.add_containers(self._containers)
        run = PackRun(
            command=self._command,
            started=_render_time(self._started),
            ended=_render_time(self._now()),
            agent=self._agent,
            crate_version=self._crate_version,
        )
        draft.complete(run, partial(check_readable, limits=self._limits))
        if not self._run_id:
            self.tidy()
        return {"metadata": draft.digest}

    def tidy(self) -> None:
        """Remove what was only needed for going on."""
        self._work.remove()

    def abort(self) -> None:
        """Leave what a later process can go on with, else remove all; does nothing after `finish`."""
        if self._draft is None or self._draft.is_complete:
            return
        if self._run_id and self._draft.done:
            self._draft.leave()
            return
        self._draft.abort()
        self._work.remove()

    def _plan(self) -> PixelsPlan:
        day = self._started.astimezone(UTC).date().isoformat()
        return PixelsPlan(options=self._zarr, facts=self._facts, host=self._host, day=day)

    def _begun(self) -> Draft:
        if self._draft is None:
            raise RuntimeError("write_unit and finish come after begin")
        return self._draft


def _find_omissions(packed: PackedUnit) -> tuple[Omission, ...]:
    if not packed.replaced:
        return ()
    return (Omission(type=packed.unit.ref.type, count=1, reason=_REPLACED, on=packed.unit.ref),)


def _render_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
