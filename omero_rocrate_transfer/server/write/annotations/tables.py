"""OMERO.tables: their columns of ids, pointed to what the objects became."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from omero_rocrate_transfer.server.write.annotations.table_check import (
    MAX_COLUMNS,
    UnreadableTableError,
    check_dataset,
    check_links,
    max_row_bytes,
)

#: Where OMERO keeps rows and the classes of their columns (omero-py hdfstorageV2, HdfStorage.initialize).
_ROWS: Final = "OME/Measurements"
_TYPES: Final = "OME/ColumnTypes"
#: Type, as in LSIDs, of the ids in columns of a class (omero-py omero.columns).
_ID_COLUMNS: Final = {
    "ImageColumn": "Image",
    "WellColumn": "Well",
    "PlateColumn": "Plate",
    "DatasetColumn": "Dataset",
    "RoiColumn": "ROI",
    "FileColumn": "OriginalFile",
}
_NESTED: Final = "MaskColumn"
#: What OMERO's own scripts write where there is no object.
NOTHING: Final = -1
#: Rows and bytes that are held at once.
_BLOCK_ROWS: Final = 65_536
_BLOCK_BYTES: Final = 32 << 20
#: Bytes of the name of a column's class; "::omero::grid::DatasetColumn" takes 29.
_CLASS_BYTES: Final = 1024

#: From type and id on the source to the id on the target, None where it is not there.
FindId = Callable[[str, int], int | None]
#: From type, ids on the source and as many on the target to whether these are the same objects.
SameIds = Callable[[str, Any, Any], bool]


def has_library() -> bool:
    """Tell whether HDF5 files can be read here."""
    try:
        import h5py  # noqa: F401
    except ImportError:
        return False
    return True


def check_table(path: Path) -> None:
    """Make sure that a file is a table whose rows can be rewritten without touching anything else.

    Raises
    ------
    UnreadableTableError
        It is not one; nothing was changed.
    """
    import h5py

    with _library_errors(), h5py.File(path, "r") as file:
        check_links(file)
        types, rows = file[_TYPES], file[_ROWS]
        check_dataset(types, max_bytes=MAX_COLUMNS * _CLASS_BYTES)
        check_dataset(rows, max_bytes=max_row_bytes(path.stat().st_size))
        if len(rows.dtype.names or ()) != len(types):
            raise UnreadableTableError("Its columns and their classes are not of the same number.")


def rewrite_table(path: Path, find: FindId) -> dict[str, int]:
    """Point the ids in a table to the target, in place.

    Parameters
    ----------
    path
        An HDF5 file as OMERO.tables writes it, which `check_table` found to be safe.

    Returns
    -------
    dict
        Number of ids that lead nowhere on the target, by type; `NOTHING` is in their place.

    Raises
    ------
    UnreadableTableError
        It is damaged; some of its ids may be rewritten.
    """
    import h5py

    with _library_errors(), h5py.File(path, "r+") as file:
        rows, names = file[_ROWS], _column_types(file[_TYPES][:])
        columns = {
            field: _ID_COLUMNS[name]
            for field, name in zip(rows.dtype.names, names, strict=True)
            if name in _ID_COLUMNS
        }
        lost = {f"{_NESTED}s": rows.shape[0]} if _NESTED in names else {}
        return lost | _rewrite(rows, columns, find)


def tell_differences(here: Path, there: Path, is_same: SameIds) -> list[str]:
    """Return one clause for each column of a table that is another one in a copy, ids aside.

    Parameters
    ----------
    here, there
        The table and its copy, both of which `check_table` found to be safe.

    Raises
    ------
    UnreadableTableError
        One of them is damaged.
    """
    import h5py

    with _library_errors(), h5py.File(here, "r") as left, h5py.File(there, "r") as right:
        rows, copied = left[_ROWS], right[_ROWS]
        names = _column_types(left[_TYPES][:])
        if names != _column_types(right[_TYPES][:]) or rows.dtype != copied.dtype:
            return ["its columns are others"]
        if len(rows) != len(copied):
            return [f"it has {len(rows)} rows, then {len(copied)}"]
        columns = dict(zip(rows.dtype.names, names, strict=True))
        return [f"its column {name!r:.60} differs" for name in _differing(rows, copied, columns, is_same)]


def _differing(rows: Any, copied: Any, columns: dict[str, str], is_same: SameIds) -> list[str]:
    wrong: dict[str, None] = {}
    step = max(_block_rows(rows), _block_rows(copied))
    for start in range(0, rows.shape[0], step):
        block, copy = rows[start : start + step], copied[start : start + step]
        for field, name in columns.items():
            here, there = block[field], copy[field]
            if name in _ID_COLUMNS:
                same = is_same(_ID_COLUMNS[name], here, there)
            else:
                # as bytes: what is not a number is the same as itself
                same = here.tobytes() == there.tobytes()
            if not same:
                wrong[field] = None
    return list(wrong)


@contextmanager
def _library_errors() -> Iterator[None]:
    """Turn what the library says about a file into one error; damaged ones make it raise nearly anything."""
    try:
        yield
    except UnreadableTableError:
        raise
    except (ArithmeticError, LookupError, MemoryError, OSError, RuntimeError, zlib.error) as error:
        raise UnreadableTableError(f"It is not an OMERO.table: {error!s:.200}") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise UnreadableTableError(f"It is not an OMERO.table: {error!s:.200}") from error


def _rewrite(rows: Any, columns: dict[str, str], find: FindId) -> dict[str, int]:
    lost: dict[str, int] = {}
    if not columns:
        return lost
    step = _block_rows(rows)
    for start in range(0, rows.shape[0], step):
        block = rows[start : start + step]
        for field, type_name in columns.items():
            count = _replace(block[field], type_name, find)
            if count:
                lost[type_name] = lost.get(type_name, 0) + count
        rows[start : start + len(block)] = block
    return lost


def _block_rows(rows: Any) -> int:
    """Return how many rows to hold: whole chunks, so that each is read and written once."""
    most = max(1, min(_BLOCK_ROWS, _BLOCK_BYTES // rows.dtype.itemsize))
    chunk = rows.chunks[0] if rows.chunks else 1
    return max(chunk, most - most % chunk)


def _replace(ids: npt.NDArray[np.int64], type_name: str, find: FindId) -> int:
    """Replace ids in place; return how many lead nowhere."""
    old, places = np.unique(ids, return_inverse=True)
    found = [find(type_name, int(one)) if one > NOTHING else NOTHING for one in old]
    new = np.array([NOTHING if one is None else one for one in found], dtype=ids.dtype)
    missing = np.array([one is None for one in found], dtype=bool)
    ids[...] = new[places].reshape(ids.shape)
    return int(missing[places].sum())


def _column_types(values: Any) -> list[str]:
    texts = (value.decode("ascii", "replace") if isinstance(value, bytes) else str(value) for value in values)
    return [text.rpartition("::")[2] for text in texts]
