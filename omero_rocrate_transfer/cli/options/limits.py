"""Options that say how much goes on at once, how long is waited, and how often something is tried."""

from __future__ import annotations

from typing import Final

from omero_ext import argparse

from omero_rocrate_transfer.server.session.timeouts import TIMEOUT_S
from omero_rocrate_transfer.transfer.retry import RETRIES

#: Units at work at the same time unless told otherwise; servers have small pools of readers.
PARALLEL: Final = 4
MAX_PARALLEL: Final = 32
MAX_RETRIES: Final = 1000
MAX_TIMEOUT_S: Final = 86_400


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


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """Add how long an answer is waited for."""
    parser.add_argument(
        "--timeout",
        # OMERO's login takes ``timeout`` for the idle time of the session, and would change that.
        dest="answer_timeout",
        type=_timeout,
        default=TIMEOUT_S,
        metavar="S",
        help=f"Seconds of silence that mean a lost connection (default {TIMEOUT_S})",
    )


def _parallel(text: str) -> int:
    return _whole(text, 1, MAX_PARALLEL)


def _retries(text: str) -> int:
    return _whole(text, 0, MAX_RETRIES)


def _timeout(text: str) -> int:
    return _whole(text, 1, MAX_TIMEOUT_S)


def _whole(text: str, least: int, most: int) -> int:
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most}")
    return number
