"""Whatever strangers send, every parser either takes it or says in our own words why not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS
from tests.promises import Promise

SAMPLE, SOAK = 40, 2000
#: What parsers like least, put at random places.
PIECES = [
    b"", b"\0", b"\xff", b'"', b"}", b"]", b"<", b"&a;", b"<!DOCTYPE a>", b"../", b"NaN", b"1e999", b"-1",
    b"null", b"[]", b"{}", b"\xed\xa0\x80", b"99999999999999999999", b"PK\x01\x02", b"\r\n",
    "\u202e".encode(),
]  # fmt: skip
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def mutated(draw: Callable[..., Any], seed: bytes) -> bytes:
    """Return what a parser takes, with some of it replaced, removed or repeated."""
    data = bytearray(seed)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        size = draw(st.sampled_from([0, 1, 1, 4, 40]))
        piece = draw(st.sampled_from(PIECES) | st.binary(max_size=6))
        data[start : start + size] = piece or data[:size]
    return bytes(data)


@st.composite
def changed_json(draw: Callable[..., Any], seed: bytes) -> bytes:
    """Return JSON of which some values became others, still well-formed."""
    document = json.loads(seed)
    for _ in range(draw(st.integers(1, 3))):
        holder: Any = document
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(holder[key], dict | list) and holder[key] and draw(st.integers(0, 5)):
                holder = holder[key]
                continue
            holder[key] = draw(JUNK)
            break
    return json.dumps(document).encode()


def inputs(name: str) -> st.SearchStrategy[bytes]:
    seed = TARGETS[name].seed()
    found: st.SearchStrategy[bytes] = mutated(seed) | st.binary(max_size=64)
    return found | changed_json(seed) if seed.startswith(b"{") and name != "journal" else found


def fuzz(name: str, count: int, promise: Promise) -> Counter[str]:
    """Give a parser that many inputs; return how many were tried, and how many it took."""
    counts: Counter[str] = Counter()
    target = TARGETS[name]

    @settings(max_examples=count, suppress_health_check=list(HealthCheck))
    @given(inputs(name))
    def try_one(data: bytes) -> None:
        counts["tried"] += 1
        counts["taken"] += target.try_once(data)
        counts["right"] += 1

    try:
        try_one()
    finally:
        promise(f"examples for the parser of {name}, taken or refused", counts["right"], counts["tried"])
    return counts


@pytest.mark.parametrize("name", TARGETS)
def test_the_seed_is_taken(name: str) -> None:
    assert TARGETS[name].try_once(TARGETS[name].seed())


@pytest.mark.parametrize("name", TARGETS)
def test_only_our_own_errors_come_out(name: str, promise: Promise) -> None:
    counts = fuzz(name, SAMPLE, promise)

    # the rest were refused with a TransferError
    assert counts["tried"] > counts["taken"]


@pytest.mark.soak
@pytest.mark.parametrize("name", TARGETS)
def test_only_our_own_errors_come_out_of_many(name: str, promise: Promise) -> None:
    counts = fuzz(name, SOAK, promise)

    assert counts["tried"] >= SOAK / 2
