"""Files on disk that go with deleted rows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from omero_sandbox.db.store import Row
from omero_sandbox.images.backend import id_path, pixels_path, pyramid_path
from omero_sandbox.services.pixel_access import repository_path


def stored_files(data_dir: Path, row: Row) -> list[Path]:
    """Return the paths that hold the binary data of a row; they need not exist.

    Facts: ome.io.nio.AbstractFileSystemService (``Files``, ``Pixels``, ``Thumbnails`` by id) and the managed
    repository (path and name of the original file).
    """
    if row.type == "OriginalFile":
        if row.get("repo"):
            return [repository_path(data_dir, row)]
        return [id_path(data_dir / "Files", row.id)]
    if row.type == "Pixels":
        return [pixels_path(data_dir, row.id), pyramid_path(data_dir, row.id)]
    return [id_path(data_dir / "Thumbnails", row.id)] if row.type == "Thumbnail" else []


def remove(paths: Iterable[Path]) -> None:
    """Delete files, then the folders whose rows were deleted too, unless something is still in them."""
    folders = []
    for path in paths:
        if path.is_dir():
            folders.append(path)
        else:
            path.unlink(missing_ok=True)
    for folder in sorted(folders, reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
