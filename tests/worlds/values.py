"""Random values as a database may hold them: awkward texts, limits of numbers, every unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any, TypeVar

import omero.clients

from omero_sandbox.db.schema import schema
from omero_sandbox.db.schema.schema import Field
from omero_sandbox.db.store import Quantity

T = TypeVar("T")

TEXTS = (
    "plain",
    "vertical\x0btab",
    "two words",
    "µm, 細胞, d'Été",
    "\U0001f52c beyond the BMP \U0001d11e",
    "\u202eright to left\u202c",
    "e\u0301 is not \u00e9",
    "<xml> & \"quotes\" 'too' ]]>",
    "first line\nsecond\tline",
    "carriage\rreturn\r\n",
    " blanks around ",
    "../../etc/passwd",
    "C:\\data\\image.tif",
    "{'json': [null]}",
    "null",
    "0",
    "&amp;#10;",
    "%s %(name)s {0}",
    "--",
)
_INT = 2**31
_LONG = 2**63
_DOUBLES = (0.0, 1.0, -1.5, 0.1, 1e-300, 1.7976931348623157e308, 123456789.123456789, -5e-324)
_DAY_MS = 86_400_000


class Draw:
    """Draws values; the same seed gives the same ones.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 -- no secrets

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def pick(self, items: Sequence[T]) -> T:
        return self.random.choice(items)

    def some(self, items: Sequence[T], most: int, least: int = 0) -> list[T]:
        """Draw different items, as many as there are or fewer."""
        count = self.integer(min(least, len(items)), min(most, len(items)))
        return self.random.sample(list(items), count)

    def integer(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def text(self, longest: int = 5000) -> str:
        """Draw a text, seldom an empty or a very long one."""
        number = self.random.random()
        if number < 0.05:
            return ""
        if number < 0.08:
            return ("lang 長い " * 1000)[:longest].rstrip()
        return f"{self.pick(TEXTS)}{self.pick(('', '', f' {self.integer(0, 99)}'))}"[:longest]

    def name(self) -> str:
        """Draw a text of 1 to 255 characters."""
        return self.text(255) or "unnamed"

    def double(self) -> float:
        return self.random.uniform(-1000, 1000) if self.chance(0.6) else self.pick(_DOUBLES)

    def positive(self) -> float:
        return self.random.uniform(1e-6, 1000) if self.chance(0.8) else self.pick((1e-300, 1e300, 1.0))

    def fraction(self) -> float:
        return self.pick((0.0, 1.0, self.random.random()))

    def time_ms(self) -> int:
        """Draw a time between 1900 and 2100, to the millisecond."""
        return self.integer(-70 * 365 * _DAY_MS, 130 * 365 * _DAY_MS)

    def pairs(self) -> list[tuple[str, str]]:
        """Draw key-value pairs in an order of their own, keys more than once."""
        keys = self.some(TEXTS, 3, 1) * 2
        self.random.shuffle(keys)
        return [(key, self.text(300)) for key in keys[: self.integer(0, len(keys))]]

    def quantity(self, kind: str, check: str | None = None) -> Quantity:
        """Draw a quantity in any unit of its kind."""
        value = self.positive() if check == ">0" else self.double()
        if check == ">=0":
            value = abs(value)
        return Quantity(value, self.pick(units(kind)))

    def value(self, field: Field) -> Any:
        """Draw a value for a field that is no reference."""
        if field.kind == "unit":
            return self.quantity(field.type, field.check)
        if field.kind == "map":
            return self.pairs()
        return _SCALARS[field.type](self, field)


@cache
def units(kind: str) -> list[str]:
    """Return the names of all units of a kind such as ``Length``."""
    enumeration = getattr(omero.model.enums, f"Units{kind}")
    return sorted(str(each) for each in enumeration._enumerators.values())


def _int(draw: Draw, field: Field) -> int:
    low = {">0": 1, ">=0": 0}.get(field.check or "", -_INT)
    return draw.pick((low, low + 1, draw.integer(max(low, -9), 9), max(low, draw.integer(0, 99)), _INT - 1))


def _long(draw: Draw, _field: Field) -> int:
    return draw.pick((0, draw.integer(-99, 99), _LONG - 1, -_LONG))


def _double(draw: Draw, field: Field) -> float:
    return draw.fraction() if field.check == "0..1" else draw.double()


_SCALARS: dict[str, Any] = {
    "string": lambda draw, _field: draw.text(255),
    "text": lambda draw, _field: draw.text(),
    "int": _int,
    "long": _long,
    "double": _double,
    "boolean": lambda draw, _field: draw.chance(0.5),
    "timestamp": lambda draw, _field: draw.time_ms(),
}

#: What a column of type ``double precision`` may hold beside finite numbers.
NOT_FINITE = (math.nan, math.inf, -math.inf)


@cache
def enumerations() -> frozenset[str]:
    """Return the names of all enumerations."""
    return frozenset(each.name for each in schema() if each.is_enum)
