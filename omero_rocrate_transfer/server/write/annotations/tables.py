"""OMERO.tables: their columns of ids, pointed to what the objects became."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from omero_rocrate_transfer.model.errors import TransferError

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
#: Rows that are held at once.
_BLOCK_ROWS: Final = 65_536

#: From type and id on the source to the id on the target, None where it is not there.
FindId = Callable[[str, int], int | None]


class UnreadableTableError(TransferError):
    """A file that says it is a table is none, or cannot be read here."""

    error_id = "unreadable-table"


def has_library() -> bool:
    """Tell whether HDF5 files can be read here."""
    try:
        import h5py  # noqa: F401
    except ImportError:
        return False
    return True


def rewrite_table(path: Path, find: FindId) -> dict[str, int]:
    """Point the ids in a table to the target, in place.

    Parameters
    ----------
    path
        An HDF5 file as OMERO.tables writes it.

    Returns
    -------
    dict
        Number of ids that lead nowhere on the target, by type; `NOTHING` is in their place.

    Raises
    ------
    UnreadableTableError
        It is none.
    """
    import h5py

    try:
        with h5py.File(path, "r+") as file:
            rows, names = file[_ROWS], _column_types(file[_TYPES][:])
            fields = rows.dtype.names or ()
            if len(fields) != len(names):
                raise UnreadableTableError("Its columns and their classes are not of the same number.")
            columns = {
                field: _ID_COLUMNS[name]
                for field, name in zip(fields, names, strict=True)
                if name in _ID_COLUMNS
            }
            lost = {f"{_NESTED}s": rows.shape[0]} if _NESTED in names else {}
            return lost | _rewrite(rows, columns, find)
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        raise UnreadableTableError(f"It is no OMERO.table: {error!s:.200}") from error


def _rewrite(rows: Any, columns: dict[str, str], find: FindId) -> dict[str, int]:
    lost: dict[str, int] = {}
    if not columns:
        return lost
    for start in range(0, rows.shape[0], _BLOCK_ROWS):
        block = rows[start : start + _BLOCK_ROWS]
        for field, type_name in columns.items():
            count = _replace(block[field], type_name, find)
            if count:
                lost[type_name] = lost.get(type_name, 0) + count
        rows[start : start + len(block)] = block
    return lost


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
