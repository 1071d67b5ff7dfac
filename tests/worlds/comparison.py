"""Compares two graphs, ids aside: the same colours mean the same world, else it says what differs.

Colours are refined until they tell all that can be told apart by the values of objects and by what they are
connected to (Weisfeiler and Leman). Only where they differ, objects are paired to name the differences.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from tests.worlds.graph import Graph, Key, Node

_ROUNDS = 12
Colours = dict[Key, int]


@dataclass(frozen=True)
class Difference:
    """One difference.

    Attributes
    ----------
    kind : str
        ``missing``, ``extra``, or the name of a field or reference.
    type : str
        Class of the object.
    text : str
        All of it in one sentence.
    """

    kind: str
    type: str
    text: str

    def __str__(self) -> str:
        return self.text


def compare(source: Graph, target: Graph, ids: Mapping[Key, Key] | None = None) -> list[Difference]:
    """Return all differences, none where the graphs are the same.

    Parameters
    ----------
    source, target : Graph
    ids : mapping of Key to Key, optional
        What objects are said to have become; that must be so, too.
    """
    ids = ids or {}
    before, after = colours(source), colours(target)
    same = Counter(before[-1].values()) == Counter(after[-1].values())
    if same and all(before[-1].get(old) == after[-1].get(new) for old, new in ids.items()):
        return []
    matcher = _Matcher(source, target, before, after)
    matcher.match(ids)
    return list(matcher.iter_differences())


def colours(graph: Graph) -> list[Colours]:
    """Return the colours of all objects after each round, the last ones the finest."""
    current = {key: hash((node.row.type, _frozen(node))) for key, node in graph.items()}
    found = [current]
    neighbours = _neighbours(graph)
    for _ in range(_ROUNDS):
        current = {
            key: hash((current[key], tuple(sorted((label, current[other]) for label, other in near))))
            for key, near in neighbours.items()
        }
        found.append(current)
    return found


def _frozen(node: Node) -> Hashable:
    return tuple(sorted((name, repr(value)) for name, value in node.values.items()))


def _neighbours(graph: Graph) -> dict[Key, list[tuple[str, Key]]]:
    """Return what each object is connected to, by labels that tell the direction."""
    found: dict[Key, list[tuple[str, Key]]] = {key: [] for key in graph}
    for key, node in graph.items():
        for label, other in node.edges:
            found[key].append((f">{label}", other))
            found[other].append((f"<{node.row.type}.{label}", key))
    return found


class _Matcher:
    """Pairs objects of two graphs, the surest first."""

    def __init__(self, source: Graph, target: Graph, before: list[Colours], after: list[Colours]) -> None:
        self._source, self._target = source, target
        self._before, self._after = before, after
        self._near_source, self._near_target = _neighbours(source), _neighbours(target)
        self._pairs: dict[Key, Key] = {}
        self._taken: set[Key] = set()
        #: Whether paired objects may differ in values of their own.
        self._changed_too = False

    def match(self, ids: Mapping[Key, Key]) -> None:
        told = [(old, new) for old, new in ids.items() if old in self._source and new in self._target]
        for old, new in told:
            if self._source[old].row.type == self._target[new].row.type:
                self._pairs[old] = new
                self._taken.add(new)
        for level in range(len(self._before) - 1, -1, -1):
            for here, there in self._by_colour(level):
                if len(here) == len(there) == 1:
                    self._pair([(here[0], there[0])])
        self._spread()
        for level in (len(self._before) - 1, 2, 0):
            for here, there in self._by_colour(level):
                self._pair(zip(here, there, strict=False))
        self._changed_too = True
        self._spread()

    def _spread(self) -> None:
        """Pair what is next to objects that are paired."""
        self._pair([near for old, new in self._pairs.items() for near in self._only_ones(old, new)])

    def _by_colour(self, level: int) -> list[tuple[list[Key], list[Key]]]:
        """Return the unpaired objects of each colour on both sides."""
        groups: dict[int, tuple[list[Key], list[Key]]] = defaultdict(lambda: ([], []))
        for key in sorted(self._source.keys() - self._pairs.keys()):
            groups[self._before[level][key]][0].append(key)
        for key in sorted(self._target.keys() - self._taken):
            groups[self._after[level][key]][1].append(key)
        return [group for group in groups.values() if all(group)]

    def _pair(self, pairs: Iterable[tuple[Key, Key]]) -> None:
        """Pair objects, and those next to them that nothing else can be meant by."""
        queue = list(pairs)
        while queue:
            old, new = queue.pop()
            if old in self._pairs or new in self._taken or not self._alike(old, new):
                continue
            self._pairs[old] = new
            self._taken.add(new)
            queue += self._only_ones(old, new)

    def _alike(self, old: Key, new: Key) -> bool:
        if self._changed_too:
            return self._source[old].row.type == self._target[new].row.type
        return self._before[0][old] == self._after[0][new]

    def _only_ones(self, old: Key, new: Key) -> Iterator[tuple[Key, Key]]:
        here, there = (
            self._open(self._near_source[old], self._pairs),
            self._open(self._near_target[new], self._taken),
        )
        for label, keys in here.items():
            if len(keys) == len(there.get(label, ())) == 1:
                yield keys[0], there[label][0]

    @staticmethod
    def _open(near: Iterable[tuple[str, Key]], done: Iterable[Key]) -> dict[str, list[Key]]:
        found: dict[str, list[Key]] = defaultdict(list)
        for label, key in near:
            if key not in done:
                found[label].append(key)
        return found

    # -- differences

    def iter_differences(self) -> Iterator[Difference]:
        for key, node in self._source.items():
            if key not in self._pairs:
                yield Difference("missing", node.row.type, f"{node} is missing{_ties(node, self._source)}")
            else:
                yield from self._changed(node, self._target[self._pairs[key]])
        for key, node in self._target.items():
            if key not in self._taken:
                yield Difference("extra", node.row.type, f"{node} is new{_ties(node, self._target)}")

    def _changed(self, old: Node, new: Node) -> Iterator[Difference]:
        for name in sorted(old.values.keys() | new.values.keys()):
            before, after = old.values.get(name), new.values.get(name)
            if before != after:
                text = f"{old} {name}: {_short(before)} became {_short(after)}"
                yield Difference(name, old.row.type, text)
        expected = Counter((label, self._pairs.get(key)) for label, key in old.edges)
        found = Counter((label, key if key in self._taken else None) for label, key in new.edges)
        for label, one in expected - found:
            if one is not None:
                yield Difference(label, old.row.type, f"{old} {label} no longer leads to {self._target[one]}")
        for label, one in found - expected:
            if one is not None:
                yield Difference(label, old.row.type, f"{old} {label} now leads to {self._target[one]}")


def _ties(node: Node, graph: Graph) -> str:
    ends = ", ".join(f"{label} {graph[key]}" for label, key in node.edges[:4])
    return f" ({ends})" if ends else ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}… ({len(text)} characters)"
