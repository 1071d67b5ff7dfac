"""Which files of a foreign pack belong together, and in which order."""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.media_types import guess_media_type
from omero_rocrate_transfer.crate.names import find_oddity
from omero_rocrate_transfer.model.contents import OriginalFile
from omero_rocrate_transfer.model.errors import GET_AGAIN, UnsafeCrateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Last part of the path of a fileset of several files: its folder is meant (omero-cli-transfer).
MOCK_FOLDER: Final = "mock_folder"
#: Endings of files that Bio-Formats opens to find the other files of the fileset, in the order of preference.
_MAIN: Final = (
    ".companion.ome", ".pattern", ".vsi", ".xdce", ".htd", ".mvd2", ".oif", ".lei", ".xlef", ".zattrs",
    "zarr.json", ".ome.tif", ".ome.tiff",
)  # fmt: skip


class PackFiles:
    """Finds the files that the paths of a pack mean.

    Parameters
    ----------
    sizes
        Of all files in the pack, by name.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._sizes = sizes
        self._names = sorted(sizes)
        #: Names that some path meant.
        self.found: set[str] = set()

    def find(self, path: str) -> tuple[OriginalFile, ...]:
        """Return the files that a path means, first the one that is opened; none if missing.

        Parameters
        ----------
        path
            Relative to the pack, from its metadata; with backslashes if it was packed on Windows.

        Raises
        ------
        UnsafeCrateError
            The path leaves the pack.
        """
        files = tuple(self._find(path))
        self.found.update(file.key for file in files)
        return files

    def _find(self, path: str) -> Iterator[OriginalFile]:
        name, sizes = self._resolve(path), self._sizes
        folder, _, last = name.rpartition("/")
        if name in sizes:
            yield make_file(name, last, sizes[name])
            return
        if last != MOCK_FOLDER:
            return
        if not folder:
            raise UnsafeCrateError(f"The path {path!a:.200} means the whole pack.", hint=GET_AGAIN)
        for one in sorted(self._names_below(f"{folder}/"), key=_place_of_main):
            yield make_file(one, one.removeprefix(f"{folder}/"), sizes[one])

    def _resolve(self, path: str) -> str:
        plain = path.removeprefix("./")
        name = plain if plain in self._sizes else path.replace("\\", "/").removeprefix("./")
        if (oddity := find_oddity(name)) is not None:
            raise UnsafeCrateError(f"The path {path!a:.200} cannot be read: {oddity}.", hint=GET_AGAIN)
        return name

    def _names_below(self, folder: str) -> list[str]:
        """Return the names of the files in a folder, which stand beside each other in the sorted names."""
        start = bisect_left(self._names, folder)
        return list(takewhile(lambda name: name.startswith(folder), islice(self._names, start, None)))


def make_file(name: str, path: str, size_bytes: int) -> OriginalFile:
    """Return a file of a fileset."""
    return OriginalFile(
        key=name,
        path=path,
        size_bytes=size_bytes,
        media_type=guess_media_type(path),
    )


def _place_of_main(name: str) -> int:
    lower = name.lower()
    return next((place for place, ending in enumerate(_MAIN) if lower.endswith(ending)), len(_MAIN))
