"""Random conditions give what a plain filter in Python gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from omero_sandbox.db.store import Store
from omero_sandbox.hql.query import execute

Image = dict[str, Any]
Truth = bool | None


@dataclass(frozen=True)
class Condition:
    """HQL with its meaning, in SQL's three-valued logic, spelt out once more."""

    text: str
    holds: Callable[[Image], Truth]


NUMBERS = st.none() | st.integers(-3, 3)
WORDS = st.none() | st.text("ab%_", max_size=3)
IMAGES = st.lists(
    st.fixed_dictionaries(
        {"name": WORDS, "series": NUMBERS, "archived": st.none() | st.booleans(), "fileset": NUMBERS}
    ),
    max_size=8,
)


def literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else f"'{value}'" if isinstance(value, str) else str(value)


def compared(symbol: str, left: Any, right: Any) -> Truth:
    if left is None or right is None:
        return None
    truth: bool = {
        "=": left == right,
        "<>": left != right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
    }[symbol]
    return truth


def comparison(field: str, symbol: str, value: Any) -> Condition:
    path = "i.fileset.id" if field == "fileset" else f"i.{field}"
    return Condition(f"{path} {symbol} {literal(value)}", lambda image: compared(symbol, image[field], value))


def within(values: list[Any]) -> Condition:
    def holds(image: Image) -> Truth:
        if image["series"] is None:
            return None
        return True if image["series"] in values else None if None in values else False

    return Condition(f"i.series in ({', '.join(map(literal, values))})", holds)


def prefixed(start: str) -> Condition:
    def holds(image: Image) -> Truth:
        return None if image["name"] is None else image["name"].startswith(start)

    return Condition(f"i.name like '{start}%'", holds)


def absent(field: str) -> Condition:
    return Condition(f"i.{field} is null", lambda image: image[field] is None)


def negated(condition: Condition) -> Condition:
    def holds(image: Image) -> Truth:
        value = condition.holds(image)
        return None if value is None else not value

    return Condition(f"not ({condition.text})", holds)


def joined(word: str, left: Condition, right: Condition) -> Condition:
    decisive = word == "or"

    def holds(image: Image) -> Truth:
        values = {left.holds(image), right.holds(image)}
        return decisive if decisive in values else None if None in values else not decisive

    return Condition(f"({left.text} {word} {right.text})", holds)


SYMBOLS = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
LEAVES = st.one_of(
    st.builds(comparison, st.sampled_from(["series", "fileset"]), SYMBOLS, NUMBERS),
    st.builds(comparison, st.just("name"), SYMBOLS, WORDS),
    st.builds(comparison, st.just("archived"), st.sampled_from(["=", "<>"]), st.booleans()),
    st.builds(within, st.lists(NUMBERS, min_size=1, max_size=3)),
    st.builds(prefixed, st.text("ab", max_size=2)),
    st.builds(absent, st.sampled_from(["name", "series", "fileset"])),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.builds(negated, inner) | st.builds(joined, st.sampled_from(["and", "or"]), inner, inner),
    max_leaves=6,
)


@settings(deadline=None)  # the first query also reads the grammar
@given(IMAGES, CONDITIONS)
def test_where_keeps_what_holds(images: list[Image], condition: Condition) -> None:
    store = Store()
    for number in range(-3, 4):
        store.insert("Fileset", {"templatePrefix": "x"}, id=number)
    rows = [store.insert("Image", dict(image)) for image in images]
    expected = [row.id for row, image in zip(rows, images, strict=True) if condition.holds(image) is True]
    answer = execute(
        store, lambda _: True, f"select i.id from Image i where {condition.text} order by i.id", {}
    )
    assert [row[0] for row in answer.rows] == expected


@settings(deadline=None)
@given(IMAGES, st.sampled_from(["name", "series", "archived"]), st.booleans())
def test_order_by_sorts_with_nulls_after_all_values(
    images: list[Image], field: str, descending: bool
) -> None:
    store = Store()
    for image in images:
        store.insert("Image", {**image, "fileset": None})
    text = f"select i.{field} from Image i order by i.{field} {'desc' if descending else 'asc'}"
    values = [row[0] for row in execute(store, lambda _: True, text, {}).rows]
    present = sorted((image[field] for image in images if image[field] is not None), reverse=descending)
    nulls = [None] * (len(images) - len(present))
    assert values == (nulls + present if descending else present + nulls)
