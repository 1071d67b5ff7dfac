"""Options about how large a crate may be, for those who write one and those who read one alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.cli.options.quantities import size_type

if TYPE_CHECKING:
    from omero_ext import argparse

    from omero_rocrate_transfer.crate.archives.base import Limits

#: Which option raises which limit of `crate.archives.base.Limits`.
OPTIONS: Final = {"max_size_bytes": "--max-size", "max_memory_bytes": "--max-metadata"}


def add_crate_limits(parser: argparse.ArgumentParser) -> None:
    """Add how much a crate may hold and may ask for."""
    parser.add_argument(
        "--max-size",
        type=size_type("1K", "999999999T", "2T"),
        metavar="SIZE",
        help="Refuse crates with more bytes than this (default 1024T)",
    )
    parser.add_argument(
        "--max-metadata",
        type=size_type("1M", "999999T", "8G"),
        metavar="SIZE",
        help="Refuse crates whose metadata take more memory (default 4G)",
    )


def crate_limits(args: argparse.Namespace) -> Limits:
    """Return the limits that the options ask for."""
    from dataclasses import replace

    from omero_rocrate_transfer.crate.archives.base import DEFAULT_LIMITS

    limits = DEFAULT_LIMITS
    if args.max_size is not None:
        limits = replace(limits, max_size_bytes=args.max_size)
    if args.max_metadata is not None:
        limits = replace(limits, max_memory_bytes=args.max_metadata)
    return limits
