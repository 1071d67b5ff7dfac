"""Files on disk that go with deleted rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from omero_rocrate_transfer.sandbox.store import Row

_FOLDERS = {"Pixels": "Pixels", "Thumbnail": "Thumbnails"}


def stored_files(data_dir: Path, row: Row) -> list[Path]:
    """Return the paths that hold the binary data of a row; they need not exist.

    Facts: ome.io.nio.AbstractFileSystemService (``Files``, ``Pixels``, ``Thumbnails`` by id) and the managed
    repository (path and name of the original file).
    """
    if row.type == "OriginalFile":
        if row.get("repo"):
            return [data_dir / "ManagedRepository" / f"{row.values['path']}{row.values['name']}".lstrip("/")]
        return [by_id(data_dir / "Files", row.id)]
    folder = _FOLDERS.get(row.type)
    if folder is None:
        return []
    path = by_id(data_dir / folder, row.id)
    return [path, path.with_name(f"{path.name}_pyramid")]


def by_id(root: Path, number: int) -> Path:
    """Return the path of a file named by an id, a folder ``Dir-nnn`` per thousands."""
    path, remaining = Path(str(number)), number // 1000
    while remaining:
        path = f"Dir-{remaining % 1000:03d}" / path
        remaining //= 1000
    return root / path


def remove(paths: Sequence[Path]) -> None:
    """Delete files, then the folders that became empty and are not the repository itself."""
    for path in paths:
        path.unlink(missing_ok=True)
    for folder in {path.parent for path in paths}:
        _remove_empty(folder)


def _remove_empty(folder: Path) -> None:
    keep = {"ManagedRepository", "Files", "Pixels", "Thumbnails"}
    while folder.name not in keep and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
