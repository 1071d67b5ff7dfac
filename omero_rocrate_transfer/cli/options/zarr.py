"""Options of pixels that are packed as OME-Zarr."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.cli.options.quantities import size_type
from omero_rocrate_transfer.crate.ome_zarr.layout import ZarrLayout
from omero_rocrate_transfer.crate.ome_zarr.options import DEFAULT_MEMORY_BYTES, Limits, ZarrOptions

if TYPE_CHECKING:
    from omero_ext import argparse

_DEFAULT: Final = ZarrLayout()


def add_zarr(parser: argparse.ArgumentParser) -> None:
    """Add what decides how pixels are read and stored."""
    parser.add_argument(
        "--chunk",
        type=int,
        default=_DEFAULT.chunk,
        metavar="N",
        help=f"Side of the chunks of an OME-Zarr, a power of 2 (default {_DEFAULT.chunk})",
    )
    parser.add_argument(
        "--compression",
        default=_DEFAULT.compression,
        metavar="CODEC",
        help=f"none, zstd:3, gzip:5, blosc-lz4:5 (default {_DEFAULT.compression})",
    )
    parser.add_argument(
        "--tile",
        type=int,
        metavar="N",
        help="Side of the tiles that are read (default: what reads best)",
    )
    parser.add_argument(
        "--memory",
        type=size_type("1M", "1T", "64M"),
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
