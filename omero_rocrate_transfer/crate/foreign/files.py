"""Which files of a foreign pack belong together, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.media_types import guess_media_type
from omero_rocrate_transfer.crate.names import parse_path, parse_relative_path
from omero_rocrate_transfer.model.contents import OriginalFile
from omero_rocrate_transfer.model.errors import GET_AGAIN, UnsafeCrateError

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Last part of the path of a fileset of several files: its folder is meant (omero-cli-transfer).
MOCK_FOLDER: Final = "mock_folder"
#: Endings of files that Bio-Formats opens to find the other files of the fileset, in the order of preference.
_MAIN: Final = (
    ".companion.ome", ".pattern", ".vsi", ".xdce", ".htd", ".mvd2", ".oif", ".lei", ".xlef", ".zattrs",
    "zarr.json", ".ome.tif", ".ome.tiff",
)  # fmt: skip


def find_files(path: str, sizes: Mapping[str, int]) -> tuple[OriginalFile, ...]:
    """Return the files that a path of a pack means, first the one that is opened; none if missing.

    Parameters
    ----------
    path
        Relative to the pack, from its metadata.
    sizes
        Of all files in the pack, by name.

    Raises
    ------
    UnsafeCrateError
        The path leaves the pack.
    """
    name = parse_path(path.removeprefix("./"))
    folder, _, last = name.rpartition("/")
    if last != MOCK_FOLDER or name in sizes:
        return (make_file(name, last, sizes[name]),) if name in sizes else ()
    if not folder:
        raise UnsafeCrateError(f"The path {path!a:.200} means the whole pack.", hint=GET_AGAIN)
    found = sorted(one for one in sizes if one.startswith(f"{folder}/"))
    found.sort(key=_place_of_main)
    return tuple(make_file(one, one.removeprefix(f"{folder}/"), sizes[one]) for one in found)


def make_file(name: str, path: str, size_bytes: int) -> OriginalFile:
    """Return a file of a fileset."""
    return OriginalFile(
        key=name,
        path=parse_relative_path(path),
        size_bytes=size_bytes,
        media_type=guess_media_type(path),
    )


def _place_of_main(name: str) -> int:
    lower = name.lower()
    return next((place for place, ending in enumerate(_MAIN) if lower.endswith(ending)), len(_MAIN))
