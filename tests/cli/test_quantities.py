"""Sizes and times are read as users write them, and nothing else is."""

from __future__ import annotations

import pytest
from omero_ext import argparse

from omero_rocrate_transfer.cli.options.quantities import duration, parse_size, size_type


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("17", 17), ("20M", 20 << 20), ("1gib", 1 << 30), ("3kB", 3 << 10), ("2T", 2 << 40)],
)
def test_sizes_have_binary_units(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "M", "-1M", "1.5G", "20 M", "1X", "\uff11M"])
def test_what_is_no_size(text: str) -> None:
    assert parse_size(text) is None


def test_size_out_of_range_names_the_range() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="from 1M to 1T, like 64M"):
        size_type("1M", "1T", "64M")("2k")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("8h", 28_800), ("1h30m", 5400), ("2m5s", 125)]
)
def test_times_have_units(text: str, seconds: int) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0h", "h", "1d", "m5", "-5", "1.5h"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        duration(text)
