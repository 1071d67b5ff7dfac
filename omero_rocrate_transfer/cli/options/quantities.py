"""Sizes, rates and times as users type them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from omero_ext import argparse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SIZE = re.compile(r"(?P<number>\d{1,9})(?P<unit>[KMGT]?)(?:i?B)?\Z", re.ASCII | re.IGNORECASE)
_UNITS: Final[Mapping[str, int]] = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_TIME = re.compile(r"(?:(?P<h>\d{1,5})h)?(?:(?P<m>\d{1,6})m)?(?:(?P<s>\d{1,8})s?)?\Z", re.ASCII)
_SECONDS: Final[Mapping[str, int]] = {"h": 3600, "m": 60, "s": 1}


def size_type(least: str, most: str, example: str) -> Callable[[str], int]:
    """Return what argparse reads a size with: bytes, with binary units like ``64M``."""
    low, high = parse_size(least), parse_size(most)

    def size(text: str) -> int:
        size_bytes = parse_size(text)
        if size_bytes is None or not (low or 0) <= size_bytes <= (high or 0):
            raise argparse.ArgumentTypeError(f"{text!r} is no size from {least} to {most}, like {example}")
        return size_bytes

    return size


def parse_size(text: str) -> int | None:
    """Return the bytes that ``20M`` or ``1GiB`` stands for, None where it is no size."""
    match = _SIZE.match(text)
    return int(match["number"]) * _UNITS[match["unit"].lower()] if match else None


def duration(text: str) -> int:
    """Return the seconds that ``8h``, ``1h30m`` or ``90`` stands for; what argparse reads a time with."""
    match = _TIME.match(text)
    parts = match.groupdict() if match else {}
    seconds = sum(int(parts[unit] or 0) * _SECONDS[unit] for unit in parts)
    if seconds < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no time, like 8h, 1h30m or 90s")
    return seconds
