from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omero_rocrate_transfer.crate.names import make_name, parse_path, parse_relative_path
from omero_rocrate_transfer.model.annotations import AnnotationChoice, attachment_path
from omero_rocrate_transfer.model.errors import UsageError


def test_all_takes_everything_and_none_nothing() -> None:
    assert AnnotationChoice.parse("all").takes(None)
    assert AnnotationChoice.parse("all").is_all
    assert not AnnotationChoice.parse("none").takes("a")
    assert not AnnotationChoice.parse("none").is_all


def test_namespaces_take_what_has_them() -> None:
    choice = AnnotationChoice.parse("a/b, c,a/b")
    assert choice.namespaces == ("a/b", "c")
    assert choice.takes("c")
    assert not choice.takes(None)
    assert not choice.takes("d")


@pytest.mark.parametrize("text", ["", ",", "a,", "a,,b", " "])
def test_an_empty_namespace_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="a namespace is empty"):
        AnnotationChoice.parse(text)


@given(
    st.text(max_size=300).filter(
        lambda text: "\0" not in text and not any(0xD800 <= ord(c) < 0xE000 for c in text)
    )
)
def test_any_name_of_a_file_makes_a_path(name: str) -> None:
    path = attachment_path(name)
    assert parse_relative_path(path) == path
    assert parse_path(make_name("ann", 42, path)).startswith("ann42.")


@pytest.mark.parametrize(
    ("name", "path"),
    [("notes.txt", "notes.txt"), ("a/b\\c.txt", "a_b_c.txt"), ("..", "_.."), ("", "_"), ("C:x", "_C:x")],
)
def test_what_is_no_path_becomes_one(name: str, path: str) -> None:
    assert attachment_path(name) == path
