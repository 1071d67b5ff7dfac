"""What became of each item of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping as MappingOf

    from omero_rocrate_transfer.model.contents import Omission
    from omero_rocrate_transfer.model.refs import ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """A source object and what it became on the target."""

    source: ObjectRef
    target: ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitResult:
    """What a sink made of one transfer unit."""

    unit: ObjectRef
    size_bytes: int
    #: Objects created on a target server; empty for a crate.
    mappings: tuple[Mapping, ...] = ()
    #: What turned out not to be possible only while at work.
    omissions: tuple[Omission, ...] = ()
    #: Files whose digest the target confirmed.
    files_verified: int = 0
    #: Planes whose pixels the target gave back as they were sent.
    planes_verified: int = 0
    #: What the sink needs to find the unit again when a later process goes on; JSON, for the sink alone.
    receipt: MappingOf[str, Any] = field(default_factory=dict)
