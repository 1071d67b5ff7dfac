"""The plan of a run: what travels, which settings decide the result, and the name of the run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.model.contents import Contents

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from omero_rocrate_transfer.model.contents import Omission, TransferUnit
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.model.results import UnitResult
    from omero_rocrate_transfer.transfer.journal.state import History

    #: A value that JSON can hold.
    Setting = str | int | bool | list[str] | list[list[str]] | None

#: Version of the meaning of `Plan.settings`; part of every fingerprint.
SETTINGS_VERSION: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run does; two processes with the same fingerprint do the same."""

    contents: Contents
    #: What decides the result beside the contents, by name. A setting that has its default value is left out,
    #: so that a later version with more settings still resumes the run.
    settings: Mapping[str, Setting] = field(default_factory=dict)
    #: The run that this plan belongs to; empty for none, as in a dry run.
    run_name: str = ""

    @property
    def omissions(self) -> tuple[Omission, ...]:
        """What the source has and the plan leaves out."""
        return self.contents.omissions

    @property
    def fingerprint(self) -> str:
        """SHA-256 of contents and settings, as hexadecimal digits."""
        return digest_contents(self.contents, {"version": SETTINGS_VERSION, **self.settings})

    def remaining(self, history: History, present: Collection[ObjectRef]) -> Remaining:
        """Divide the items into those that are done and those that are left.

        Parameters
        ----------
        history
            What the journal says.
        present
            Items that are complete on the target.
        """
        complete = set(present) & history.done.keys()
        units = self.contents.units
        return Remaining(
            done=tuple(history.done[unit.ref] for unit in units if unit.ref in complete),
            left=tuple(unit for unit in units if unit.ref not in complete),
            lost=tuple(ref for ref in history.done if ref not in complete),
        )


@dataclass(frozen=True, slots=True)
class Remaining:
    """The items of a plan, divided by what is done."""

    #: Results of items that are done and still there, in the order of the plan.
    done: tuple[UnitResult, ...]
    #: Items that are left to do, in the order of the plan.
    left: tuple[TransferUnit, ...]
    #: Items that the journal has as done, but that are no longer on the target.
    lost: tuple[ObjectRef, ...]


def digest_contents(contents: Contents, settings: Mapping[str, object]) -> str:
    """Return the SHA-256 of what travels and of the settings, as hexadecimal digits.

    Names are not in it: an image that is renamed must not keep a run of days from being resumed.
    """
    digest = hashlib.sha256()
    head = {
        "database": contents.source.database_uuid,
        "roots": [str(ref) for ref in contents.roots],
        "containers": [[str(one.ref), *map(str, one.members)] for one in contents.containers],
        "options": dict(settings),
    }
    if contents.source.samples is not None:
        # its files have no digests
        head["samples"] = contents.source.samples
    digest.update(json.dumps(head, sort_keys=True).encode())
    for unit in contents.units:
        digest.update(json.dumps(_describe(unit)).encode())
    return digest.hexdigest()


def _describe(unit: TransferUnit) -> list[object]:
    files = [
        [file.path, file.size_bytes, *(f"{one.algorithm}:{one.hex}" for one in file.digests)]
        for file in unit.files
    ]
    return [str(unit.ref), unit.pixels, [str(image.ref) for image in unit.images], files]
