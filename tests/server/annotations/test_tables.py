"""Tables as omero-py's HdfStorage lays them out: /OME/Measurements, /OME/ColumnTypes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from omero_rocrate_transfer.server.write.annotations import tables
from omero_rocrate_transfer.server.write.annotations.tables import UnreadableTableError, rewrite_table

COLUMNS = {
    "Image": "ImageColumn", "Well": "WellColumn", "ROI": "RoiColumn", "Plate": "PlateColumn",
    "Dataset": "DatasetColumn", "Count": "LongColumn",
}  # fmt: skip


def make(path: Path, rows: int = 3, columns: dict[str, str] = COLUMNS) -> None:
    dtype = np.dtype([*((name, "<i8") for name in columns), ("Name", "S4"), ("Area", "<f8")])
    data = np.zeros(rows, dtype)
    for place, name in enumerate(columns):
        data[name] = np.arange(rows) + 100 * place
    data["Name"], data["Area"] = b"abcd", 0.5
    types = [f"::omero::grid::{kind}" for kind in (*columns.values(), "StringColumn", "DoubleColumn")]
    with h5py.File(path, "w") as file:
        group = file.create_group("OME")
        group.create_dataset("Measurements", data=data, chunks=True, maxshape=(None,))
        group.create_dataset("ColumnTypes", data=np.array(types, "S"))


def read(path: Path) -> Any:
    with h5py.File(path) as file:
        return file["OME/Measurements"][:]


def test_ids_become_those_of_the_target_and_nothing_else_changes(tmp_path: Path) -> None:
    path = tmp_path / "table.h5"
    make(path)
    before = read(path)

    lost = rewrite_table(path, lambda kind, one: one + 1000 * len(kind))

    after = read(path)
    assert lost == {}
    for name, length in (("Image", 5), ("Well", 4), ("ROI", 3), ("Plate", 5), ("Dataset", 7)):
        assert (after[name] == before[name] + 1000 * length).all(), name
    for name in ("Count", "Name", "Area"):
        assert (after[name] == before[name]).all()


def test_ids_that_lead_nowhere_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "table.h5"
    make(path, columns={"Image": "ImageColumn"})
    assert rewrite_table(path, lambda _, one: 7 if one == 1 else None) == {"Image": 2}
    assert read(path)["Image"].tolist() == [-1, 7, -1]


def test_minus_one_stays_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "table.h5"
    make(path, columns={"Image": "ImageColumn"})
    with h5py.File(path, "r+") as file:
        rows = file["OME/Measurements"][:]
        rows["Image"] = -1
        file["OME/Measurements"][...] = rows
    assert rewrite_table(path, lambda *_: 5) == {}
    assert read(path)["Image"].tolist() == [-1, -1, -1]


def test_many_rows_are_rewritten_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_BLOCK_ROWS", 7)
    path = tmp_path / "table.h5"
    make(path, rows=50)
    rewrite_table(path, lambda _, one: one + 1)
    assert read(path)["Image"].tolist() == list(range(1, 51))


def test_a_table_without_rows_is_one(tmp_path: Path) -> None:
    path = tmp_path / "table.h5"
    make(path, rows=0)
    assert rewrite_table(path, lambda *_: None) == {}


@pytest.mark.parametrize("data", [b"", b"no HDF5", b"\x89HDF\r\n\x1a\n" + b"\0" * 100])
def test_what_is_no_table_is_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "table.h5"
    path.write_bytes(data)
    with pytest.raises(UnreadableTableError):
        rewrite_table(path, lambda *_: None)


def test_another_hdf5_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "table.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=[1])
    with pytest.raises(UnreadableTableError):
        rewrite_table(path, lambda *_: None)
