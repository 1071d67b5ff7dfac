"""JSON from outside: duplicate keys, NaN and deep nesting are refused, and memory is bounded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NoReturn

from omero_rocrate_transfer.crate.write.metadata import GRAPH, HEAD
from omero_rocrate_transfer.model.errors import UnsafeCrateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MAX_DEPTH: Final = 64
#: Far more than any number of a crate has, and fewer than Python itself refuses (4300, at least 640).
_MAX_DIGITS: Final = 640
#: Longest line that is read: the root lists every file in one, here about 700,000.
_MAX_LINE_BYTES: Final = 64 << 20


def parse_json(data: bytes, name: str) -> object:
    """Parse one JSON text.

    Parameters
    ----------
    data
        UTF-8; the caller limits its size.
    name
        What to call it in errors.

    Raises
    ------
    UnsafeCrateError
        It is no JSON, names a key twice, holds NaN, an infinity or a number of too many digits, or
        nests too deep.
    """
    try:
        value = json.loads(
            data.decode(),
            object_pairs_hook=_make_object,
            parse_constant=_refuse_constant,
            parse_int=_make_int,
        )
        _check_depth(value, _MAX_DEPTH)
    except RecursionError:
        raise _refuse(name, f"nests deeper than {_MAX_DEPTH} levels") from None
    except ValueError as error:
        raise _refuse(name, f"is no valid JSON: {error!s:.200}") from error
    return value


def iter_entities(blocks: Iterable[bytes], name: str) -> Iterator[dict[str, object]] | None:
    """Read the graph of a crate of ours, which has one entity per line.

    Returns
    -------
    iterator or None
        None where the first line says that this is another layout.
    """
    lines = iter_lines(blocks, name)
    head = next(lines, b"")
    if not head.startswith(HEAD) or not head.endswith(GRAPH):
        return None
    parse_json(head + b"]}", name)
    return _iter_graph(lines, name)


def iter_lines(blocks: Iterable[bytes], name: str, max_bytes: int = _MAX_LINE_BYTES) -> Iterator[bytes]:
    """Yield lines with their line feeds; the last may lack it.

    Raises
    ------
    UnsafeCrateError
        A line is too long.
    """
    parts: list[bytes] = []
    size_bytes = 0
    for block in blocks:
        *lines, rest = block.split(b"\n")
        for line in lines:
            yield b"".join([*parts, line, b"\n"])
            parts, size_bytes = [], 0
        parts.append(rest)
        size_bytes += len(rest)
        if size_bytes > max_bytes:
            raise _refuse(name, "has a line that is too long")
    if size_bytes:
        yield b"".join(parts)


def _iter_graph(lines: Iterator[bytes], name: str) -> Iterator[dict[str, object]]:
    more = True
    for line in lines:
        text = line.removesuffix(b"\n")
        if not more:
            if text == b"]}" and next(lines, None) is None:
                return
            break
        more = text.endswith(b",")
        entity = parse_json(text.removesuffix(b","), name)
        if not isinstance(entity, dict):
            break
        yield entity
    raise _refuse(name, "is no valid JSON: its lines are not entities")


def _make_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return found


def _make_int(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"a number has more than {_MAX_DIGITS} digits")
    return int(text)


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _check_depth(value: object, left: int) -> None:
    if isinstance(value, dict | list):
        if left == 0:
            raise RecursionError
        for item in value.values() if isinstance(value, dict) else value:
            _check_depth(item, left - 1)


def _refuse(name: str, reason: str) -> UnsafeCrateError:
    return UnsafeCrateError(f"{name} {reason}.", hint="It was changed or damaged; get the crate again.")
