from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omero_rocrate_transfer.crate.read.strict_json import iter_entities, iter_lines, parse_json
from omero_rocrate_transfer.crate.write.metadata import GRAPH, HEAD, TAIL, render_json
from omero_rocrate_transfer.model.errors import UnsafeCrateError

BAD = {
    "nothing": b"",
    "words": b"hello",
    "duplicate key": b'{"a": 1, "a": 2}',
    "duplicate key below": b'[{"b": {"a": 1, "a": 2}}]',
    "not a number": b"[NaN]",
    "infinity": b"[Infinity]",
    "minus infinity": b"[-Infinity]",
    "deep": b"[" * 65 + b"]" * 65,
    "very deep": b"[" * 10**6,
    "deep objects": b'{"a":' * 10**5,
    "long number": b"1" * 10**5,
    "not utf-8": b'"\xff"',
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "rest": b"{} {}",
    "cut": b'{"a": ',
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_json_that_is_not_plain_is_refused(data: bytes) -> None:
    with pytest.raises(UnsafeCrateError, match=r"x\.json") as caught:
        parse_json(data, "x.json")

    assert len(str(caught.value)) < 500


def test_long_number_is_refused_in_our_own_words() -> None:
    with pytest.raises(UnsafeCrateError, match="a number has more than 640 digits") as caught:
        parse_json(b"[%b]" % (b"1" * 6000), "x.json")

    assert "sys." not in str(caught.value)
    assert parse_json(b"1" * 640, "x.json") == int("1" * 640)


def test_json_is_parsed_down_to_64_levels() -> None:
    assert json.dumps(parse_json(b"[" * 64 + b"]" * 64, "x")) == "[" * 64 + "]" * 64


def render_lines(entities: list[dict[str, object]]) -> bytes:
    return HEAD + b"[]" + GRAPH + b",\n".join(map(render_json, entities)) + TAIL


@given(
    st.lists(st.dictionaries(st.text(), st.text(), max_size=3), min_size=1, max_size=5), st.integers(1, 50)
)
def test_lines_say_what_the_whole_says(entities: list[dict[str, object]], size: int) -> None:
    text = render_lines(entities)
    blocks = [text[place : place + size] for place in range(0, len(text), size)]

    found = iter_entities(blocks, "x")

    assert found is not None
    assert list(found) == entities == json.loads(text)["@graph"]


def test_other_layouts_are_left_to_the_parser_of_the_whole() -> None:
    assert iter_entities([b'{\n "@context": 1\n}'], "x") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\n]}\n", b"\n"),
        (b"\n]}\n", b"\n]}\n{}"),
        (b'},\n{"@id"', b'}\n{"@id"'),
        (b'{"@id": "b"}', b'["@id"]'),
        (b'{"@id": "b"}', b'{"@id": "b"},'),
        (b'{"@id": "b"}', b'{"@id": "b", "@id": "c"}'),
    ],
)
def test_lines_that_are_no_json_as_a_whole_are_refused(old: bytes, new: bytes) -> None:
    text = render_lines([{"@id": "a"}, {"@id": "b"}])
    assert old in text

    found = iter_entities([text.replace(old, new)], "x")

    assert found is not None
    with pytest.raises(UnsafeCrateError):
        list(found)


def test_endless_line_is_refused() -> None:
    with pytest.raises(UnsafeCrateError, match="would take more than 50 bytes"):
        list(iter_lines([b"x" * 10] * 10, "x", max_bytes=50))
