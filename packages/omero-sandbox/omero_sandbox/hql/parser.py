"""Text of a query to its syntax tree."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import omero
import omero.clients
from lark import Lark, Token, Transformer, v_args
from lark.exceptions import LarkError, UnexpectedInput, VisitError

from omero_sandbox.hql import tree
from omero_sandbox.hql.tree import Expression

_NUMBERS = {"l": "long", "f": "float", "d": "double"}


@lru_cache(maxsize=512)
def parse(text: str) -> tree.Query:
    """Parse a query.

    Raises
    ------
    omero.QueryException
        It is not HQL; the message names the place.
    """
    try:
        found: tree.Query = _Builder().transform(_grammar().parse(text))
    except VisitError as error:
        raise illegal(text, str(error.orig_exc)) from None
    except UnexpectedInput as error:
        place = " ".join(error.get_context(text, span=30).split())
        raise illegal(text, f"unexpected token near: {place}") from None
    except LarkError as error:
        raise illegal(text, str(error)) from None
    return found


def illegal(text: str, reason: str) -> Exception:
    """Error for a query that Hibernate would not compile (omero-server StringQuery.buildQuery)."""
    return omero.QueryException(None, None, f"Illegal query:{text}\n{reason}")


@cache
def _grammar() -> Lark:
    text = files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="contextual", postlex=_WholeWords())


class _WholeWords:
    """Lets the lexer see a name everywhere, so that ``orderby`` is one and not ``order by``."""

    always_accept = ("NAME",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


def _flag(arguments: list[Any], name: str) -> bool:
    """Take an optional leading token off the arguments."""
    if arguments and isinstance(arguments[0], Token) and arguments[0].type == name:
        del arguments[0]
        return True
    return False


def _negate(negated: object, expression: Expression) -> Expression:
    return tree.Not(expression) if negated else expression


class _Builder(Transformer[Token, Any]):
    """Methods are named after the rules of the grammar."""

    def start(self, found: list[tree.Query]) -> tree.Query:
        return found[0]

    def query(self, parts: list[Any]) -> tree.Query:
        named = {part[0]: part[1] for part in parts if isinstance(part, tuple)}
        select = next((part for part in parts if isinstance(part, tree.Select)), None)
        sources = tuple(part for part in parts if isinstance(part, tree.Source))
        return tree.Query(
            select,
            sources,
            named.get("where"),
            named.get("group", ()),
            named.get("having"),
            named.get("order", ()),
        )

    # -- clauses --------------------

    def select(self, parts: list[Any]) -> tree.Select:
        distinct = _flag(parts, "DISTINCT")
        return tree.Select(parts[0], distinct)

    def select_new(self, parts: list[Any]) -> tree.Select:
        distinct = _flag(parts, "DISTINCT")
        shape = str(parts[0]).lower()
        if shape not in {"map", "list"}:
            raise ValueError(f"Unable to locate class [{parts[0]}]")
        return tree.Select(parts[1], distinct, "map" if shape == "map" else "list")

    def items(self, parts: list[tree.Item]) -> tuple[tree.Item, ...]:
        return tuple(parts)

    def item(self, parts: list[Any]) -> tree.Item:
        return tree.Item(parts[0], str(parts[1]) if len(parts) > 1 else None)

    def source(self, parts: list[Any]) -> tree.Source:
        alias = str(parts[1]) if len(parts) > 1 and isinstance(parts[1], Token) else None
        return tree.Source(str(parts[0]), alias, tuple(part for part in parts if isinstance(part, tree.Join)))

    def join(self, parts: list[Any]) -> tree.Join:
        outer = isinstance(parts[0], Token) and parts[0].lower().startswith("left")
        _flag(parts, "JOIN_KIND")
        fetch = _flag(parts, "FETCH")
        path, rest = parts[0], parts[1:]
        alias = str(rest.pop(0)) if rest and isinstance(rest[0], Token) else None
        return tree.Join(path, alias, outer, fetch, rest[0] if rest else None)

    def where(self, parts: list[Any]) -> tuple[str, Any]:
        return "where", parts[0]

    def group(self, parts: list[Any]) -> tuple[str, Any]:
        return "group", tuple(parts)

    def having(self, parts: list[Any]) -> tuple[str, Any]:
        return "having", parts[0]

    def order(self, parts: list[Any]) -> tuple[str, Any]:
        return "order", tuple(parts)

    def key(self, parts: list[Any]) -> tree.Key:
        return tree.Key(parts[0], len(parts) > 1 and parts[1].lower().startswith("desc"))

    # -- conditions --------------------

    def disjunction(self, parts: list[Any]) -> Expression:
        return tree.Logical("or", tuple(parts))

    def conjunction(self, parts: list[Any]) -> Expression:
        return tree.Logical("and", tuple(parts))

    def negation(self, parts: list[Any]) -> Expression:
        return tree.Not(parts[0])

    def compare(self, parts: list[Any]) -> Expression:
        return tree.Compare(_operator(parts[1]), parts[0], parts[2])

    def quantified(self, parts: list[Any]) -> Expression:
        return tree.Compare(_operator(parts[1]), parts[0], tree.Subquery(parts[3]), parts[2].lower())

    def is_null(self, parts: list[Any]) -> Expression:
        return _negate(len(parts) > 1, tree.IsNull(parts[0]))

    def is_empty(self, parts: list[Any]) -> Expression:
        return _negate(len(parts) > 1, tree.IsEmpty(parts[0]))

    def between(self, parts: list[Any]) -> Expression:
        operand = parts.pop(0)
        negated = _flag(parts, "NOT")
        return _negate(negated, tree.Between(operand, *parts))

    def like(self, parts: list[Any]) -> Expression:
        operand = parts.pop(0)
        negated = _flag(parts, "NOT")
        escape = _unquote(parts[1]) if len(parts) > 1 else None
        return _negate(negated, tree.Like(operand, parts[0], escape))

    def member(self, parts: list[Any]) -> Expression:
        operand = parts.pop(0)
        negated = _flag(parts, "NOT")
        return _negate(negated, tree.Member(operand, parts[0]))

    def in_query(self, parts: list[Any]) -> Expression:
        operand = parts.pop(0)
        negated = _flag(parts, "NOT")
        return _negate(negated, tree.In(operand, parts[0]))

    def in_values(self, parts: list[Any]) -> Expression:
        operand = parts.pop(0)
        negated = _flag(parts, "NOT")
        return _negate(negated, tree.In(operand, tuple(parts)))

    def in_elements(self, parts: list[Any]) -> Expression:
        operand = parts.pop(0)
        negated = _flag(parts, "NOT")
        call = parts[0]
        if call.name != "elements" or not isinstance(call.arguments[0], tree.Path):
            raise ValueError("unexpected function after: in")
        return _negate(negated, tree.Member(operand, call.arguments[0]))

    def exists(self, parts: list[tree.Query]) -> Expression:
        return tree.Exists(parts[0])

    # -- values --------------------

    def concatenation(self, parts: list[Any]) -> Expression:
        return tree.Arithmetic("||", parts[0], parts[1])

    def arithmetic(self, parts: list[Any]) -> Expression:
        return tree.Arithmetic(str(parts[1]), parts[0], parts[2])  # type: ignore[arg-type]

    def signed(self, parts: list[Any]) -> Expression:
        return tree.Negative(parts[1]) if parts[0] == "-" else parts[1]

    def dotted(self, parts: list[Token]) -> tree.Path:
        return tree.Path(tuple(str(part) for part in parts))

    def path(self, parts: list[tree.Path]) -> tree.Path:
        return parts[0]

    def parameter(self, parts: list[Token]) -> tree.Parameter:
        return tree.Parameter(parts[0][1:].strip())

    def subquery(self, parts: list[tree.Query]) -> tree.Subquery:
        return tree.Subquery(parts[0])

    def function(self, parts: list[Any]) -> Expression:
        name = str(parts.pop(0)).lower()
        distinct = _flag(parts, "DISTINCT")
        if name == "type":
            return _class_of(parts)
        return tree.Call(name, tuple(parts), distinct)

    def function_star(self, parts: list[Any]) -> tree.Call:
        if parts[0].lower() != "count":
            raise ValueError(f"unexpected * in {parts[0]}")
        return tree.Call("count", (), star=True)

    def cast(self, parts: list[Any]) -> tree.Cast:
        if parts[0].lower() != "cast":
            raise ValueError(f"unexpected as in {parts[0]}")
        return tree.Cast(parts[1], str(parts[2]).lower())

    def otherwise(self, parts: list[Any]) -> tuple[str, Any]:
        return "else", parts[0]

    def case(self, parts: list[Any]) -> tree.Case:
        final = parts.pop()[1] if isinstance(parts[-1], tuple) else None
        operand = parts.pop(0) if len(parts) % 2 else None
        return tree.Case(operand, tuple(zip(parts[::2], parts[1::2], strict=True)), final)

    # -- literals --------------------

    def string(self, parts: list[Token]) -> tree.Literal:
        return tree.Literal(_unquote(parts[0]), "string")

    def number(self, parts: list[Token]) -> tree.Literal:
        return _number(parts[0].lower())

    @v_args(inline=True)
    def true(self) -> tree.Literal:
        return tree.Literal(value=True, kind="boolean")

    @v_args(inline=True)
    def false(self) -> tree.Literal:
        return tree.Literal(value=False, kind="boolean")

    @v_args(inline=True)
    def null(self) -> tree.Literal:
        return tree.Literal(value=None, kind="null")


def _class_of(arguments: list[Any]) -> tree.Path:
    """Read ``type(alias)`` and ``type(alias.class)`` as the property ``alias.class``."""
    if len(arguments) != 1 or not isinstance(arguments[0], tree.Path):
        raise ValueError("type takes one alias")
    names = arguments[0].names
    return tree.Path(names if names[-1] == "class" else (*names, "class"))


def _unquote(token: str) -> str:
    return token[1:-1].replace("''", "'")


def _operator(token: str) -> Any:
    return "<>" if token in {"!=", "^="} else str(token)


def _number(text: str) -> tree.Literal:
    kind = _NUMBERS.get(text[-1])
    digits = text[:-1] if kind else text
    if kind in {"float", "double"} or not digits.isdigit():
        return tree.Literal(float(digits), "float" if kind == "float" else "double")
    return tree.Literal(int(digits), "long" if kind == "long" or int(digits) > 2**31 - 1 else "int")
