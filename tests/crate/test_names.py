from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omero_rocrate_transfer.crate import names
from omero_rocrate_transfer.model.errors import UnsafeCrateError

ODD = [
    "cells.tif",
    "Zellen größe 1.ome.tiff",
    "面试.tif",
    "a/b\\c:d*?.czi",
    "x" * 300 + ".ome.tiff",
    ".hidden",
    "...",
    "",
    "CON",
    "con.tif",
    "trailing. ",
    "~home",
    "ome.xml",
    "OME.xml",
    "\N{RIGHT-TO-LEFT OVERRIDE}fit.exe",
    "e\u0301.tif",
    "\ud800.tif",
]
original_names = st.one_of(st.sampled_from(ODD), st.text(max_size=300))


@given(original_names, st.integers(0, 2**63 - 1), st.one_of(st.none(), st.integers(0, 10**6)))
def test_made_name_is_short_safe_and_accepted_by_the_parser(
    original: str, number: int, index: int | None
) -> None:
    name = names.make_name("fs", number, original, index=index)

    assert re.fullmatch(r"fs\d+\.[A-Za-z0-9._-]+", name)
    assert len(name) <= names.MAX_MADE_BYTES
    assert names.parse_path(name) == names.check_payload(name) == name


@given(st.sampled_from(["fs", "image", "plate"]), st.integers(0, 2**63 - 1), st.integers(0, 10**6))
def test_names_of_pages_are_short_and_tell_their_unit_and_place(kind: str, number: int, index: int) -> None:
    name = names.make_page_name(kind, number, index)

    assert names.parse_page_name(name) == (kind, number, index)
    assert len(name) <= names.MAX_MADE_BYTES
    assert names.parse_path(name) == names.check_payload(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "fs1.ome.xml",
        "roisfs1.ome.xml",
        "roisfs1.0.ome.xml",
        "roisfs01.0000.ome.xml",
        "roisfs1.0000.ome.xml.tif",
    ],
)
def test_other_names_are_no_pages(name: str) -> None:
    assert names.parse_page_name(name) is None


@given(st.lists(st.lists(original_names, min_size=1, max_size=4), min_size=1, max_size=6))
def test_made_names_never_collide_on_any_disk(filesets: list[list[str]]) -> None:
    made = [names.make_document_name("fs", number) for number in range(len(filesets))]
    made += [names.make_page_name("fs", number, index) for number in range(len(filesets)) for index in (0, 1)]
    for number, originals in enumerate(filesets):
        several = len(originals) > 1
        made += [
            names.make_name("fs", number, original, index=index if several else None)
            for index, original in enumerate(originals)
        ]

    names.check_distinct(made)
    assert len({name.casefold() for name in made}) == len(made)


@pytest.mark.parametrize(
    ("original", "made"),
    [
        ("cells.tif", "fs101.cells.tif"),
        ("Zelle é 1.ome.tif", "fs101.Zelle_e_1.ome.tif"),
        (".x", "fs101.x"),
        ("", "fs101.file"),
        ("ome.xml", "fs101.0000.ome.xml"),
    ],
)
def test_made_name_resembles_the_original(original: str, made: str) -> None:
    assert names.make_name("fs", 101, original) == made


def test_long_name_keeps_its_last_two_suffixes() -> None:
    name = names.make_name("fs", 101, "x" * 300 + ".y.ome.tiff", index=12)

    assert name.startswith("fs101.0012.xxx")
    assert name.endswith("x.ome.tiff")
    assert len(name) == names.MAX_MADE_BYTES


BAD_EVERYWHERE = {
    "empty": "",
    "absolute": "/etc/passwd",
    "drive": "C:/x",
    "drive-relative": "c:x",
    "unc": "//host/share/x",
    "backslash": "a\\b",
    "climbing": "../x",
    "climbing-inside": "a/../../x",
    "dots-at-end": "a/..",
    "dot": "./x",
    "empty-part": "a//b",
    "folder": "a/",
    "nul": "a\0b",
    "line-feed": "a\nb",
    "escape": "a\x1b[2Jb",
    "c1-control": "a\x85b",
    "surrogate": "a\ud800b",
    "long-part": "x" * 256,
    "long-path": "/".join(["x" * 200] * 21),
}
BAD_IN_CRATES = {
    "decomposed": "e\u0301.tif",
    "tilde": "~root",
    "tilde-inside": "a/~x",
    "trailing-dot": "a.",
    "trailing-space": "a ",
    "trailing-dot-inside": "a./b",
    "device": "NUL",
    "device-lower-case": "com1.tif",
    "device-inside": "a/aux.txt/b",
    "device-superscript": "COM¹",
    "stream": "a.tif:hidden",
}


@pytest.mark.parametrize("name", BAD_EVERYWHERE.values(), ids=BAD_EVERYWHERE)
def test_unsafe_path_is_refused_everywhere(name: str) -> None:
    for parse in (names.parse_path, names.parse_relative_path):
        with pytest.raises(UnsafeCrateError, match="The name") as caught:
            parse(name)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", BAD_IN_CRATES.values(), ids=BAD_IN_CRATES)
def test_ambiguous_name_is_refused_in_a_crate_and_kept_as_original_path(name: str) -> None:
    with pytest.raises(UnsafeCrateError):
        names.parse_path(name)

    assert names.parse_relative_path(name) == name


@given(st.text())
def test_parsers_only_raise_their_own_error(text: str) -> None:
    for parse in (names.parse_path, names.parse_relative_path):
        try:
            assert parse(text) == text
        except UnsafeCrateError:
            continue


@pytest.mark.parametrize(
    "pair",
    [
        ("a.tif", "A.tif"),
        ("straße", "STRASSE"),
        ("a", "a/b"),
        ("A/x", "a/y"),
        ("a", "a/"),
        ("K", "\N{KELVIN SIGN}"),
    ],
)
def test_names_that_are_one_file_on_some_system_are_refused(pair: tuple[str, str]) -> None:
    for order in (pair, pair[::-1]):
        with pytest.raises(UnsafeCrateError):
            names.check_distinct(order)


def test_distinct_names_pass() -> None:
    names.check_distinct(["a.tif", "b/x", "b/y", "b/", "ab"])


@pytest.mark.parametrize("name", ["ro-crate-metadata.json", "RO-Crate-Metadata.JSON", "manifest-sha256.txt"])
def test_payload_cannot_have_a_name_of_the_crate(name: str) -> None:
    with pytest.raises(UnsafeCrateError, match="belongs to the crate"):
        names.check_payload(name)
