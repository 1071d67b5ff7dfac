"""What was packed on one server is, unpacked on another, the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import omero.model
import pytest
from omero.rtypes import rstring

from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import real_input, seed
from omero_sandbox.testing.compare import Comparison, compare
from omero_sandbox.testing.real_input import RealInput
from tests.command_line import CommandLine, idmap_of
from tests.integration.conftest import Server
from tests.rocrate_validator import assert_valid

Line = Callable[..., Any]
FORMS = ["crate", "crate.zip", "crate.tar"]


def import_into(client: Any, made: RealInput, target: Any = None) -> seed.Imported:
    return seed.import_fileset(client, made.folder, made.files, target)


def compare_by(idmap: Path, source: Server, target: Server) -> Comparison:
    objects = json.loads(idmap.read_text("utf-8"))["objects"]
    ids = {line["source"]: line["target"] for line in objects}
    return compare(source.client(), target.client(), ids)


def round_trip(pack: Line, unpack: Line, home: Path, objects: Sequence[str], form: str = "crate") -> Path:
    """Pack and unpack, and return the id map."""
    pack("--rocrate", *objects, form)
    if form != "crate.tar":
        assert_valid(home / form)
    unpack(form)
    return idmap_of(home)


@pytest.mark.parametrize("form", FORMS)
def test_every_kind_of_real_input_comes_back(
    form: str,
    pack: Line,
    unpack: Line,
    source_server: Server,
    target_server: Server,
    home: Path,
    tmp_path: Path,
) -> None:
    client = source_server.client()
    project, screen = seed.create(client, "Project", "Liver 肝", "D"), seed.create(client, "Screen", "S")
    dataset = seed.create(client, "Dataset", "Cells", "two\nlines")
    seed.link(client, project, dataset)
    made = real_input.write_all(tmp_path / "in")
    imported = [
        import_into(client, one, screen if name == "plate" else dataset) for name, one in made.items()
    ]

    idmap = round_trip(pack, unpack, home, [f"Project:{project.id.val}", f"Screen:{screen.id.val}"], form)

    found = compare_by(idmap, source_server, target_server)
    assert found.differences == []
    assert found.images == sum(len(one.images) for one in imported)
    assert found.files == sum(len(one.files) for one in made.values())
    assert found.containers == 4
    assert found.planes >= found.images


def test_same_names_in_two_filesets_stay_apart(
    pack: Line, unpack: Line, source_server: Server, target_server: Server, home: Path, tmp_path: Path
) -> None:
    client = source_server.client()
    dataset = seed.create(client, "Dataset", "D")
    for write, place in (
        (real_input.same_names, "a"),
        (real_input.same_names, "b"),
        (real_input.unicode_name, "c"),
        (real_input.unicode_name, "d"),
        (real_input.multi_file, "e"),
        (real_input.long_path, "f"),
    ):
        import_into(client, write(tmp_path / place), dataset)

    idmap = round_trip(pack, unpack, home, [f"Dataset:{dataset.id.val}"])

    found = compare_by(idmap, source_server, target_server)
    assert found.differences == []
    assert (found.images, found.files) == (6, 13)
    names = [path.name for path in (home / "crate").iterdir()]
    assert len(set(map(str.casefold, names))) == len(names)
    assert all(len(name.encode()) <= 150 and name.isascii() for name in names)


def test_long_names_of_objects_and_containers_come_back(
    pack: Line, unpack: Line, source_server: Server, target_server: Server, home: Path, tmp_path: Path
) -> None:
    client = source_server.client()
    name = "ü" + "n" * 254
    dataset = seed.create(client, "Dataset", name, "d" * 1000)
    imported = import_into(client, real_input.multi_series(tmp_path / "in"), dataset)
    seed.rename(client, "Image", imported.images[1], name, "\u202eleft\tand right")

    idmap = round_trip(pack, unpack, home, [f"Dataset:{dataset.id.val}"])

    assert compare_by(idmap, source_server, target_server).differences == []


def test_image_alone_takes_its_whole_fileset_along(
    pack: Line, unpack: Line, source_server: Server, target_server: Server, home: Path, tmp_path: Path
) -> None:
    imported = import_into(source_server.client(), real_input.multi_series(tmp_path / "in"))

    idmap = round_trip(pack, unpack, home, [f"Image:{imported.images[1]}"])

    found = compare_by(idmap, source_server, target_server)
    assert found.differences == []
    assert (found.images, found.files) == (3, 1)


def test_target_takes_all_images(
    pack: Line, unpack: Line, source_server: Server, target_server: Server, home: Path, tmp_path: Path
) -> None:
    client = source_server.client()
    dataset = seed.create(client, "Dataset", "D")
    import_into(client, real_input.multi_series(tmp_path / "in"), dataset)
    pack(f"Dataset:{dataset.id.val}", "crate")

    name = f"Run {uuid4()}"
    unpack("crate", "--target", f"Dataset:name:{name}", "--idmap", "ids.json")

    query = target_server.client().sf.getQueryService()
    links = f"select l from DatasetImageLink l where l.parent.name = '{name}'"
    assert len(query.findAllByQuery(links, None)) == 3
    assert json.loads((home / "ids.json").read_text("utf-8"))["complete"]


def test_merge_uses_containers_of_the_same_name(
    pack: Line, unpack: Line, source_server: Server, target_server: Server, home: Path, tmp_path: Path
) -> None:
    client = source_server.client()
    name = f"Merged {uuid4()}"
    project, dataset = seed.create(client, "Project", name), seed.create(client, "Dataset", name)
    seed.link(client, project, dataset)
    import_into(client, real_input.unicode_name(tmp_path / "in"), dataset)
    pack(f"Project:{project.id.val}", "crate")

    for number in range(2):
        unpack("crate", "--merge", "--run", f"run-{name[7:]}-{number}", "--idmap", f"ids{number}.json")

    query = target_server.client().sf.getQueryService()
    for kind in ("Project", "Dataset"):
        assert len(query.findAllByString(kind, "name", name, True, None)) == 1
    links = f"select l from DatasetImageLink l where l.parent.name = '{name}'"
    assert len(query.findAllByQuery(links, None)) == 2


def test_unpack_leaves_the_crate_as_it_is(
    pack: Line, unpack: Line, source_server: Server, target_server: Server, home: Path, tmp_path: Path
) -> None:
    imported = import_into(source_server.client(), real_input.same_names(tmp_path / "in"))
    pack(f"Image:{imported.images[0]}", "crate")
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in (home / "crate").iterdir()}

    unpack("crate")

    after = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in (home / "crate").iterdir()}
    assert after == before


def test_what_is_not_carried_is_counted_in_plan_and_summary(
    pack: Line, source_server: Server, tmp_path: Path
) -> None:
    client = source_server.client()
    imported = import_into(client, real_input.unicode_name(tmp_path / "in"))
    roi, file = omero.model.RoiI(), omero.model.OriginalFileI()
    file.name, file.path = rstring("on nothing"), rstring("")
    roi.image, roi.source = omero.model.ImageI(imported.images[0], False), file
    seed.save(client, roi)

    result = pack(f"Image:{imported.images[0]}", "crate", "--json", exit_code=3)

    plan = result.lines[0]
    counts = {line["type"]: line["count"] for line in plan["omissions"]}
    assert counts == {"Roi.source": 1}
    assert result.summary["omitted"] == 1
    assert result.summary["done"] == result.summary["planned"] == 1


@pytest.mark.sandbox
def test_plan_says_so_where_files_of_a_plate_are_withheld(
    capsys: pytest.CaptureFixture[str], sandbox: SandboxServer, tmp_path: Path, home: Path
) -> None:
    """By default a server gives out no files of plates (omero-server BinaryAccessPolicy)."""
    client = seed.connection(sandbox.host, sandbox.port, "root", "omero")
    plate = import_into(client, real_input.plate(tmp_path / "in"))
    client.closeSession()
    login = ["-s", f"tcp://{sandbox.host}", "-p", sandbox.port, "-u", "root", "-w", "omero"]

    command = ["pack", f"Plate:{plate.plates[0]}", "crate", "--dry-run", "--json"]
    plan = CommandLine(capsys)(*command, *login, exit_code=None).lines[0]

    assert plan["files"] == 0
    reasons = {line["reason"] for line in (*plan["omissions"], *plan["pixels"])}
    assert any("download policy" in reason for reason in reasons)


def test_dry_run_counts_what_the_run_then_moves(
    pack: Line, source_server: Server, home: Path, tmp_path: Path
) -> None:
    client = source_server.client()
    dataset = seed.create(client, "Dataset", "D")
    for place in ("a", "b"):
        import_into(client, real_input.same_names(tmp_path / place), dataset)

    planned = pack(f"Dataset:{dataset.id.val}", "crate", "--dry-run", "--json")
    assert list(home.iterdir()) == [home / "omero"]
    moved = pack(f"Dataset:{dataset.id.val}", "crate", "--json")

    plan = planned.lines[0]
    assert planned.summary["dry_run"]
    assert plan["files"] == moved.summary["files"] == 8
    assert plan["images"] == moved.summary["images"] == 2
    assert plan["bytes"] == moved.summary["bytes"] > 0
    assert moved.summary["files_verified"] == 8


def test_dry_run_of_unpack_does_not_mind_an_id_map_that_is_there(
    pack: Line, unpack: Line, source_server: Server, home: Path, tmp_path: Path
) -> None:
    made = import_into(source_server.client(), real_input.same_names(tmp_path / "in"))
    pack(f"Image:{made.images[0]}", "crate")
    (home / "crate.idmap.json").write_text("mine", "utf-8")

    planned = unpack("crate", "--dry-run", "--json", "--idmap", "crate.idmap.json")

    assert planned.summary["dry_run"]
    assert (home / "crate.idmap.json").read_text("utf-8") == "mine"
