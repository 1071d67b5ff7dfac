from __future__ import annotations

import random
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from omero_rocrate_transfer.crate.archives import create_archive, open_archive
from omero_rocrate_transfer.model.errors import IntegrityError

DATA = random.Random(1).randbytes(2_304_000)  # noqa: S311 - not for secrets
NAME = "image1.ome.zarr/0/c/0"


@pytest.fixture(params=["", ".zip", ".tar", "deflated"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "deflated":
        with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("other", b"\0" * 100)
            archive.writestr(NAME, DATA)
        return tmp_path / "x.zip"
    path = tmp_path / f"x{request.param}"
    writer = create_archive(path)
    with writer.transaction() as transaction:
        transaction.add(NAME, len(DATA), [DATA])
    writer.commit(("last", 0, []))
    return path


PLACES = [
    (0, 0),
    (0, 1),
    (5, 5),
    (1_048_570, 1_048_590),
    (0, len(DATA)),
    (len(DATA) - 3, len(DATA)),
    (7, 2_100_000),
]


@pytest.mark.parametrize(("start", "stop"), PLACES)
def test_some_bytes_are_those_of_the_whole(path: Path, start: int, stop: int) -> None:
    reader = open_archive(path)

    assert reader.read(NAME, start, stop) == DATA[start:stop]
    reader.close()


def test_threads_do_not_disturb_one_another(path: Path) -> None:
    reader = open_archive(path)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda place: reader.read(NAME, *place), PLACES * 10))
    reader.close()

    assert found == [DATA[start:stop] for start, stop in PLACES] * 10


def test_file_that_became_shorter_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x/file").write_bytes(b"0123456789")
    reader = open_archive(tmp_path / "x")
    (tmp_path / "x/file").write_bytes(b"01234")

    with pytest.raises(IntegrityError, match="only 2"):
        reader.read("file", 3, 8)
    reader.close()
