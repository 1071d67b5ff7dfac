"""Options that end a run in time, and leave others some of the link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omero_rocrate_transfer.cli.options.quantities import duration, size_type
from omero_rocrate_transfer.transfer.rate_limit import Limits

if TYPE_CHECKING:
    from omero_ext import argparse


def add_pace(parser: argparse.ArgumentParser) -> None:
    """Add how much a run may use up."""
    parser.add_argument(
        "--bwlimit",
        type=size_type("1K", "1T", "20M"),
        metavar="RATE",
        help="Read at most this much a second, like 20M",
    )
    parser.add_argument(
        "--max-duration",
        type=duration,
        metavar="TIME",
        help="Begin no more items after this time, like 8h",
    )
    parser.add_argument(
        "--max-transfer",
        type=size_type("1", "999999999T", "500G"),
        metavar="SIZE",
        help="Begin no more items after this much was read, like 500G",
    )


def limits(args: argparse.Namespace) -> Limits:
    """Return the limits of a run."""
    return Limits(
        rate_bytes_per_s=args.bwlimit,
        max_duration_s=args.max_duration,
        max_transfer_bytes=args.max_transfer,
    )
