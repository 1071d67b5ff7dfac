"""Operators of SQL on Python values: three-valued logic, comparison, arithmetic and patterns."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from omero_sandbox.db.store import Row
from omero_sandbox.hql.run import refuse

ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def negate(value: bool | None) -> bool | None:
    """Three-valued ``not``."""
    return None if value is None else not value


def both(left: bool | None, right: bool | None) -> bool | None:
    """Three-valued ``and``."""
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def either(left: bool | None, right: bool | None) -> bool | None:
    """Three-valued ``or``."""
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


def column(value: Any) -> Any:
    """Give what the database compares: the id for an object."""
    return value.id if isinstance(value, Row) else value


def compare(symbol: str, left: Any, right: Any) -> bool | None:
    """Compare two values; null with anything is unknown.

    Raises
    ------
    omero.ApiUsageException
        PostgreSQL has no such operator between these types, say between a number and a text.
    """
    left, right = column(left), column(right)
    if left is None or right is None:
        return None
    if _family(left) != _family(right):
        raise refuse(f"operator does not exist: {_family(left)} {symbol} {_family(right)}")
    return ORDER[symbol](left, right)


def contains(values: Iterable[Any], value: Any) -> bool | None:
    """Three-valued ``in``: unknown rather than false when a null is among the values."""
    value = column(value)
    if value is None:
        return None
    found: bool | None = False
    for each in values:
        equal = compare("=", each, value)
        if equal:
            return True
        if equal is None:
            found = None
    return found


def _family(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else type(value).__name__


def calculate(symbol: str, left: Any, right: Any) -> Any:
    """Arithmetic; integers divide to integers, towards zero."""
    if left is None or right is None:
        return None
    if symbol == "||":
        return _text(left) + _text(right)
    if isinstance(left, str) or isinstance(right, str):
        raise refuse(f"operator does not exist: {_family(left)} {symbol} {_family(right)}")
    if symbol in "/%":
        return _divide(symbol, left, right)
    return {"+": operator.add, "-": operator.sub, "*": operator.mul}[symbol](left, right)


def _divide(symbol: str, left: Any, right: Any) -> Any:
    if right == 0:
        raise refuse("division by zero")
    if isinstance(left, float) or isinstance(right, float):
        return left / right if symbol == "/" else left % right
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    return quotient if symbol == "/" else left - quotient * right


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(column(value))


def like(value: str | None, pattern: str | None, escape: str | None) -> bool | None:
    """Match a pattern: ``%`` any text, ``_`` any character, backslash escapes (as PostgreSQL does)."""
    if value is None or pattern is None:
        return None
    if not isinstance(value, str) or not isinstance(pattern, str):
        raise refuse(f"operator does not exist: {_family(value)} ~~ {_family(pattern)}")
    return _pattern(pattern, escape or "\\").fullmatch(value) is not None


@lru_cache(maxsize=256)
def _pattern(pattern: str, escape: str) -> re.Pattern[str]:
    parts, escaped = [], False
    for letter in pattern:
        if escaped or letter not in {escape, "%", "_"}:
            parts.append(re.escape(letter))
            escaped = False
        elif letter == escape:
            escaped = True
        else:
            parts.append(".*" if letter == "%" else ".")
    return re.compile("".join(parts), re.DOTALL)
