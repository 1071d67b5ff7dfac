"""A run stays what it is: on the server where it began, in its group, and never a second time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import Ice
import pytest

from omero_rocrate_transfer.transfer.journal.file import parse_journal, render_line
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import real_input, seed
from tests.command_line import CommandLine
from tests.integration.conftest import Server
from tests.support.servers import TESTER, delete

Line = Callable[..., Any]


@pytest.fixture
def dataset(source_server: Server, tmp_path: Path) -> str:
    """Give a dataset with three images of one file each, on the source."""
    client = source_server.client()
    made = seed.create(client, "Dataset", "D")
    for place in range(3):
        found = real_input.same_names(tmp_path / str(place))
        seed.import_fileset(client, found.folder, found.files, made)
    return f"Dataset:{made.id.val}"


def count(server: Server, *kinds: str) -> dict[str, int]:
    query = server.client().sf.getQueryService()
    return {kind: len(query.findAll(kind, None)) for kind in kinds}


def replace_database(sandbox: SandboxServer) -> Callable[[Any], None]:
    """Return a fault: all sessions end, and another database is in the place of this one."""

    def replace(current: Any) -> None:
        sandbox.uuid = str(uuid4())
        for session in sandbox.sessions.live():
            sandbox.sessions.remove(session)
        raise Ice.ObjectNotExistException

    return replace


@pytest.mark.promise("attacks")
@pytest.mark.sandbox
def test_nothing_is_written_into_another_database_that_answers_after_a_reconnect(
    pack: Line, unpack: Line, dataset: str, target_server: Server
) -> None:
    pack(dataset, "crate")
    sandbox = target_server.sandbox
    assert sandbox is not None, "only a sandbox can be replaced"
    sandbox.faults.add("RawFileStore.write", replace_database(sandbox), skip=5)

    [sentence] = unpack("crate", "--parallel", "1", "--retries", "2", exit_code=7).sentences

    assert "is another database now" in sentence
    assert count(target_server, "Image") == {"Image": 1}


@pytest.mark.promise("attacks")
@pytest.mark.sandbox
def test_a_copy_ends_if_the_source_is_another_database_after_a_reconnect(
    run_line: CommandLine,
    dataset: str,
    source_server: Server,
    target_server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sandbox = source_server.sandbox
    assert sandbox is not None, "only a sandbox can be replaced"
    sandbox.faults.add("RawFileStore.read", replace_database(sandbox), skip=1)
    monkeypatch.setenv("OMERO_TRANSFER_TO_PASSWORD", target_server.login()[7])
    to = ("--to-server", f"{target_server.host}:{target_server.port}", "--to-user", "root")

    ended = run_line("copy", dataset, *to, *source_server.login(), "--retries", "2", exit_code=7)

    assert "is another database now" in ended.sentences[0]


# -- what a journal says is compared with the marks on the target


def journal_of(home: Path, command: str = "unpack") -> Path:
    """Return the journal of the only run of a command."""
    [path] = home.glob(f"omero/transfer/{command}-*/journal.jsonl")
    return path


def edit(journal: Path, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
    """Change the records of a journal, or drop those that become None."""
    records, _ = parse_journal(journal.read_bytes())
    kept = [new for record in records if (new := change(record)) is not None]
    journal.write_bytes(b"".join(render_line(seq, record) for seq, record in enumerate(kept)))


def retarget(names: dict[str, str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return a change of a journal: other objects of the target in place of the right ones."""

    def change(record: dict[str, Any]) -> dict[str, Any]:
        if "mappings" in record:
            pairs = [[source, names.get(target, target)] for source, target in record["mappings"]]
            return {**record, "mappings": pairs}
        return record

    return change


def part_of(unpack: Line, *words: str) -> None:
    """Unpack one item of the crate, then stop."""
    unpack("crate", "--parallel", "1", "--max-transfer", "1", *words, exit_code=9)


def newest(server: Server, kind: str) -> int:
    return max(one.id.val for one in server.client().sf.getQueryService().findAll(kind, None))


@pytest.mark.promise("attacks")
def test_a_container_of_others_with_the_id_of_the_runs_own_gets_nothing(
    pack: Line, unpack: Line, dataset: str, target_server: Server, home: Path
) -> None:
    pack(dataset, "crate")
    part_of(unpack)
    client = target_server.client()
    made, other = newest(target_server, "Dataset"), seed.create(client, "Dataset", "D").id.val
    edit(journal_of(home), retarget({f"Dataset:{made}": f"Dataset:{other}"}))
    before = count(target_server, "Image", "DatasetImageLink")

    [sentence] = unpack("crate", exit_code=7).sentences

    assert f"Dataset:{other} is not what this run made of {dataset}" in sentence
    assert count(target_server, "Image", "DatasetImageLink") == before


def test_a_container_that_was_merged_into_has_to_be_what_it_was(
    pack: Line, unpack: Line, dataset: str, target_server: Server, home: Path
) -> None:
    pack(dataset, "crate")
    client = target_server.client()
    own, other = (seed.create(client, "Dataset", name).id.val for name in ("D", "another"))
    part_of(unpack, "--merge")
    edit(journal_of(home), retarget({f"Dataset:{own}": f"Dataset:{other}"}))

    [sentence] = unpack("crate", "--merge", exit_code=7).sentences
    edit(journal_of(home), retarget({f"Dataset:{other}": f"Dataset:{own}"}))
    unpack("crate", "--merge")

    assert f"Dataset:{other} is not 'D' of {target_server.user} any more" in sentence
    query = client.sf.getQueryService()
    links = query.findAllByQuery("select l from DatasetImageLink l", None)
    assert {link.parent.id.val for link in links} == {own}
    assert len(links) == 3


def test_items_with_ids_of_others_are_done_again(
    pack: Line, unpack: Line, dataset: str, target_server: Server, home: Path, tmp_path: Path
) -> None:
    pack(dataset, "crate")
    part_of(unpack)
    image, fileset = newest(target_server, "Image"), newest(target_server, "Fileset")
    client = target_server.client()
    found = real_input.same_names(tmp_path / "own")
    own = seed.import_fileset(client, found.folder, found.files)
    names = {f"Image:{image}": f"Image:{own.images[0]}", f"Fileset:{fileset}": f"Fileset:{own.fileset}"}
    edit(journal_of(home), retarget(names))

    unpack("crate")

    assert count(target_server, "Image", "DatasetImageLink") == {"Image": 4, "DatasetImageLink": 3}
    assert client.sf.getQueryService().get("Image", own.images[0]).id.val == own.images[0]


def test_items_whose_ids_are_those_of_other_items_are_done_again(
    pack: Line, unpack: Line, dataset: str, target_server: Server, home: Path
) -> None:
    pack(dataset, "crate")
    unpack("crate")
    query = target_server.client().sf.getQueryService()
    ids = {kind: sorted(one.id.val for one in query.findAll(kind, None)) for kind in ("Image", "Fileset")}
    swapped = {f"{kind}:{a}": f"{kind}:{b}" for kind, (a, b, _) in ids.items()}
    edit(journal_of(home), retarget(swapped | {value: key for key, value in swapped.items()}))

    summary = unpack("crate", "--json").summary

    assert (summary["done"], summary["skipped"]) == (2, 1)
    assert count(target_server, "Image", "DatasetImageLink") == {"Image": 3, "DatasetImageLink": 3}


# -- the group is part of a run


@pytest.mark.promise("attacks")
def test_another_group_is_another_run(
    pack: Line, unpack: Line, dataset: str, target_server: Server, home: Path
) -> None:
    [user] = target_server.settle(TESTER, group="other")
    assert user == target_server.user
    pack(dataset, "crate")

    unpack("crate")
    unpack("crate", "-g", target_server.group("other"))

    groups = [group for group, _ in target_server.held("Image")["Image"]]
    assert sorted(map(groups.count, set(groups))) == [3, 3]


@pytest.mark.promise("attacks")
def test_a_run_is_not_resumed_in_another_group(
    pack: Line, unpack: Line, dataset: str, target_server: Server, home: Path
) -> None:
    target_server.settle(TESTER, group="other")
    pack(dataset, "crate")
    part_of(unpack, "--run", "mine")
    before = target_server.held("Image", "Dataset")

    refused = unpack("crate", "--run", "mine", "-g", target_server.group("other"), exit_code=7)

    assert "begun with other objects or options" in refused.sentences[0]
    assert target_server.held("Image", "Dataset") == before


@pytest.mark.promise("attacks")
@pytest.mark.parametrize("begun", [True, False])
def test_a_journal_that_knows_no_group_is_not_resumed_in_another_one(
    begun: bool, pack: Line, unpack: Line, dataset: str, target_server: Server, home: Path
) -> None:
    target_server.settle(TESTER, group="other")
    pack(dataset, "crate")
    part_of(unpack, "--run", "mine")
    journal, other = home / "omero/transfer/mine/journal.jsonl", target_server.group("other")
    # what the other group would be asked for is in the journal of a run that began there
    unpack("crate", "--run", "there", "-g", other, "--max-transfer", "1", "--parallel", "1", exit_code=9)
    there, _ = parse_journal((home / "omero/transfer/there/journal.jsonl").read_bytes())
    edit(journal, lambda one: one | {"fingerprint": there[0]["fingerprint"]} if one["type"] == "run" else one)
    if not begun:
        edit(journal, lambda one: one if one["type"] in {"run", "opened"} else None)
    held = target_server.held("Image", "Dataset")

    [sentence] = unpack("crate", "--run", "mine", "-g", other, exit_code=7).sentences

    assert f"of this run are in the group {target_server.group('lab')}" in sentence
    assert target_server.held("Image", "Dataset") == held


# -- a journal that lost lines, and what others added meanwhile


def cut(journal: Path, lines: int) -> None:
    """Keep the first lines of a journal."""
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:lines]))


def add(server: Server, kind: str, image: int) -> None:
    """Add something to an image, as somebody who looks at it would."""
    client = server.client()
    if kind == "Roi":
        seed.roi(client, image, [seed.shape("Point", "p", x=1, y=2)])
    elif kind == "CommentAnnotation":
        seed.link(client, seed.reference("Image", image), seed.comment(client, "mine"))
    else:
        seed.link(client, seed.create(client, "Dataset", "mine"), seed.reference("Image", image))


ADDED = {"Roi": "Point", "CommentAnnotation": "ImageAnnotationLink", "Dataset": "DatasetImageLink"}


@pytest.mark.promise("attacks")
@pytest.mark.parametrize("kind", ADDED)
@pytest.mark.parametrize("lines", [1, 3])
def test_a_cut_journal_costs_nothing_that_others_added(
    kind: str, lines: int, pack: Line, unpack: Line, dataset: str, target_server: Server, home: Path
) -> None:
    pack(dataset, "crate")
    unpack("crate")
    image = newest(target_server, "Image")
    add(target_server, kind, image)
    cut(journal_of(home), lines)
    before = count(target_server, "Image", "Dataset", kind, "DatasetImageLink", "ImageAnnotationLink")

    [sentence] = unpack("crate", exit_code=7).sentences

    assert f"Image:{image} was left half done by this run, and somebody added" in sentence
    assert count(target_server, *before) == before


@pytest.mark.promise("attacks")
@pytest.mark.parametrize("lines", [1, 3, 4])
def test_a_cut_journal_doubles_nothing(
    lines: int, pack: Line, unpack: Line, dataset: str, target_server: Server, home: Path
) -> None:
    pack(dataset, "crate")
    unpack("crate")
    before = count(target_server, "Image", "Dataset", "Fileset", "DatasetImageLink")
    cut(journal_of(home), lines)

    unpack("crate")

    assert count(target_server, *before) == before


@pytest.mark.promise("attacks")
def test_what_undo_kept_stays_when_the_run_is_done_again(
    pack: Line,
    unpack: Line,
    run_line: CommandLine,
    dataset: str,
    source_server: Server,
    target_server: Server,
) -> None:
    number = int(dataset.partition(":")[2])
    seed.link(
        source_server.client(), seed.reference("Dataset", number), seed.tag(source_server.client(), "t")
    )
    pack(dataset, "crate")
    unpack("crate")
    client = target_server.client()
    tag = newest(target_server, "TagAnnotation")
    mine = seed.create(client, "Project", "mine")
    seed.link(client, mine, seed.reference("TagAnnotation", tag))
    runs = run_line("status", "--json").lines[0]["runs"]
    name = next(run["run"] for run in runs if run["command"] == "unpack")
    run_line("undo", name, "--force", *target_server.login())

    unpack("crate")

    query = client.sf.getQueryService()
    [link] = query.findAllByQuery("select l from ProjectAnnotationLink l join fetch l.child", None)
    assert link.child.id.val == tag
    assert count(target_server, "Image", "Dataset") == {"Image": 3, "Dataset": 1}


# -- a journal that is lost


def lose_all(home: Path) -> None:
    shutil.rmtree(home / "omero/transfer")


def empty(home: Path) -> None:
    journal_of(home).write_bytes(b"")


LOST = {"folder": lose_all, "journal": empty}


@pytest.mark.promise("attacks")
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("lost", LOST)
def test_a_lost_journal_doubles_nothing(
    lost: str,
    whole: bool,
    pack: Line,
    unpack: Line,
    run_line: CommandLine,
    dataset: str,
    target_server: Server,
    home: Path,
) -> None:
    pack(dataset, "crate")
    if whole:
        unpack("crate")
    else:
        part_of(unpack)
    run_id = parse_journal(journal_of(home).read_bytes())[0][0]["id"]
    LOST[lost](home)
    before = count(target_server, "Image", "Dataset", "Fileset")

    [sentence] = unpack("crate", exit_code=7).sentences

    assert f"{4 if whole else 2} objects of this plan are in the target group already" in sentence
    assert f"'omero transfer undo {run_id}'" in sentence
    assert count(target_server, *before) == before
    run_line("undo", run_id, "--force", *target_server.login())
    assert count(target_server, *before) == dict.fromkeys(before, 0)
    # the id map of the run that is taken back is no other's to overwrite
    lose_all(home)
    unpack("crate")
    assert count(target_server, *before) == {"Image": 3, "Dataset": 1, "Fileset": 3}


@pytest.mark.promise("attacks")
def test_a_lost_journal_doubles_no_containers_that_nothing_is_in_yet(
    pack: Line, unpack: Line, dataset: str, target_server: Server, home: Path
) -> None:
    pack(dataset, "crate")
    part_of(unpack)
    client = target_server.client()
    [fileset] = client.sf.getQueryService().findAll("Fileset", None)
    delete(client, {"Fileset": [fileset.id.val]}, target_server.group_id("lab"))
    lose_all(home)

    [sentence] = unpack("crate", exit_code=7).sentences

    assert "1 objects of this plan" in sentence
    assert count(target_server, "Dataset", "Image") == {"Dataset": 1, "Image": 0}


@pytest.mark.promise("attacks")
def test_a_lost_journal_doubles_no_images_without_files(
    pack: Line, unpack: Line, dataset: str, target_server: Server, home: Path
) -> None:
    pack(dataset, "crate", "--pixels", "zarr")
    unpack("crate")
    lose_all(home)

    [sentence] = unpack("crate", exit_code=7).sentences

    assert "4 objects of this plan" in sentence
    assert count(target_server, "Image", "Dataset") == {"Image": 3, "Dataset": 1}


@pytest.mark.promise("attacks")
def test_a_second_copy_can_be_asked_for(
    pack: Line, unpack: Line, dataset: str, target_server: Server, home: Path
) -> None:
    pack(dataset, "crate")
    unpack("crate")
    lose_all(home)

    unpack("crate", "--run", "again")

    assert count(target_server, "Image", "Dataset") == {"Image": 6, "Dataset": 2}


@pytest.mark.promise("attacks")
def test_a_lost_journal_of_a_copy_doubles_nothing(
    run_line: CommandLine,
    dataset: str,
    source_server: Server,
    target_server: Server,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMERO_TRANSFER_TO_PASSWORD", target_server.login()[7])
    to = ("--to-server", f"{target_server.host}:{target_server.port}", "--to-user", target_server.user)
    run_line("copy", dataset, *to, *source_server.login())
    lose_all(home)

    refused = run_line("copy", dataset, *to, *source_server.login(), exit_code=7)

    assert "4 objects of this plan" in refused.sentences[0]
    assert count(target_server, "Image", "Dataset") == {"Image": 3, "Dataset": 1}


def test_undo_of_an_id_that_nothing_has(run_line: CommandLine, target_server: Server) -> None:
    refused = run_line("undo", "0" * 32, *target_server.login(), exit_code=5)

    assert "nothing on" in refused.sentences[0]


@pytest.mark.promise("attacks")
def test_a_moved_crate_and_another_spelling_of_its_path_resume_the_run(
    pack: Line, unpack: Line, dataset: str, target_server: Server, home: Path
) -> None:
    pack(dataset, "crate.zip")
    unpack("crate.zip", "--parallel", "1", "--max-transfer", "1", exit_code=9)
    (home / "sub").mkdir()

    unpack("sub/../crate.zip", "--parallel", "1", "--max-transfer", "1", exit_code=9)
    (home / "crate.zip").rename(home / "moved.zip")
    summary = unpack("moved.zip", "--json").summary

    assert (summary["done"], summary["skipped"]) == (1, 2)
    assert count(target_server, "Image", "Dataset") == {"Image": 3, "Dataset": 1}
