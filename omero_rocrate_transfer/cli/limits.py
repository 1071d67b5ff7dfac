"""Options that say how much goes on at once, and how often something is tried."""

from __future__ import annotations

from typing import Final

from omero_ext import argparse

from omero_rocrate_transfer.transfer.retry import RETRIES

#: Units at work at the same time unless told otherwise; servers have small pools of readers.
PARALLEL: Final = 4
MAX_PARALLEL: Final = 32
MAX_RETRIES: Final = 1000


def add_parallel(parser: argparse.ArgumentParser) -> None:
    """Add how much goes on at once."""
    parser.add_argument(
        "--parallel",
        type=_parallel,
        default=PARALLEL,
        metavar="N",
        help=f"Items at work at the same time, 1 to {MAX_PARALLEL} (default {PARALLEL})",
    )


def add_retries(parser: argparse.ArgumentParser) -> None:
    """Add how often a lost connection is tried again."""
    parser.add_argument(
        "--retries",
        type=_retries,
        default=RETRIES,
        metavar="N",
        help=f"Attempts after a lost connection, 0 to {MAX_RETRIES} (default {RETRIES})",
    )


def _parallel(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= MAX_PARALLEL:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MAX_PARALLEL}")
    return number


def _retries(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= number <= MAX_RETRIES:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {MAX_RETRIES}")
    return number
