"""Names of OME-Zarrs in a crate, and of the digests of their planes."""

from __future__ import annotations

from typing import Final

_ZARR: Final = ".ome.zarr/"
_PLANES: Final = ".planes.json"


def name_planes(zarr: str) -> str:
    """Return the name of the file beside an OME-Zarr, whose folder has a slash at its end."""
    return zarr.removesuffix(_ZARR) + _PLANES
