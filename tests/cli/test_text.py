"""Values are shown in full and in order, and no name can play tricks on the terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omero_rocrate_transfer.cli.output.text import (
    MAX_NAME,
    escape,
    render_count,
    render_seconds,
    render_size,
    shorten,
)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (229_136_000_000, "213.4 GiB"),
        (2**60, "1024.0 PiB"),
    ],
)
def test_sizes_have_binary_units(size: int, text: str) -> None:
    assert render_size(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0s"), (59, "59s"), (59.7, "1m 0s"), (2292, "38m 12s"), (7500, "2h 5m")]
)
def test_spans_have_two_units_at_most(seconds: float, text: str) -> None:
    assert render_seconds(seconds) == text


def test_counts_agree_with_their_noun() -> None:
    assert render_count(1, "image") == "1 image"
    assert render_count(1200, "image") == "1,200 images"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain näme 图像.tif", "plain näme 图像.tif"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("two\nlines\r", "two\\x0alines\\x0d"),
        ("\u202efit.exe", "\\u202efit.exe"),
        ("lone\udcff", "lone\\udcff"),
        ("tag\U000e0041", "tag\\U000e0041"),
    ],
)
def test_control_characters_are_shown_as_escapes(name: str, shown: str) -> None:
    assert escape(name) == shown


@given(st.text())
def test_what_is_shown_is_one_visible_line(name: str) -> None:
    shown = escape(name)

    assert len(shown.splitlines()) <= 1
    assert all(unicodedata.category(character)[0] != "C" for character in shown)
    shown.encode("utf-8")


def test_long_names_lose_their_middle() -> None:
    shown = shorten("a" * 300 + ".ome.tiff")

    assert len(shown) == MAX_NAME + 1
    assert shown.startswith("aaa")
    assert shown.endswith(".ome.tiff")
