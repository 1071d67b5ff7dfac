"""Images and folders in memory, for the tests of OME-Zarr."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


class ArrayReader:
    """A `PixelsReader` over an array in axes t, c, z, y, x."""

    def __init__(self, array: npt.NDArray[Any], tile: int = 1024) -> None:
        self._array = array
        self.shape: tuple[int, int, int, int, int] = array.shape
        self.dtype: np.dtype[np.generic] = array.dtype
        self.tile_size = (tile, tile)
        self.closed = False

    def read_tile(self, t: int, c: int, z: int, x: int, y: int, width: int, height: int) -> npt.NDArray[Any]:
        tile: npt.NDArray[Any] = self._array[t, c, z, y : y + height, x : x + width]
        assert tile.shape == (height, width), "the tile must lie inside the plane"
        return tile

    def close(self) -> None:
        self.closed = True


class MemoryMembers(dict[str, bytes]):
    """Files in memory that may be written once each, and read."""

    def write(self, name: str, data: bytes) -> None:
        assert name not in self, f"{name} is written twice"
        self[name] = data

    def below(self, prefix: str) -> MemoryMembers:
        found = MemoryMembers()
        found.update(
            {name.removeprefix(prefix): data for name, data in self.items() if name.startswith(prefix)}
        )
        return found

    def save(self, folder: Path) -> Path:
        for name, data in self.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        return folder

    def names(self, prefix: str = "") -> Iterable[str]:
        return [name for name in self if name.startswith(prefix)]

    def size(self, name: str) -> int | None:
        return len(self[name]) if name in self else None

    def read(self, name: str, start: int, stop: int) -> bytes:
        return self[name][start:stop]


class FolderMembers:
    """Files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self, prefix: str = "") -> Iterable[str]:
        names = [str(path.relative_to(self._folder)) for path in self._folder.rglob("*") if path.is_file()]
        return [name for name in names if name.startswith(prefix)]

    def size(self, name: str) -> int | None:
        path = self._folder / name
        return path.stat().st_size if path.is_file() else None

    def read(self, name: str, start: int, stop: int) -> bytes:
        return (self._folder / name).read_bytes()[start:stop]
