"""The id map says what became of what, also after a run that broke off, and replaces nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from omero_rocrate_transfer.model.errors import LinkLostError, NotFoundError, RefusedError, UsageError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.model.results import Mapping
from omero_rocrate_transfer.transfer.engine import Engine
from omero_rocrate_transfer.transfer.events import ContainersCreated
from omero_rocrate_transfer.transfer.interrupt import Interrupt
from omero_rocrate_transfer.transfer.journal.id_map import IdMap, read_idmap
from omero_rocrate_transfer.transfer.plan import Plan
from omero_rocrate_transfer.transfer.run import run
from tests.transfer.fakes import SOURCE, TARGET, FakeSink, FakeSource

CREATED = ContainersCreated(
    mappings=(Mapping(source=ObjectRef("Dataset", 1), target=ObjectRef("Dataset", 70)),)
)


def break_off(idmap: IdMap, error: Exception) -> None:
    """Take one event, then meet an error."""

    def meet() -> None:
        with idmap:
            idmap.take(CREATED)
            raise error

    with pytest.raises(type(error)):
        meet()


def test_holds_every_object_of_a_run(tmp_path: Path) -> None:
    source, path = FakeSource([b"a", b"b"]), tmp_path / "idmap.json"

    with IdMap(path, SOURCE, TARGET) as idmap:
        for event in run(
            Plan(contents=source.read_contents(())),
            source,
            FakeSink(),
            Engine(parallel=1, interrupt=Interrupt()),
        ):
            idmap.take(event)

    assert json.loads(path.read_text("utf-8")) == {
        "source": {"host": "source.example.org", "database": "1-2-3", "version": "5.6.14"},
        "crate": None,
        "target": {"host": "target.example.org", "database": "4-5-6", "version": "5.6.14"},
        "objects": [
            {"source": "Dataset:1", "target": "Dataset:70"},
            {"source": "Image:1", "target": "Image:101"},
            {"source": "Image:2", "target": "Image:102"},
        ],
        "complete": True,
    }
    assert [entry.name for entry in tmp_path.iterdir()] == ["idmap.json"]


def test_run_that_breaks_off_leaves_what_was_created(tmp_path: Path) -> None:
    path = tmp_path / "idmap.json"

    break_off(IdMap(path, SOURCE, TARGET), LinkLostError("gone"))

    written = json.loads(path.read_text("utf-8"))
    assert written["complete"] is False
    assert written["objects"] == [{"source": "Dataset:1", "target": "Dataset:70"}]


def test_run_that_created_nothing_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(LinkLostError), IdMap(tmp_path / "idmap.json", SOURCE, TARGET):
        raise LinkLostError("gone")

    assert list(tmp_path.iterdir()) == []


def test_what_a_process_left_that_died_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "idmap.json"
    died = IdMap(path, SOURCE, TARGET, run_id="5").__enter__()
    died.take(CREATED)

    with IdMap(path, SOURCE, TARGET, run_id="5") as idmap:
        idmap.take(CREATED)

    assert len(json.loads(path.read_text("utf-8"))["objects"]) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["idmap.json"]
    died._file.close()


def test_existing_file_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "idmap.json"
    path.write_text("mine", "utf-8")

    with pytest.raises(RefusedError, match="exists already"):
        IdMap(path, SOURCE, TARGET)

    assert path.read_text("utf-8") == "mine"


def test_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "idmap.json"

    idmap = IdMap(path, SOURCE, TARGET).__enter__()
    idmap.take(CREATED)
    path.write_text("mine", "utf-8")

    with pytest.raises(RefusedError):
        idmap.__exit__(None, None, None)

    assert path.read_text("utf-8") == "mine"


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="cannot be written"):
        IdMap(tmp_path / "none" / "idmap.json", SOURCE, TARGET)


def test_id_map_that_was_written_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "x.idmap.json"
    pair = Mapping(source=ObjectRef("Image", 1), target=ObjectRef("Image", 7))
    with IdMap(path, SOURCE, TARGET) as idmap:
        idmap.take(ContainersCreated(mappings=(pair,)))

    assert read_idmap(path) == (TARGET.database_uuid, {pair.source: pair.target}, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"objects": [{}]}',
        '{"objects": [{"source": "Image:x", "target": "Image:1"}]}',
        '{"objects": [{"source": null, "target": "Image:1"}], "target": {"database": "d"}}',
        "[" * 5000,
    ],
)
def test_what_is_no_id_map_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)

    with pytest.raises(UsageError, match="is no id map"):
        read_idmap(path)


def test_missing_id_map_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="--idmap"):
        read_idmap(tmp_path / "nowhere.json")


def test_the_same_run_replaces_its_own_map_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "idmap.json"
    for _ in range(2):
        with IdMap(path, SOURCE, TARGET, run_id="mine") as idmap:
            idmap.take(CREATED)

    with pytest.raises(RefusedError):
        IdMap(path, SOURCE, TARGET, run_id="other")
    assert json.loads(path.read_text("utf-8"))["run"] == "mine"


def test_a_map_that_says_nothing_of_its_run_is_replaced_where_an_earlier_version_wrote_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "idmap.json"
    with IdMap(path, SOURCE, TARGET) as idmap:
        idmap.take(CREATED)

    with pytest.raises(RefusedError):
        IdMap(path, SOURCE, TARGET, run_id="mine")
    with IdMap(path, SOURCE, TARGET, run_id="mine", earlier=True) as idmap:
        idmap.take(CREATED)
    assert json.loads(path.read_text("utf-8"))["run"] == "mine"


def test_a_file_that_a_run_going_on_meets_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "idmap.json"
    path.write_text("mine", "utf-8")

    with pytest.raises(RefusedError):
        IdMap(path, SOURCE, TARGET, run_id="run", earlier=True)
    assert path.read_text("utf-8") == "mine"


@pytest.mark.parametrize("number", [str(2**63), "1" + "0" * 5000])
def test_id_that_no_database_has_is_no_id_map(number: str, tmp_path: Path) -> None:
    pair = {"source": "Image:1", "target": f"Image:{number}"}
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"target": {"database": "d"}, "objects": [pair]}))

    with pytest.raises(UsageError, match="is no id map"):
        read_idmap(path)
