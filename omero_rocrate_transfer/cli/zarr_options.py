"""Options of pixels that are packed as OME-Zarr."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from omero_ext import argparse

from omero_rocrate_transfer.crate.ome_zarr.layout import ZarrLayout
from omero_rocrate_transfer.crate.ome_zarr.options import DEFAULT_MEMORY_BYTES, Limits, ZarrOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIZE = re.compile(r"(?P<number>\d{1,9})(?P<unit>[KMG]?)(?:i?B)?\Z", re.ASCII | re.IGNORECASE)
_UNITS: Final[Mapping[str, int]] = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_DEFAULT: Final = ZarrLayout()


def add_zarr(parser: argparse.ArgumentParser) -> None:
    """Add what decides how pixels are read and stored."""
    parser.add_argument(
        "--chunk",
        type=int,
        default=_DEFAULT.chunk,
        metavar="N",
        help=f"Side of the chunks of an OME-Zarr in pixels, a power of two (default {_DEFAULT.chunk})",
    )
    parser.add_argument(
        "--compression",
        default=_DEFAULT.compression,
        metavar="CODEC",
        help=f"Of chunks: none, zstd:3, gzip:5, blosc-lz4:5 (default {_DEFAULT.compression})",
    )
    parser.add_argument(
        "--tile",
        type=int,
        metavar="N",
        help="Side of the tiles in which pixels are read (default: what the server reads best)",
    )
    parser.add_argument(
        "--memory",
        type=_size,
        default=DEFAULT_MEMORY_BYTES,
        metavar="SIZE",
        help=f"For pixels of each item under way, like 64M (default {DEFAULT_MEMORY_BYTES >> 20}M)",
    )


def zarr_options(args: argparse.Namespace) -> ZarrOptions:
    """Return how pixels are stored.

    Raises
    ------
    UsageError
        They cannot be stored like that.
    """
    return ZarrOptions(
        layout=ZarrLayout(
            chunk=args.chunk, shard=max(args.chunk, _DEFAULT.shard), compression=args.compression
        ),
        limits=Limits(readers=args.parallel, memory_bytes=args.memory, tile=args.tile),
    )


def _size(text: str) -> Any:
    match = _SIZE.match(text)
    size_bytes = int(match["number"]) * _UNITS[match["unit"].lower()] if match else 0
    if not 1 << 20 <= size_bytes <= 1 << 40:
        raise argparse.ArgumentTypeError(f"{text!r} is no size from 1M to 1T, like 64M")
    return size_bytes
