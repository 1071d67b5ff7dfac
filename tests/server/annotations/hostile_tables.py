"""Tables that want more than their own rows: each function writes one, beside a file that must stay whole."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

ROW: Final = np.dtype([("Image", "<i8"), ("Area", "<f8")])
TYPES: Final = np.array([b"::omero::grid::ImageColumn", b"::omero::grid::DoubleColumn"])
#: What a victim's file holds: ids that lead nowhere, if it is read as rows.
PRECIOUS: Final = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5" * 4
_COLUMNS, _ROWS = "OME/ColumnTypes", "OME/Measurements"


def _rows(count: int = 4) -> Any:
    return np.ones(count, ROW)


def external_rows(file: h5py.File, victim: Path) -> None:
    size = victim.stat().st_size
    file.create_dataset(_ROWS, (size // ROW.itemsize,), ROW, external=[(str(victim), 0, size)])


def external_rows_of_a_name_in_this_folder(file: h5py.File, victim: Path) -> None:
    size = victim.stat().st_size
    file.create_dataset(_ROWS, (size // ROW.itemsize,), ROW, external=[(victim.name, 0, size)])


def external_classes(file: h5py.File, victim: Path) -> None:
    file[_ROWS] = _rows()
    del file[_COLUMNS]
    file.create_dataset(_COLUMNS, (2,), "S64", external=[(str(victim), 0, 128)])


def _other(victim: Path) -> Path:
    """Return an HDF5 file with rows; it replaces the victim."""
    with h5py.File(victim, "w") as file:
        file["rows"] = _rows()
        file["group/Measurements"] = _rows()
        file["group/ColumnTypes"] = TYPES
    return victim


def external_link(file: h5py.File, victim: Path) -> None:
    file[_ROWS] = h5py.ExternalLink(str(_other(victim)), "rows")


def external_link_to_a_group(file: h5py.File, victim: Path) -> None:
    del file["OME"]
    file["OME"] = h5py.ExternalLink(str(_other(victim)), "group")


def soft_link_through_an_external_one(file: h5py.File, victim: Path) -> None:
    file["door"] = h5py.ExternalLink(str(_other(victim)), "/")
    file[_ROWS] = h5py.SoftLink("/door/rows")


def external_link_that_nothing_needs(file: h5py.File, victim: Path) -> None:
    file[_ROWS] = _rows()
    file["OME/deep/down"] = h5py.ExternalLink(str(_other(victim)), "rows")


def virtual_rows(file: h5py.File, victim: Path) -> None:
    layout = h5py.VirtualLayout((4,), ROW)
    layout[:] = h5py.VirtualSource(str(_other(victim)), "rows", (4,), ROW)
    file.create_virtual_dataset(_ROWS, layout)


def rows_that_are_nowhere(file: h5py.File, _victim: Path) -> None:
    file.create_dataset(_ROWS, (2**50,), ROW, chunks=(1024,))


def some_gigabytes_that_are_nowhere(file: h5py.File, _victim: Path) -> None:
    file.create_dataset(_ROWS, (2**22,), ROW, chunks=(1024,))


def contiguous_rows_that_are_nowhere(file: h5py.File, _victim: Path) -> None:
    file.create_dataset(_ROWS, (2**21,), ROW)


def a_row_of_a_gigabyte(file: h5py.File, _victim: Path) -> None:
    wide = np.dtype([("Image", "<i8"), ("Text", "S1073741824")])
    file.create_dataset(_ROWS, (20,), wide, chunks=(1,), compression="gzip")


def a_column_of_many_dimensions(file: h5py.File, _victim: Path) -> None:
    wide = np.dtype([("Image", "<i8", (500, 500, 500)), ("Area", "<f8")])
    file.create_dataset(_ROWS, (20,), wide, chunks=(1,), compression="gzip")


def a_chunk_of_gigabytes(file: h5py.File, _victim: Path) -> None:
    file.create_dataset(_ROWS, (1,), ROW, chunks=(2**27,), maxshape=(None,), compression="gzip")


def a_chunk_that_becomes_gigabytes(file: h5py.File, _victim: Path) -> None:
    rows = file.create_dataset(_ROWS, (64,), ROW, chunks=(64,), maxshape=(None,), compression="gzip")
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(1024)) + packer.flush()
    rows.id.write_direct_chunk((0,), bomb)


def a_small_chunk_that_becomes_megabytes(file: h5py.File, _victim: Path) -> None:
    rows = file.create_dataset(_ROWS, (2**15,), ROW, chunks=(2**15,), maxshape=(None,), compression="gzip")
    rows.id.write_direct_chunk((0,), zlib.compress(b"\0" * (200 << 20), 9))


def a_chunk_that_is_no_zlib(file: h5py.File, _victim: Path) -> None:
    rows = file.create_dataset(_ROWS, (64,), ROW, chunks=(64,), compression="gzip")
    rows.id.write_direct_chunk((0,), b"no zlib" * 10)


def a_filter_of_others(file: h5py.File, _victim: Path) -> None:
    file.create_dataset(_ROWS, data=_rows(64), chunks=(64,), compression="lzf")


def an_unknown_filter(file: h5py.File, _victim: Path) -> None:
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((64,))
    plan.set_filter(32_001, h5py.h5z.FLAG_OPTIONAL, (0,) * 7)
    space = h5py.h5s.create_simple((64,))
    h5py.h5d.create(file["OME"].id, b"Measurements", h5py.h5t.py_create(ROW), space, plan)


def text_of_any_length(file: h5py.File, _victim: Path) -> None:
    texts = np.dtype([("Image", "<i8"), ("Text", h5py.string_dtype())])
    file.create_dataset(_ROWS, (4,), texts, chunks=(4,))


def classes_of_any_length(file: h5py.File, _victim: Path) -> None:
    file[_ROWS] = _rows()
    del file[_COLUMNS]
    file.create_dataset(_COLUMNS, (2,), h5py.string_dtype())


def a_billion_classes(file: h5py.File, _victim: Path) -> None:
    file[_ROWS] = _rows()
    del file[_COLUMNS]
    file.create_dataset(_COLUMNS, (2**30,), "S64", chunks=(2**10,))


def classes_without_end(file: h5py.File, _victim: Path) -> None:
    file[_ROWS] = _rows()
    del file[_COLUMNS]
    file.create_dataset(_COLUMNS, (2,), "S2147483647", chunks=(1,), compression="gzip")


def rows_of_two_dimensions(file: h5py.File, _victim: Path) -> None:
    file[_ROWS] = np.ones((4, 4), ROW)


def a_group_instead_of_rows(file: h5py.File, _victim: Path) -> None:
    file.create_group(_ROWS)


def a_type_instead_of_rows(file: h5py.File, _victim: Path) -> None:
    file[_ROWS] = ROW


def columns_inside_columns(file: h5py.File, _victim: Path) -> None:
    nested = np.dtype([("Image", [("Image", "<i8")]), ("Area", "<f8")])
    file[_ROWS] = np.zeros(4, nested)


def a_number_instead_of_rows(file: h5py.File, _victim: Path) -> None:
    file[_ROWS] = 5


def references_instead_of_ids(file: h5py.File, _victim: Path) -> None:
    file.create_dataset(_ROWS, (4,), np.dtype([("Image", h5py.ref_dtype), ("Area", "<f8")]))


def fewer_classes_than_columns(file: h5py.File, _victim: Path) -> None:
    file[_ROWS] = np.zeros(4, "<i8")


ATTACKS: Final[dict[str, Callable[[h5py.File, Path], None]]] = {
    name: made
    for name, made in list(globals().items())
    if callable(made) and getattr(made, "__module__", "") == __name__ and not name.startswith("_")
}


def write(folder: Path, attack: Callable[[h5py.File, Path], None]) -> tuple[Path, Path]:
    """Return a hostile table, and the file that it is after."""
    folder.mkdir(exist_ok=True)
    path, victim = folder / "table.h5", folder / "authorized_keys"
    victim.write_bytes(PRECIOUS)
    with h5py.File(path, "w") as file:
        file[_COLUMNS] = TYPES
        attack(file, victim)
    return path, victim


def without_the_last_rows(folder: Path) -> Path:
    """Return a table that ends before its rows do."""
    path, _ = write(folder, lambda file, _: file.__setitem__(_ROWS, _rows(10_000)))
    path.write_bytes(path.read_bytes()[:-100_000])
    return path
