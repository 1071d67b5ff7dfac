"""``ro-crate-metadata.json`` as text: one entity per line, root first, in bounded memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, cast

from omero_rocrate_transfer.crate.vocabulary import context

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from omero_rocrate_transfer.crate.entities import Entity
    from omero_rocrate_transfer.crate.write.spool import Spool

#: Keys of the root that name every file, and every fileset of several; streamed like the entities.
_LISTS: Final = ("mentions", "hasPart")
#: What our reader recognises a file of one entity per line by.
HEAD: Final = b'{"@context": '
GRAPH: Final = b', "@graph": [\n'
TAIL: Final = b"\n]}\n"


def render_json(value: object) -> bytes:
    """Return the value as one line of JSON in UTF-8, without a line feed."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def render_unit(
    found: Iterable[Entity], *, parts: Sequence[str], mentions: Sequence[str]
) -> dict[str, bytes]:
    """Return what `iter_metadata` takes from a spool for one unit.

    Parameters
    ----------
    found
        Entities, in the order in which they are written.
    parts, mentions
        ``@id`` of those that the root lists in ``hasPart`` and in ``mentions``.
    """
    return {
        "entities": b"".join(b",\n" + render_json(entity) for entity in found),
        "hasPart": _render_list(parts),
        "mentions": _render_list(mentions),
    }


def _iter_list(items: Sequence[object], more: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a list, or its only item: RO-Crate 1.1 recommends a value instead of a list of one."""
    first = next((block for block in more if block), None)
    if first is None and len(items) == 1:
        yield render_json(items[0])
        return
    yield render_json(items)[:-1] + (first or b"")
    yield from more
    yield b"]"


def iter_metadata(spool: Spool, version: str, root: Entity, found: Iterable[Entity]) -> Iterator[bytes]:
    """Yield the metadata.

    Parameters
    ----------
    spool
        Holds what `render_unit` returned, for every unit.
    version
        Of RO-Crate.
    root
        With at least one item in each of the lists ``mentions`` and ``hasPart``; those of the units follow.
    found
        All entities that belong to no unit, the descriptor first.
    """
    yield HEAD + render_json(context(version)) + GRAPH
    yield render_json({key: value for key, value in root.items() if key not in _LISTS})[:-1]
    for key in _LISTS:
        yield b", " + render_json(key) + b": "
        yield from _iter_list(cast("Sequence[object]", root[key]), spool.iter_blocks(key))
    yield b"}"
    for entity in found:
        yield b",\n" + render_json(entity)
    yield from spool.iter_blocks("entities")
    yield TAIL


def _render_list(identifiers: Sequence[str]) -> bytes:
    return b"".join(b", " + render_json({"@id": identifier}) for identifier in identifiers)
