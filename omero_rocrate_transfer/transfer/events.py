"""What a run tells while it works; the only thing the user interface sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omero_rocrate_transfer.model.contents import Contents, Omission
    from omero_rocrate_transfer.model.errors import TransferError
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.model.results import Mapping as Mapped


Phase = Literal["check", "transfer", "verify"]
#: Those of ``rclone check --combined``.
Symbol = Literal["=", "-", "+", "*", "!"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The plan stands: what will travel and what will not."""

    contents: Contents
    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A phase begins: the source's digests are checked, the transfer itself, or a verification."""

    phase: Phase
    #: Bytes that will go by in it.
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainersCreated:
    """The sink stands ready, and so do these containers on the target."""

    mappings: tuple[Mapped, ...]
    #: What of the containers the sink could not take.
    omissions: tuple[Omission, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """Bytes went by."""

    #: Unit at work.
    unit: ObjectRef
    #: Name of the file (or image) at work.
    name: str
    #: Bytes since the last event, not in all.
    size_bytes: int
    phase: Phase = "transfer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """Something failed that may pass; it will be tried again."""

    #: Unit at work, None where it was something else.
    unit: ObjectRef | None
    #: How many attempts failed so far.
    attempt: int
    #: Seconds until the next one.
    wait_s: float
    error: TransferError


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitEnded:
    """A unit is done, was there already, or failed."""

    unit: ObjectRef
    state: Literal["done", "skipped", "failed"]
    size_bytes: int
    #: Images of the unit.
    images: int
    files: int
    files_verified: int = 0
    planes_verified: int = 0
    omissions: tuple[Omission, ...] = ()
    #: Objects created on a target server.
    mappings: tuple[Mapped, ...] = ()
    error: TransferError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Something was held against what it should be."""

    #: ``=`` the same, ``*`` different, ``+`` missing on the right, ``-`` only on the right, ``!`` not
    #: comparable because of an error. Left is what is promised, right is what is there.
    symbol: Symbol
    #: A file in a crate, an object, or a file or image of one.
    path: str
    #: What differs, in words; empty where nothing does.
    text: str = ""
    error: TransferError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What something holds, for people and for machines."""

    lines: tuple[str, ...]
    #: JSON.
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The run is over; always the last event."""

    exit_code: int
    #: Units planned, done, skipped, failed.
    planned: int
    done: int
    skipped: int
    failed: int
    images: int
    files: int
    files_verified: int
    size_bytes: int
    seconds: float
    planes_verified: int = 0
    omissions: tuple[Omission, ...] = ()
    dry_run: bool = False
    #: Things that were compared, and how many of them were not the same.
    compared: int = 0
    differences: int = 0
    #: What ended the run before its end; a failed unit alone does not.
    error: TransferError | None = None


Event = Planned | Started | ContainersCreated | Advanced | Retried | Compared | Listed | UnitEnded | Finished
