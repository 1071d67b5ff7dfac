"""A table from outside changes nothing but its own rows, and takes no more room than it has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from omero_rocrate_transfer.server.write.annotations.table_check import UnreadableTableError
from omero_rocrate_transfer.server.write.annotations.tables import check_table
from tests.server.annotations import hostile_tables

ATTACKS = hostile_tables.ATTACKS
#: What a check may take: beyond what Python and the library take when they start.
MAX_BYTES = 300 << 20
_MEASURE = """
import resource, sys
from pathlib import Path
import h5py
from omero_rocrate_transfer.server.write.annotations.tables import check_table
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    check_table(Path(sys.argv[1]))
except Exception as error:
    used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    print(type(error).__name__, used, resource.getrusage(resource.RUSAGE_SELF).ru_utime)
"""


@pytest.mark.promise("attacks")
@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_a_hostile_table_is_refused_before_it_is_opened_for_writing(name: str, tmp_path: Path) -> None:
    path, victim = hostile_tables.write(tmp_path / "in", ATTACKS[name])
    before = path.read_bytes(), victim.read_bytes()

    with pytest.raises(UnreadableTableError):
        check_table(path)

    assert (path.read_bytes(), victim.read_bytes()) == before


@pytest.mark.promise("attacks")
def test_a_table_that_was_cut_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableTableError):
        check_table(hostile_tables.without_the_last_rows(tmp_path))


@pytest.mark.promise("attacks")
@pytest.mark.parametrize(
    "name",
    [
        "a_chunk_of_gigabytes", "a_chunk_that_becomes_gigabytes", "a_row_of_a_gigabyte", "a_billion_classes",
        "a_small_chunk_that_becomes_megabytes", "rows_that_are_nowhere", "classes_without_end",
    ],
)  # fmt: skip
def test_a_table_that_is_refused_takes_little_memory_and_time(name: str, tmp_path: Path) -> None:
    path, _ = hostile_tables.write(tmp_path / "in", ATTACKS[name])

    words = [sys.executable, "-c", _MEASURE, str(path)]
    error, used, seconds = subprocess.run(words, check=True, capture_output=True).stdout.split()

    assert error == b"UnreadableTableError"
    assert int(used) < MAX_BYTES
    assert float(seconds) < 5


def test_compressed_tables_with_a_checksum_are_tables(tmp_path: Path) -> None:
    def make(file: h5py.File, _: Path) -> None:
        file.create_dataset(
            "OME/Measurements", data=hostile_tables._rows(5000), chunks=(64,), maxshape=(None,),
            compression="gzip", shuffle=True, fletcher32=True,
        )  # fmt: skip

    path, _ = hostile_tables.write(tmp_path, make)

    check_table(path)
