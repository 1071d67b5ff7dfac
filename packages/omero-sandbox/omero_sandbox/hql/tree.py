"""Syntax tree of an HQL query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf
from typing import TypeAlias


@dataclass(frozen=True)
class Path:
    """Dotted name: an alias or property with the properties behind it, or a class."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True)
class Literal:
    """Constant; ``kind`` is the scalar type of the result, ``null`` for null."""

    value: str | int | float | bool | None
    kind: OneOf["string", "int", "long", "double", "float", "boolean", "null"]


@dataclass(frozen=True)
class Parameter:
    """Named parameter, without the colon."""

    name: str


@dataclass(frozen=True)
class Subquery:
    """Query in parentheses."""

    query: Query


@dataclass(frozen=True)
class Not:
    """Negation."""

    operand: Expression


@dataclass(frozen=True)
class Negative:
    """Arithmetic minus."""

    operand: Expression


@dataclass(frozen=True)
class Logical:
    """``and`` or ``or`` of two or more conditions; clients send hundreds."""

    operator: OneOf["and", "or"]
    operands: tuple[Expression, ...]


@dataclass(frozen=True)
class Compare:
    """Comparison; a subquery on the right may have a quantifier."""

    operator: OneOf["=", "<>", "<", "<=", ">", ">="]
    left: Expression
    right: Expression
    quantifier: OneOf["all", "any", "some"] | None = None


@dataclass(frozen=True)
class Arithmetic:
    """Arithmetic or, as ``||``, concatenation."""

    operator: OneOf["+", "-", "*", "/", "%", "||"]
    left: Expression
    right: Expression


@dataclass(frozen=True)
class IsNull:
    """``is null``."""

    operand: Expression


@dataclass(frozen=True)
class IsEmpty:
    """``is empty`` of a collection."""

    operand: Expression


@dataclass(frozen=True)
class Between:
    """Range test, both ends included."""

    operand: Expression
    low: Expression
    high: Expression


@dataclass(frozen=True)
class Like:
    """SQL pattern match."""

    operand: Expression
    pattern: Expression
    escape: str | None


@dataclass(frozen=True)
class In:
    """Membership of a list of expressions or of one subquery."""

    operand: Expression
    choices: tuple[Expression, ...] | Query


@dataclass(frozen=True)
class Member:
    """``member of`` a collection or a class."""

    operand: Expression
    collection: Path


@dataclass(frozen=True)
class Exists:
    """True when the query has a row."""

    query: Query


@dataclass(frozen=True)
class Case:
    """Case with conditions or, when ``operand`` is there, with values."""

    operand: Expression | None
    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None


@dataclass(frozen=True)
class Call:
    """Function or aggregate; ``count(*)`` has no arguments and ``star``."""

    name: str
    arguments: tuple[Expression, ...]
    distinct: bool = False
    star: bool = False


@dataclass(frozen=True)
class Cast:
    """``cast(operand as type)``."""

    operand: Expression
    type: str


Expression: TypeAlias = (
    Path
    | Literal
    | Parameter
    | Subquery
    | Not
    | Negative
    | Logical
    | Compare
    | Arithmetic
    | IsNull
    | IsEmpty
    | Between
    | Like
    | In
    | Member
    | Exists
    | Case
    | Call
    | Cast
)


@dataclass(frozen=True)
class Item:
    """One selected expression."""

    expression: Expression
    alias: str | None


@dataclass(frozen=True)
class Select:
    """What a row of the answer holds; ``shape`` is that of ``select new map(…)`` or ``new list(…)``."""

    items: tuple[Item, ...]
    distinct: bool
    shape: OneOf["map", "list"] | None = None


@dataclass(frozen=True)
class Join:
    """Join along a property."""

    path: Path
    alias: str | None
    outer: bool
    fetch: bool
    condition: Expression | None


@dataclass(frozen=True)
class Source:
    """Class of the from clause with its joins."""

    type: str
    alias: str | None
    joins: tuple[Join, ...]


@dataclass(frozen=True)
class Key:
    """Sort key."""

    expression: Expression
    descending: bool


@dataclass(frozen=True)
class Query:
    """One query or subquery."""

    select: Select | None
    sources: tuple[Source, ...]
    where: Expression | None
    group: tuple[Expression, ...]
    having: Expression | None
    order: tuple[Key, ...]
