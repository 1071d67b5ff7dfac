"""From one server into another without a crate between: the same comes of it as of pack and unpack."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from omero.util.sessions import SessionsStore

from omero_rocrate_transfer.crate import extras_json, omexml
from omero_rocrate_transfer.model.annotations import FIGURE_NAMESPACE, TABLE_TYPE
from omero_sandbox.testing import real_input, seed
from omero_sandbox.testing.compare import Comparison, compare
from tests.command_line import CommandLine, Result, idmap_of
from tests.integration.conftest import Server
from tests.support import inputs
from tests.support.servers import TESTER

Copy = Callable[..., Result]
COMPARED = ("Project:", "Dataset:", "Screen:", "Plate:", "Image:")


@pytest.fixture
def copy(
    capsys: pytest.CaptureFixture[str],
    source_server: Server,
    target_server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> Copy:
    """Run ``omero transfer copy`` from source to target, as the same user of both."""
    monkeypatch.setenv("OMERO_TRANSFER_TO_PASSWORD", target_server.password(target_server.user))
    run = CommandLine(capsys, source_server.login())

    def copy(*arguments: object, exit_code: int | None = 0) -> Result:
        to = ["--to-server", target_server.host, "--to-port", target_server.port]
        return run("copy", *arguments, *to, exit_code=exit_code)

    return copy


@pytest.fixture
def roots(source_server: Server, tmp_path: Path) -> list[str]:
    """Give a project and a screen with real files, tags, attachments and ROIs, on the source."""
    client = source_server.client()
    project, screen = seed.create(client, "Project", "Liver 肝", "D"), seed.create(client, "Screen", "S")
    dataset = seed.create(client, "Dataset", "Cells", "two\nlines")
    seed.link(client, project, dataset)
    (tmp_path / "notes.txt").write_text("by hand")
    seed.link(client, dataset, seed.attachment(client, tmp_path / "notes.txt", "text/plain"))
    for name, made in real_input.write_all(tmp_path / "in").items():
        parent = screen if name == "plate" else dataset
        imported = seed.import_fileset(client, made.folder, made.files, parent)
        seed.roi(client, imported.images[0], [seed.shape("Point", name, x=1, y=2)])
    return [f"Project:{project.id.val}", f"Screen:{screen.id.val}"]


def compare_servers(source: Server, target: Server, home: Path) -> Comparison:
    """Compare containers and images, by the id map of the copy."""
    idmap = idmap_of(home)
    objects = json.loads(idmap.read_text("utf-8"))["objects"]
    ids = {line["source"]: line["target"] for line in objects if line["source"].startswith(COMPARED)}
    return compare(source.client(), target.client(), ids)


def test_everything_arrives_and_nothing_is_left_on_the_disk(
    copy: Copy, roots: list[str], source_server: Server, target_server: Server, home: Path
) -> None:
    summary = copy(*roots, "--json").summary

    found = compare_servers(source_server, target_server, home)
    assert found.differences == []
    assert (found.images, found.containers) == (summary["images"], 4)
    assert {path.name for path in home.iterdir()} == {"omero"}
    query = target_server.client().sf.getQueryService()
    [attached] = query.findAllByQuery("select a from FileAnnotation a join fetch a.file", None)
    assert (attached.file.name.val, attached.file.size.val) == ("notes.txt", 7)
    before = source_server.client().sf.getQueryService()
    assert len(query.findAll("Roi", None)) == len(before.findAll("Roi", None)) > 0


def test_nothing_is_written_as_json_or_xml_on_the_way(
    copy: Copy, pack: Callable[..., Result], roots: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: Counter[str] = Counter()

    def count(name: str, do: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        calls[name] += 1
        return do(*arguments, **more)

    for module, name in (
        (extras_json, "render_extras"),
        (extras_json, "parse_extras"),
        (extras_json, "render_document"),
        (omexml, "parse_document"),
    ):
        monkeypatch.setattr(module, name, partial(count, name, getattr(module, name)))

    copy(*roots)

    assert calls == {}

    # what counts here does count
    pack(*roots, "crate")
    assert calls["render_extras"] == calls["render_document"] > 3


def test_pixels_go_straight_from_server_to_server(
    copy: Copy, roots: list[str], source_server: Server, target_server: Server, home: Path
) -> None:
    summary = copy(*roots, "--pixels", "zarr", "--json", exit_code=None).summary

    found = compare_servers(source_server, target_server, home)
    assert [line for line in found.differences if " plane " in line] == []
    assert summary["planes_verified"] == found.planes > 0
    assert target_server.client().sf.getQueryService().findAll("Fileset", None) == []


def test_dry_run_touches_neither_server(
    copy: Copy, roots: list[str], target_server: Server, home: Path
) -> None:
    plan = copy(*roots, "--dry-run", "--json").lines[0]

    assert plan["images"] > 0
    assert target_server.client().sf.getQueryService().findAll("Image", None) == []
    assert list(home.glob("*.json")) == []


def test_same_command_again_does_nothing(copy: Copy, roots: list[str], target_server: Server) -> None:
    first = copy(*roots, "--json").summary
    images = len(target_server.client().sf.getQueryService().findAll("Image", None))

    again = copy(*roots, "--json").summary

    assert (again["done"], again["skipped"], again["bytes"]) == (0, first["done"], 0)
    assert len(target_server.client().sf.getQueryService().findAll("Image", None)) == images


def test_run_is_shown_and_taken_back(
    copy: Copy, roots: list[str], run_line: CommandLine, target_server: Server
) -> None:
    copy(*roots)
    [run] = run_line("status", "--json").lines[0]["runs"]
    assert (run["command"], run["state"]) == ("copy", "finished")
    assert run["run"].startswith(f"copy-{roots[0].replace(':', '-')}-"), "named after the first object"

    run_line("undo", run["run"], "--force", *target_server.login())

    query = target_server.client().sf.getQueryService()
    for kind in ("Image", "Project", "Screen", "FileAnnotation"):
        assert query.findAll(kind, None) == []


@pytest.mark.parametrize("joined", [False, True])
def test_session_of_omero_login_is_used_and_stays(
    joined: bool,
    run_line: CommandLine,
    roots: list[str],
    source_server: Server,
    target_server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMERO_TRANSFER_TO_PASSWORD", raising=False)
    kept = target_server.client()
    kept.getSession().detachOnDestroy()
    facts = {"omero.port": str(target_server.port)}
    SessionsStore().add(target_server.host, target_server.user, kept.getSessionId(), facts)
    to = (
        ["--to-server", f"{target_server.host}:{target_server.port}"]
        if joined
        else ["--to-server", target_server.host, "--to-port", target_server.port]
    )

    run_line("copy", roots[0], *to, *source_server.login())

    assert kept.sf.getQueryService().findAll("Project", None) != []


def test_without_a_way_to_log_in_there_it_says_how(
    run_line: CommandLine, roots: list[str], source_server: Server, target_server: Server
) -> None:
    to = ["--to-server", target_server.host, "--to-port", target_server.port, "--to-user", "nobody"]

    [sentence] = run_line("copy", roots[0], *to, *source_server.login(), exit_code=6).sentences

    assert "no session of nobody" in sentence
    assert "OMERO_TRANSFER_TO_PASSWORD" in sentence


def test_wrong_password_there_is_no_login(
    copy: Copy, roots: list[str], monkeypatch: pytest.MonkeyPatch, source_server: Server
) -> None:
    monkeypatch.setenv("OMERO_TRANSFER_TO_PASSWORD", "wrong")

    result = copy(roots[0], exit_code=6)

    assert "are not accepted" in result.sentences[0]


def test_unknown_group_there_is_refused(copy: Copy, roots: list[str]) -> None:
    assert "no group" in copy(roots[0], "--to-group", "nowhere", exit_code=2).sentences[0]


def test_group_there_takes_the_objects(copy: Copy, roots: list[str], target_server: Server) -> None:
    target_server.settle(TESTER, group="other")
    client: Any = target_server.client()

    copy(roots[0], "--to-group", target_server.group("other"))

    query = client.sf.getQueryService()
    rows = query.projection("select p.details.group.name from Project p", None, {"omero.group": "-1"})
    assert [row[0].val for row in rows] == [target_server.group("other")]


def test_copies_are_verified_against_their_originals(
    copy: Copy,
    roots: list[str],
    run_line: CommandLine,
    source_server: Server,
    target_server: Server,
    home: Path,
) -> None:
    copy(*roots, "--idmap", "ids.json")
    to = ["--to-server", target_server.host, "--to-port", target_server.port, "--idmap", "ids.json"]

    same = run_line("verify", *roots, *to, "--json", *source_server.login()).summary
    objects = json.loads((home / "ids.json").read_text("utf-8"))["objects"]
    [dataset_on_source] = [one["source"] for one in objects if one["source"].startswith("Dataset:")]
    client = target_server.client()
    [dataset] = client.sf.getQueryService().findAll("Dataset", None)
    seed.rename(client, "Dataset", dataset.id.val, "changed")
    other = run_line("verify", *roots, *to, *source_server.login(), exit_code=4)

    assert (same["differences"], same["compared"] > 0) == (0, True)
    assert f"* {dataset_on_source}" in other.stderr


def test_tables_and_figures_of_copies_are_no_difference(
    copy: Copy,
    run_line: CommandLine,
    source_server: Server,
    target_server: Server,
    tmp_path: Path,
) -> None:
    client, made = source_server.client(), real_input.multi_series(tmp_path / "in")
    dataset = seed.create(client, "Dataset", "measured")
    images = seed.import_fileset(client, made.folder, made.files, dataset).images
    path = inputs.table(tmp_path / "table.h5", images)
    seed.link(client, dataset, seed.attachment(client, path, TABLE_TYPE))
    (tmp_path / "figure.json").write_text(json.dumps({"panels": [{"imageId": image} for image in images]}))
    seed.attachment(client, tmp_path / "figure.json", "application/json", FIGURE_NAMESPACE)
    root = f"Dataset:{dataset.id.val}"

    copy(root, "--figure", "--idmap", "ids.json")
    to = ["--to-server", target_server.host, "--to-port", target_server.port, "--idmap", "ids.json"]
    summary = run_line("verify", root, *to, "--json", *source_server.login()).summary

    # the container, the images with their file, the table and the figure
    assert (summary["differences"], summary["compared"]) == (0, 1 + len(images) + len(made.files) + 2)


def test_verifying_copies_needs_the_new_ids(run_line: CommandLine) -> None:
    assert "--idmap" in run_line("verify", "Project:1", "--to-server", "there", exit_code=2).sentences[0]


@pytest.mark.parametrize("way", ["file", "variable"])
def test_a_key_that_no_list_of_processes_shows_is_enough(
    way: str, copy: Copy, roots: list[str], target_server: Server, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMERO_TRANSFER_TO_PASSWORD")
    kept = target_server.client()
    kept.getSession().detachOnDestroy()
    more: list[str] = []
    if way == "file":
        (home / "key").write_text(kept.getSessionId() + "\n")
        more = ["--to-key-file", "key"]
    else:
        monkeypatch.setenv("OMERO_TRANSFER_TO_KEY", kept.getSessionId())

    copied = copy(roots[0], *more)

    assert kept.sf.getQueryService().findAll("Project", None) != []
    assert "every user" not in copied.stderr


@pytest.mark.parametrize("content", [None, "", "\xff"])
def test_a_key_file_without_a_key_is_refused(
    content: str | None, copy: Copy, roots: list[str], home: Path
) -> None:
    if content is not None:
        (home / "key").write_text(content, "latin-1")
    assert "--to-key-file key" in copy(roots[0], "--to-key-file", "key", exit_code=2).sentences[0]


def test_wrong_key_there_is_no_login(copy: Copy, roots: list[str]) -> None:
    refused = copy(roots[0], "--to-key", "nonsense", exit_code=6)
    assert "are not accepted" in refused.sentences[0]
    assert "every user of this machine can see the key" in refused.stderr


def test_copies_that_are_gone_are_missing(
    copy: Copy,
    roots: list[str],
    run_line: CommandLine,
    source_server: Server,
    target_server: Server,
) -> None:
    copy(*roots, "--idmap", "ids.json", "--run", "r")
    run_line("undo", "r", "--force", *target_server.login())
    to = ["--to-server", target_server.host, "--to-port", target_server.port, "--idmap", "ids.json"]

    result = run_line("verify", *roots, *to, *source_server.login(), exit_code=4)

    assert f"+ {roots[0]}  'Liver 肝' is missing." in result.stderr
