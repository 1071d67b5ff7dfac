"""A crate is compared with the objects it was packed from, and with what was made of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import omero
import pytest
from omero.rtypes import rstring
from omero.sys import ParametersI

from omero_rocrate_transfer.model.annotations import FIGURE_NAMESPACE, TABLE_TYPE
from omero_sandbox.testing import real_input, seed
from omero_sandbox.testing import world as demo_world
from omero_sandbox.testing.world import DemoWorld
from tests.command_line import CommandLine, idmap_of
from tests.integration.conftest import Server
from tests.support import inputs
from tests.support.servers import NO_ID

Line = Callable[..., Any]


@pytest.fixture
def world(source_server: Server, tmp_path: Path) -> DemoWorld:
    return demo_world.build_demo_world(source_server.client(), tmp_path / "in")


@pytest.fixture
def objects(world: DemoWorld) -> list[str]:
    return [f"Project:{world.project}", f"Screen:{world.screen}"]


@pytest.fixture
def packed(pack: Line, objects: list[str], home: Path) -> Path:
    result = pack("--rocrate", *objects, "crate.zip", exit_code=None)
    assert (home / "crate.zip").exists(), result.stderr
    return home / "crate.zip"


@pytest.fixture
def verify_source(capsys: pytest.CaptureFixture[str], source_server: Server) -> Line:
    return partial(CommandLine(capsys, source_server.login()), "verify")


@pytest.fixture
def verify_target(capsys: pytest.CaptureFixture[str], target_server: Server) -> Line:
    return partial(CommandLine(capsys, target_server.login()), "verify")


def told(result: Any) -> list[str]:
    """Return the lines of differences without what differs."""
    return [line.split("  ")[0] for line in result.stderr.splitlines() if line[:1] in "*+-!"]


def rename(server: Server, kind: str, number: int, name: str) -> None:
    session = server.client().getSession()
    thing = session.getQueryService().get(kind, number)
    thing.setName(rstring(name))
    session.getUpdateService().saveObject(thing)


def test_crate_is_the_same_as_its_source(
    packed: Path, objects: list[str], verify_source: Line, world: DemoWorld
) -> None:
    result = verify_source(*objects, packed)

    assert told(result) == []
    assert "0 not the same" in result.stderr


def test_what_changed_on_the_source_since_is_told(
    packed: Path, objects: list[str], verify_source: Line, world: DemoWorld, source_server: Server
) -> None:
    client = source_server.client()
    rename(source_server, "Image", world.images[0], "other name")
    tag = omero.model.TagAnnotationI()
    tag.setTextValue(rstring("new"))
    link = omero.model.ImageAnnotationLinkI()
    link.setParent(omero.model.ImageI(world.images[1], False))
    link.setChild(tag)
    client.getSession().getUpdateService().saveObject(link)
    seed.link(client, omero.model.ProjectI(world.project, False), seed.create(client, "Dataset", "later"))

    result = verify_source(*objects, packed, exit_code=4)

    lines = told(result)
    assert f"* Image:{world.images[0]}" in lines
    assert f"* Image:{world.images[1]}" in lines
    assert f"* Project:{world.project}" in lines
    assert len([line for line in lines if line.startswith("+ Dataset:")]) == 1
    assert len(lines) == 4
    assert "name is 'other name', then" in result.stderr


def test_what_was_unpacked_is_the_same_as_the_crate(packed: Path, unpack: Line, verify_target: Line) -> None:
    unpack(packed, exit_code=None)

    result = verify_target(packed, "--server", exit_code=None)

    assert told(result) == []
    assert result.exit_code == 0


def test_what_changed_on_the_target_since_is_told(
    packed: Path, unpack: Line, verify_target: Line, target_server: Server, home: Path, world: DemoWorld
) -> None:
    unpack(packed, exit_code=None)
    pairs = json.loads(idmap_of(home).read_text())["objects"]
    became = {pair["source"]: int(pair["target"].partition(":")[2]) for pair in pairs}
    first, plate = f"Image:{world.images[0]}", f"Plate:{world.plate}"
    rename(target_server, "Image", became[first], "other name")
    rename(target_server, "Plate", became[plate], "other name")

    assert told(verify_target(packed, "--server", exit_code=4)) == [f"* {plate}", f"* {first}"]
    assert told(verify_target(packed, "--server", "--quick", exit_code=4)) == [f"* {plate}", f"* {first}"]


@pytest.mark.sandbox
def test_file_that_the_server_gives_back_damaged_is_told(
    packed: Path, objects: list[str], verify_source: Line, source_server: Server, world: DemoWorld
) -> None:
    sandbox = source_server.sandbox
    assert sandbox is not None, "a real server does not damage files when asked"
    [path] = [
        path
        for path in (sandbox.data_dir / "ManagedRepository").rglob("*.tif*")
        if path.is_file() and "same" not in str(path)
    ][:1]
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    lines = told(verify_source(*objects, packed, exit_code=4))

    assert any(line.startswith("* Fileset:") and line.endswith(path.name) for line in lines), lines


def test_crate_of_another_server_is_not_compared_with_objects_here(packed: Path, verify_target: Line) -> None:
    result = verify_target(f"Project:{NO_ID}", packed, exit_code=2)

    assert re.search(
        r"was packed from \S+ \(database (\w{8})\), not from \S+ \(database (?!\1)\w{8}\)\.",
        result.sentences[0],
    )


def test_a_crate_that_two_servers_got_is_compared_with_each_of_them(
    packed: Path,
    unpack: Line,
    pack: Line,
    verify_target: Line,
    verify_source: Line,
    capsys: Any,
    source_server: Server,
    home: Path,
) -> None:
    first = unpack(packed, "--json", exit_code=None)
    second = CommandLine(capsys, source_server.login())("unpack", packed, "--json", exit_code=None)

    assert first.summary["images"] == second.summary["images"] > 0
    assert second.exit_code != 7
    assert told(verify_target(packed, "--server")) == []
    assert told(verify_source(packed, "--server")) == []


def test_an_id_map_of_an_earlier_version_is_found(
    packed: Path, unpack: Line, verify_target: Line, home: Path
) -> None:
    unpack(packed, exit_code=None)
    idmap_of(home).rename(home / "crate.idmap.json")

    assert told(verify_target(packed, "--server")) == []


def test_without_the_new_ids_nothing_is_compared(packed: Path, verify_target: Line) -> None:
    assert "--idmap" in verify_target(packed, "--server", exit_code=5).sentences[0]


@pytest.mark.sandbox
@pytest.mark.parametrize("operation", ["IQuery.projection", "IQuery.findAllByQuery", "RawFileStore.read"])
def test_lost_connection_is_no_difference(
    operation: str, packed: Path, unpack: Line, verify_target: Line, target_server: Server
) -> None:
    unpack(packed, exit_code=None)
    assert target_server.sandbox is not None, "a real server does not cut connections when asked"
    target_server.sandbox.faults.add(operation, lambda current: current.con.close(True))

    assert told(verify_target(packed, "--server")) == []


@pytest.mark.sandbox
def test_lost_connection_that_is_not_tried_again_ends_the_comparison(
    packed: Path, unpack: Line, verify_target: Line, target_server: Server
) -> None:
    unpack(packed, exit_code=None)
    assert target_server.sandbox is not None, "a real server does not cut connections when asked"
    target_server.sandbox.faults.add("IQuery.findAllByQuery", lambda current: current.con.close(True), 9)

    assert len(verify_target(packed, "--server", "--retries", "0", exit_code=6).sentences) == 1


def test_ids_of_another_crate_are_refused(
    pack: Line, objects: list[str], packed: Path, unpack: Line, verify_target: Line, home: Path
) -> None:
    (home / "other").mkdir()
    pack("--rocrate", "--rocrate-name", "other", *objects, home / "other" / "crate.zip", exit_code=None)
    unpack(home / "other" / "crate.zip", exit_code=None)

    named = verify_target(packed, "--server", "--idmap", idmap_of(home), exit_code=2)
    found = verify_target(packed, "--server", exit_code=5)

    assert "another crate" in named.sentences[0]
    assert "No run here unpacked" in found.sentences[0]


def test_server_without_a_host_is_that_of_the_login(
    capsys: pytest.CaptureFixture[str], packed: Path, unpack: Line, target_server: Server
) -> None:
    unpack(packed, exit_code=None)

    result = CommandLine(capsys)("verify", *target_server.login(), packed, "--server")

    assert told(result) == []


@pytest.mark.parametrize("letter", ["\v", "\x01", "\ufffe"])
def test_containers_with_letters_that_xml_cannot_hold_are_no_difference(
    letter: str, pack: Line, unpack: Line, verify_source: Line, verify_target: Line, source_server: Server
) -> None:
    number = seed.create(source_server.client(), "Dataset", f"before{letter}after").id.val

    pack(f"Dataset:{number}", "odd.zip", exit_code=None)
    unpack("odd.zip", exit_code=None)

    assert told(verify_source(f"Dataset:{number}", "odd.zip")) == []
    assert told(verify_target("odd.zip", "--server")) == []


TABLE = "openmicroscopy.org/omero/bulk_annotations"


@pytest.fixture
def measured(source_server: Server, tmp_path: Path) -> str:
    """Give a dataset with a table of its images, and a figure that shows them."""
    client = source_server.client()
    made = real_input.multi_series(tmp_path / "in")
    dataset = seed.create(client, "Dataset", "measured")
    images = seed.import_fileset(client, made.folder, made.files, dataset).images
    path = inputs.table(tmp_path / "table.h5", [*images, -1])
    seed.link(client, dataset, seed.attachment(client, path, TABLE_TYPE, TABLE))
    (tmp_path / "figure.json").write_text(json.dumps({"panels": [{"imageId": image} for image in images]}))
    seed.attachment(client, tmp_path / "figure.json", "application/json", FIGURE_NAMESPACE)
    return f"Dataset:{dataset.id.val}"


def change_attached(server: Server, namespace: str, change: Callable[[bytes], bytes]) -> None:
    """Replace the file of the only annotation in a namespace by another one."""
    client = server.client()
    hql = "select a from FileAnnotation a join fetch a.file where a.ns = :ns"
    query = client.getSession().getQueryService()
    annotation = query.findByQuery(hql, ParametersI().addString("ns", namespace))
    with closing(client.sf.createRawFileStore()) as store:
        store.setFileId(annotation.file.id.val)
        data = change(bytes(store.read(0, store.size())))
    path = Path("changed")
    path.write_bytes(data)
    made = seed.attachment(client, path, annotation.file.mimetype.val)
    annotation.file = omero.model.OriginalFileI(
        query.get("FileAnnotation", made.id.val).file.id.val, loaded=False
    )
    client.getSession().getUpdateService().saveObject(annotation)


def change_area(data: bytes) -> bytes:
    path = Path("changed.h5")
    path.write_bytes(data)
    with h5py.File(path, "r+") as file:
        rows = file["OME/Measurements"][:]
        rows["Area"][1] += 0.25
        file["OME/Measurements"][:] = rows
    return path.read_bytes()


def change_image(data: bytes) -> bytes:
    path = Path("changed.h5")
    path.write_bytes(data)
    with h5py.File(path, "r+") as file:
        rows = file["OME/Measurements"][:]
        rows["Image"][:2] = rows["Image"][:2][::-1]
        file["OME/Measurements"][:] = rows
    return path.read_bytes()


def turn_panels(data: bytes) -> bytes:
    return json.dumps({"panels": json.loads(data)["panels"][::-1]}).encode()


def test_tables_and_figures_with_the_new_ids_are_no_difference(
    measured: str, pack: Line, unpack: Line, verify_target: Line
) -> None:
    pack("--figure", measured, "crate.zip")
    unpack("crate.zip", "--figure")

    assert told(verify_target("crate.zip", "--server")) == []
    assert told(verify_target("crate.zip", "--server", "--quick")) == []


@pytest.mark.parametrize(
    ("namespace", "change"),
    [(TABLE, change_area), (TABLE, change_image), (FIGURE_NAMESPACE, turn_panels)],
)
def test_one_changed_value_of_a_table_or_figure_is_told(
    namespace: str,
    change: Callable[[bytes], bytes],
    measured: str,
    pack: Line,
    unpack: Line,
    verify_target: Line,
    target_server: Server,
) -> None:
    pack("--figure", measured, "crate.zip")
    unpack("crate.zip", "--figure")
    change_attached(target_server, namespace, change)

    [line] = told(verify_target("crate.zip", "--server", exit_code=4))

    assert line.startswith("* Annotation:")


def test_a_table_that_still_has_the_ids_of_the_source_is_a_difference(
    measured: str, pack: Line, unpack: Line, verify_target: Line, target_server: Server, tmp_path: Path
) -> None:
    pack("--figure", measured, "crate.zip")
    unpack("crate.zip", "--figure")
    change_attached(target_server, TABLE, lambda _: (tmp_path / "table.h5").read_bytes())

    [line] = told(verify_target("crate.zip", "--server", exit_code=4))

    assert line.startswith("* Annotation:")


@pytest.mark.parametrize("data", [b"no HDF5 at all", b""])
def test_what_is_no_table_on_the_target_is_a_difference(
    data: bytes, measured: str, pack: Line, unpack: Line, verify_target: Line, target_server: Server
) -> None:
    pack(measured, "crate.zip")
    unpack("crate.zip")
    change_attached(target_server, TABLE, lambda _: data)

    [line] = told(verify_target("crate.zip", "--server", exit_code=4))

    assert line.startswith("* Annotation:")


@pytest.mark.sandbox
def test_tables_whose_ids_could_not_be_brought_up_to_date_travel_as_they_are(
    measured: str, pack: Line, unpack: Line, verify_target: Line, source_server: Server
) -> None:
    change_attached(source_server, TABLE, lambda _: b"no HDF5 at all")
    pack(measured, "crate.zip")

    assert "OMERO.table" in unpack("crate.zip", exit_code=3).stderr
    assert told(verify_target("crate.zip", "--server")) == []
