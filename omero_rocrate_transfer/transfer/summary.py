"""Adds up the events of a run: for the summary at its end and for the progress on its way."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from omero_rocrate_transfer.model.errors import IntegrityError
from omero_rocrate_transfer.transfer.events import (
    Advanced,
    Compared,
    ContainersCreated,
    Finished,
    Planned,
    Started,
    UnitEnded,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from omero_rocrate_transfer.model.contents import Omission
    from omero_rocrate_transfer.model.errors import TransferError
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.transfer.events import Event, Phase


class Tally:
    """Sums of what was seen so far; of each unit it keeps two numbers and no more."""

    def __init__(self) -> None:
        #: Units in the plan.
        self.planned = 0
        #: Bytes of the phase, and those that went by; a failed unit counts as gone by.
        self.phase: Phase = "transfer"
        self.size_bytes = 0
        self.done_bytes = 0
        #: Exit codes of the errors that units met.
        self.error_codes: set[int] = set()
        self.ended: Counter[str] = Counter()
        self._dry_run = False
        self._sums: Counter[str] = Counter()
        self._sizes: dict[ObjectRef, int] = {}
        self._under_way: Counter[ObjectRef] = Counter()
        self._omissions: dict[tuple[str, str], Omission] = {}

    def take(self, event: Event) -> None:
        """Add one event."""
        match event:
            case Planned(contents=contents):
                self.planned = len(contents.units)
                self.size_bytes = contents.size_bytes
                self._dry_run = event.dry_run
                self._sizes = {unit.ref: unit.size_bytes for unit in contents.units}
                self._add_omissions(contents.omissions)
            case ContainersCreated():
                self._add_omissions(event.omissions)
            case Started():
                self.phase, self.size_bytes, self.done_bytes = event.phase, event.size_bytes, 0
                self._under_way.clear()
            case Advanced():
                self._advance(event)
            case Compared():
                self._compare(event)
            case UnitEnded():
                self._end(event)

    def _compare(self, event: Compared) -> None:
        self._sums["compared"] += 1
        if event.symbol != "=":
            self._sums["differences"] += 1
            # what cannot be read is not what was promised; an error may be worse than that
            self.error_codes.add(IntegrityError.exit_code)
            if event.error is not None:
                self.error_codes.add(event.error.exit_code)

    def _advance(self, event: Advanced) -> None:
        """Count bytes, but never more of a unit than it has: a sink may read a file twice."""
        if event.phase == "verify":
            self.done_bytes += event.size_bytes
            self._sums["size_bytes"] += event.size_bytes
            return
        left = self._sizes.get(event.unit, 0) - self._under_way[event.unit]
        counted = max(0, min(event.size_bytes, left))
        self._under_way[event.unit] += counted
        self.done_bytes += counted

    def _end(self, event: UnitEnded) -> None:
        if event.state != "skipped":
            self.done_bytes += self._sizes.get(event.unit, 0) - self._under_way.pop(event.unit, 0)
            self._sums["size_bytes"] += event.size_bytes
        self.ended[event.state] += 1
        self._add_omissions(event.omissions)
        if event.error is not None:
            self.error_codes.add(event.error.exit_code)
            return
        self._sums["images"] += event.images
        self._sums["files"] += event.files
        self._sums["files_verified"] += event.files_verified
        self._sums["planes_verified"] += event.planes_verified

    def _add_omissions(self, omissions: Iterable[Omission]) -> None:
        """Add omissions of one kind and reason up, so that a long run stays small and its report readable."""
        for omission in omissions:
            key = omission.type, omission.reason
            known = self._omissions.get(key)
            self._omissions[key] = (
                omission if known is None else replace(known, count=known.count + omission.count, on=None)
            )

    @property
    def omissions(self) -> tuple[Omission, ...]:
        """What was left out so far, one for each kind and reason."""
        return tuple(self._omissions.values())

    @property
    def compared(self) -> int:
        """Things that were compared so far."""
        return self._sums["compared"]

    @property
    def differences(self) -> int:
        """How many of these were not the same."""
        return self._sums["differences"]

    def finished(self, *, exit_code: int, seconds: float, error: TransferError | None) -> Finished:
        """Return the summary of all that was taken."""
        return Finished(
            exit_code=exit_code,
            planned=self.planned,
            done=self.ended["done"],
            skipped=self.ended["skipped"],
            failed=self.ended["failed"],
            images=self._sums["images"],
            files=self._sums["files"],
            files_verified=self._sums["files_verified"],
            planes_verified=self._sums["planes_verified"],
            size_bytes=self._sums["size_bytes"],
            seconds=seconds,
            omissions=self.omissions,
            dry_run=self._dry_run,
            compared=self.compared,
            differences=self.differences,
            error=error,
        )
