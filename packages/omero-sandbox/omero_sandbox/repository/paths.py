"""Names and paths of the managed repository, by omero-blitz's ``ome.services.blitz.repo`` and ``.path``.

A path is a tuple of components. Empty components vanish when a path is split, as in ``FsFile``.
"""

from collections.abc import Iterable, Sequence

PARENTS_TO_RETAIN = 3
"""Directories above the file that survive when the client names no reader (ManagedRepositoryI)."""

_CHARACTERS = dict.fromkeys(range(32), "_") | {
    ord(k): v
    for k, v in {'"': "'", "*": "x", ":": ";", "<": "[", ">": "]", "?": "%", "\\": "!", "|": "!"}.items()
}
_RESERVED = {"AUX", "CON", "NUL", "PRN", "CLOCK$"} | {f"{d}{n}" for d in ("COM", "LPT") for n in range(1, 10)}

Path = tuple[str, ...]


def split(path: str) -> Path:
    """Split at ``/``; leading, trailing and doubled slashes are dropped."""
    return tuple(part for part in path.split("/") if part)


def join(path: Iterable[str]) -> str:
    """Join with ``/``."""
    return "/".join(path)


def resolve(path: str) -> Path | None:
    """Split and resolve ``.`` and ``..``; None if the path leaves the repository (CheckedPath)."""
    parts: list[str] = []
    for part in split(path):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part != ".":
            parts.append(part)
    return tuple(parts)


def is_legal(component: str) -> bool:
    """Whether a component is already what `sanitise` makes of it."""
    return sanitise(component) == component


def sanitise(component: str) -> str:
    """Make one component safe by the rules "Windows required, UNIX required" (MakePathComponentSafe)."""
    if component == "$" or component.startswith("$"):
        component = "_" + component
    head, dot, _ = component.partition(".")
    if head.upper() in _RESERVED:
        component = "_" + component if dot else component + "_"
    return component.translate(_CHARACTERS)


def common_root(paths: Sequence[Path]) -> Path:
    """Find the directories that all paths share; never includes a last component."""
    shared: list[str] = []
    for parts in zip(*(path[:-1] for path in paths), strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return tuple(shared)


def trim(root: Path, paths: Sequence[Path]) -> tuple[Path, list[Path]]:
    """Drop leading directories so that the shortest path keeps its name and three parents (trimPaths).

    Raises
    ------
    ValueError
        More directories would go than the paths share: Java's subList then fails with "fromIndex > toIndex".
    """
    drop = min(len(path) for path in paths) - PARENTS_TO_RETAIN - 1
    if drop < 0:
        return root, list(paths)
    if drop > len(root):
        raise ValueError(f"fromIndex({drop}) > toIndex({len(root)})")
    return root[drop:], [path[drop:] for path in paths]
