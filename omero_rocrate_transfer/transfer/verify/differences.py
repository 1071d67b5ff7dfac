"""Differences between the facts of two objects, each as one clause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.transfer.events import Compared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omero_rocrate_transfer.transfer.verify.facts import Facts

#: What every import makes, also of images that had none on the source.
MADE_BY_IMPORTS: Final = frozenset(("rendering",))
#: Clauses reported of one object.
_TOLD: Final = 5


def tell_differences(
    left: Mapping[str, Any], right: Mapping[str, Any], *, partial: bool = False
) -> list[str]:
    """Return one clause for each fact that is not the same on both sides.

    Parameters
    ----------
    partial
        Whether the left says only some of its facts: then those that only the right has are no difference.
    """
    clauses = []
    for name in sorted({*left, *right}, key=str):
        here, there = left.get(name), right.get(name)
        if partial and here is None:
            continue
        if here != there and not _is_close(here, there):
            clauses.append(f"{name} is {_show(here)}, then {_show(there)}")
    return clauses


def without_extended(left: Facts, right: Facts, said: Mapping[str, Any]) -> Facts:
    """Return the facts of the left but for the objects that the right has, and says more of.

    Parameters
    ----------
    said
        What objects of both sides say, by kind and digest, the end of their names in the facts.
    """
    found = dict(left)
    free = {name: count for name, count in right.items() if name not in left}
    for name in sorted({*left} - {*right}, key=str):
        path, _, label = name.rpartition(".")
        for other, count in free.items():
            other_path, _, other_label = other.rpartition(".")
            if (
                path == other_path
                and label in said
                and other_label in said
                and count == left[name]
                and _is_part(said[label], said[other_label])
            ):
                del found[name], free[other]
                break
    return found


def _is_part(here: Any, there: Any) -> bool:
    """Tell whether everything that one description says is in another, too."""
    if isinstance(here, dict) and isinstance(there, dict):
        return all(name in there and _is_part(item, there[name]) for name, item in here.items())
    if isinstance(here, list) and isinstance(there, list):
        return len(here) == len(there) and all(map(_is_part, here, there))
    return bool(here == there) or _is_close(here, there)


def _is_close(here: Any, there: Any) -> bool:
    """Tell whether two numbers only differ by how a database rounds."""
    if not isinstance(here, float) or not isinstance(there, float | int):
        return False
    return abs(here - there) <= 1e-12 * max(abs(here), abs(there))


def _show(value: Any) -> str:
    text = "missing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def without_defaults(right: Facts, left: Facts) -> Facts:
    """Return the facts of a new object without what its import made by itself and the original never had."""
    return {name: value for name, value in right.items() if name in left or name not in MADE_BY_IMPORTS}


def result_of(path: str, clauses: list[str]) -> Compared:
    """Return what came of comparing an object, from the clauses that say what differs."""
    if not clauses:
        return Compared(symbol="=", path=path)
    more = f" and {len(clauses) - _TOLD} more" if len(clauses) > _TOLD else ""
    return Compared(symbol="*", path=path, text=f"{'; '.join(clauses[:_TOLD])}{more}.")
