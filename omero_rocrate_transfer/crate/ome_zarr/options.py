"""How images become OME-Zarr, as far as a user may choose it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from omero_rocrate_transfer.crate.ome_zarr.layout import ZarrLayout
from omero_rocrate_transfer.model.errors import UsageError

#: Called with the bytes of each tile as it arrives.
OnBytes = Callable[[int], None]
DEFAULT_MEMORY_BYTES: Final = 20 * 2**20
_MIN_TILE: Final = 64
_MAX_TILE: Final = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one writer may use."""

    #: Tiles read at the same time.
    readers: int = 4
    #: Bytes of shards that wait to be put together or written.
    memory_bytes: int = DEFAULT_MEMORY_BYTES
    #: Side of the tiles that are read, pixels; None for what the source reads best.
    tile: int | None = None

    def __post_init__(self) -> None:
        if self.tile is not None and not _MIN_TILE <= self.tile <= _MAX_TILE:
            raise UsageError(
                f"--tile {self.tile} is not possible.", hint=f"Take {_MIN_TILE} to {_MAX_TILE} pixels."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ZarrOptions:
    """How images become OME-Zarr."""

    layout: ZarrLayout = field(default_factory=ZarrLayout)
    #: Not shown in the text of these options: what is written does not depend on the rest.
    limits: Limits = field(default_factory=Limits, repr=False)
    on_bytes: OnBytes = field(default=lambda _: None, repr=False)
