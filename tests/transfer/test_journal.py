"""The journal survives whatever happens to a process, and refuses what it cannot trust."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omero_rocrate_transfer.model.errors import RefusedError, UnsafeCrateError
from omero_rocrate_transfer.transfer.journal.file import Journal, parse_journal, render_line

HEAD = {"fingerprint": "f", "command": "pack"}
RECORDS = [{"type": "unit", "unit": f"Fileset:{number}", "name": "a\n☃"} for number in range(5)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run" / "journal.jsonl"


def write(path: Path) -> str:
    with Journal(path, HEAD) as journal:
        for record in RECORDS:
            journal.append(record)
        journal.commit()
        return journal.run_id


def units(journal: Journal) -> list[object]:
    return [record for record in journal.records if record["type"] == "unit"]


def test_committed_records_come_back(path: Path) -> None:
    run_id = write(path)

    with Journal(path, HEAD) as again:
        assert units(again) == RECORDS
        assert (again.is_resumed, again.run_id) == (True, run_id)


def test_record_that_was_not_committed_does_not_count(path: Path) -> None:
    with Journal(path, HEAD) as journal:
        journal.append(RECORDS[0])

    with Journal(path, HEAD) as again:
        assert units(again) == []


def test_a_disk_that_takes_a_part_at_a_time_gets_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal(path, HEAD) as journal:
        file = journal._file
        monkeypatch.setattr(journal, "_file", mock.Mock(file, write=lambda data: file.write(data[:7])))
        journal._file.fileno.return_value = file.fileno()  # type: ignore[attr-defined]
        journal.append(RECORDS[0])
        journal.commit()
        file.close()

    with Journal(path, HEAD) as again:
        assert units(again) == RECORDS[:1]


def test_every_line_is_json(path: Path) -> None:
    write(path)

    lines = [json.loads(line) for line in path.read_bytes().splitlines()]

    assert [line["seq"] for line in lines] == list(range(len(lines)))


@given(st.integers(min_value=0))
def test_cut_anywhere_loses_only_the_torn_line(cut: int) -> None:
    data = b"".join(render_line(seq, record) for seq, record in enumerate(RECORDS))
    cut %= len(data) + 1

    records, good_bytes = parse_journal(data[:cut])

    assert records == RECORDS[: data[:cut].count(b"\n")]
    assert data[:good_bytes].count(b"\n") == len(records)


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=7))
def test_every_flipped_bit_is_found(place: int, bit: int) -> None:
    data = bytearray(b"".join(render_line(seq, record) for seq, record in enumerate(RECORDS)))
    place %= len(data)
    data[place] ^= 1 << bit

    try:
        records, _ = parse_journal(bytes(data))
    except UnsafeCrateError:
        return
    # only the last line may be taken for torn
    assert records == RECORDS[:-1]


def test_missing_line_is_refused() -> None:
    data = b"".join(render_line(seq, RECORDS[seq]) for seq in (0, 1, 3))

    with pytest.raises(UnsafeCrateError, match="line 3"):
        parse_journal(data)


def test_goes_on_behind_a_torn_line(path: Path) -> None:
    write(path)
    with path.open("ab") as file:
        file.write(b'{"seq": 7, "rec')

    with Journal(path, HEAD) as again:
        again.append({"type": "unit", "unit": "Fileset:9"})
        again.commit()

    with Journal(path, HEAD) as last:
        assert len(units(last)) == len(RECORDS) + 1


def test_other_plan_is_refused(path: Path) -> None:
    write(path)

    with pytest.raises(RefusedError, match="other objects or options"):
        Journal(path, HEAD | {"fingerprint": "g"})


def test_second_process_is_refused_and_told_who_is_at_work(path: Path) -> None:
    with Journal(path, HEAD), pytest.raises(RefusedError, match=r"process \d+ on "):
        Journal(path, HEAD)


def test_lock_of_a_dead_process_is_taken_over(path: Path) -> None:
    code = (
        "import os, sys, pathlib\n"
        "from omero_rocrate_transfer.transfer.journal.file import Journal\n"
        f"Journal(pathlib.Path(sys.argv[1]), {HEAD!r})\n"
        "os.kill(os.getpid(), 9)\n"
    )
    died = subprocess.run([sys.executable, "-c", code, path], check=False, cwd=Path(__file__).parents[2])
    assert died.returncode == -9

    with Journal(path, HEAD) as again:
        assert again.is_resumed
