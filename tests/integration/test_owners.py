"""Everything comes back to those who owned it, where an administrator unpacks with ``--as-owner``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import omero.model as om
import pytest
from omero.sys import ParametersI

from omero_rocrate_transfer.crate.read.unit_reader import CrateUnitReader
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.server.read.unit_reader import ServerUnitReader
from omero_sandbox.testing import real_input, seed
from tests.command_line import CommandLine
from tests.crate.foreign import packs
from tests.integration.conftest import PASSWORD, Server

Line = Callable[..., Any]
OWNED = (
    "Project", "Dataset", "ProjectDatasetLink", "DatasetImageLink", "Fileset", "OriginalFile", "Image",
    "Pixels", "Roi", "Shape", "Folder", "FolderImageLink", "FolderRoiLink", "TagAnnotation",
    "CommentAnnotation", "LongAnnotation", "FileAnnotation", "ImageAnnotationLink",
    "DatasetAnnotationLink", "RenderingDef", "ChannelBinding", "QuantumDef", "Channel", "LogicalChannel",
)  # fmt: skip


#: Files that users have: the repository keeps logs and folders of its own beside them.
FILES = (
    "select f.details.owner.omeName, f.id from FilesetEntry e join e.originalFile f",
    "select f.details.owner.omeName, f.id from FileAnnotation a join a.file f",
)
#: Those who have something of it on the source.
PEOPLE = ("alice", "bob", "carol")


def owned(server: Server, group: str = "lab") -> dict[str, Counter[str]]:
    """Return how many objects of each class everybody has in a group."""
    number = server.group_id(group)
    return {kind: owned_of(server.root(), kind, number) for kind in OWNED}


def owned_of(root: Any, kind: str, group: int) -> Counter[str]:
    ways = FILES if kind == "OriginalFile" else (f"select o.details.owner.omeName, o.id from {kind} o",)
    query, context = root.sf.getQueryService(), {"omero.group": str(group)}
    rows = [row for hql in ways for row in query.projection(hql, ParametersI(), context)]
    owners = {number.val: owner.val for owner, number in rows}
    return Counter(owners.values())


def names_of(server: Server, **counts: int) -> Counter[str]:
    """Return counts by the logins of the run."""
    return Counter({server.name(name): count for name, count in counts.items()})


def look_at(client: Any, image: int) -> None:
    """Give the user of a client rendering settings for an image."""
    client.sf.getRenderingSettingsService().resetDefaultsInSet("Image", [image])


Share = Callable[..., str]


@pytest.fixture
def share(source_server: Server, tmp_path: Path) -> Share:
    """Make a project of two people on the source: one tag of one of them is on images of both."""

    def share(*people: str) -> str:
        logins = source_server.settle(*people or PEOPLE)
        alice, bob, carol = map(source_server.client, logins)
        root = source_server.client("root", group=source_server.group("lab"))
        project = seed.create(alice, "Project", "P")
        tag = seed.tag(bob, "seen")
        for client, name in zip((alice, bob), ("alice", "bob"), strict=True):
            dataset = seed.create(client, "Dataset", "D")
            seed.link(root, project, dataset)
            made = real_input.same_names(tmp_path / name)
            image = seed.import_fileset(client, made.folder, made.files, dataset).images[0]
            ref = seed.reference("Image", image)
            seed.link(alice, ref, tag)
            seed.link(bob, ref, tag)
            seed.link(carol, dataset, seed.comment(carol, f"of {name}"))
            seed.link(carol, ref, seed.rating(carol, 5))
            seed.roi(carol, image, [seed.shape("Point", "here", x=1, y=2)])
            seed.roi(client, image, [seed.shape("Point", "there", x=3, y=4)])
            look_at(carol, image)
            note = tmp_path / f"{name}.txt"
            note.write_text(name)
            seed.link(bob, ref, seed.attachment(bob, note, "text/plain"))
        folder = seed.create(carol, "Folder", "box")
        link = om.FolderImageLinkI()
        link.parent, link.child = folder, ref
        seed.save(root, link)
        return f"Project:{project.id.val}"

    return share


@pytest.fixture
def shared(share: Share) -> str:
    """Give a project of alice and bob, in which carol left something too."""
    return share()


@pytest.fixture
def unpack(capsys: pytest.CaptureFixture[str], target_server: Server) -> Line:
    """Run ``omero transfer unpack`` on the target, as root."""
    return partial(CommandLine(capsys, target_server.login("root")), "unpack")


@pytest.fixture
def as_owner(target_server: Server) -> tuple[str, ...]:
    return as_owner_in(target_server, "lab")


def as_owner_in(server: Server, group: str) -> tuple[str, ...]:
    return ("--as-owner", "-g", server.group(group), "--metadata", "none")


def refused(unpack: Line, server: Server, *arguments: str, exit_code: int, group: str = "lab") -> str:
    """Unpack what is refused before anything is written; return the reason."""
    before = owned(server, group)
    told = unpack("crate", *arguments, exit_code=exit_code)
    assert owned(server, group) == before
    [sentence] = told.sentences
    return str(sentence)


@pytest.mark.parametrize(("group", "pixels"), [("lab", "original"), ("readers", "zarr")])
def test_everything_comes_back_to_its_owner(
    group: str,
    pixels: str,
    pack: Line,
    unpack: Line,
    source_server: Server,
    target_server: Server,
    shared: str,
    run_line: CommandLine,
) -> None:
    """In a group where members only read, the administrator may still annotate for them."""
    target_server.settle("carol", "bob", "alice", group=group)
    before = owned(source_server)
    assert len(before["RenderingDef"]) == len(before["ImageAnnotationLink"]) == 3
    pack(shared, "crate", "--pixels", pixels)

    unpack("crate", *as_owner_in(target_server, group))

    after = owned(target_server, group)
    if pixels == "zarr":
        for found in (before, after):
            del found["Fileset"], found["OriginalFile"]
    assert after == before
    verified = run_line("verify", "crate", "--server", *target_server.login("root"))
    assert "0 not the same" in verified.stderr


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count how often the document of each item is read from a crate or a server."""
    counts: Counter[str] = Counter()
    for kind in (CrateUnitReader, ServerUnitReader):

        def document(reader: Any, read: Callable[[Any], Document] = kind.document) -> Document:
            counts[str(reader.unit.ref)] += 1
            return read(reader)

        monkeypatch.setattr(kind, "document", document)
    return counts


def test_each_document_is_read_once_by_unpack(
    pack: Line,
    unpack: Line,
    target_server: Server,
    shared: str,
    as_owner: tuple[str, ...],
    reads: Counter[str],
) -> None:
    target_server.settle(*PEOPLE)
    pack(shared, "crate", "--json")
    reads.clear()

    unpack("crate", *as_owner, "--json")

    assert set(reads.values()) == {1}
    assert sum(ref.startswith("Fileset:") for ref in reads) == 2


def test_each_document_is_read_once_by_copy(
    capsys: pytest.CaptureFixture[str],
    source_server: Server,
    target_server: Server,
    shared: str,
    reads: Counter[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target_server.settle(*PEOPLE)
    monkeypatch.setenv("OMERO_TRANSFER_TO_PASSWORD", PASSWORD)
    to = ["--to-server", target_server.host, "--to-port", target_server.port]
    group = target_server.group("lab")

    CommandLine(capsys, source_server.login("root"))("copy", shared, "--as-owner", *to, "--to-group", group)

    assert set(reads.values()) == {1}
    assert sum(ref.startswith("Fileset:") for ref in reads) == 2


@pytest.mark.sandbox
def test_no_session_of_others_is_left_and_the_same_command_again_does_nothing(
    pack: Line, unpack: Line, target_server: Server, shared: str, as_owner: tuple[str, ...]
) -> None:
    target_server.settle(*PEOPLE)
    pack(shared, "crate")
    unpack("crate", *as_owner)
    there = owned(target_server)
    assert target_server.sandbox is not None
    target_server.sandbox.calls.clear()

    again = unpack("crate", *as_owner, "--json").summary

    assert (again["skipped"], again["done"]) == (again["planned"], 0)
    assert owned(target_server) == there
    assert target_server.sandbox.calls["ISession.createSessionWithTimeouts"] == 0
    assert [one for one in target_server.sandbox.sessions.live() if one.sudoer_id is not None] == []


def test_everybody_who_is_missing_is_named_before_anything_is_written(
    pack: Line, unpack: Line, target_server: Server, share: Share, as_owner: tuple[str, ...]
) -> None:
    target_server.settle("alice")
    pack(share("alice", "dan", "dora"), "crate")

    told = refused(unpack, target_server, *as_owner, exit_code=5)
    dry = refused(unpack, target_server, "--dry-run", *as_owner, exit_code=5)

    assert dry == told
    dan, dora = map(target_server.name, ("dan", "dora"))
    assert f"{dan} is not on the target; {dora} is not on the target" in told
    assert "--user-map" in told


def test_everybody_outside_the_group_is_named_before_anything_is_written(
    pack: Line, unpack: Line, target_server: Server, share: Share, as_owner: tuple[str, ...]
) -> None:
    target_server.settle("alice")
    olga, oskar = target_server.settle("olga", "oskar", group="other")
    pack(share("alice", "olga", "oskar"), "crate")

    told = refused(unpack, target_server, *as_owner, exit_code=7)

    lab = target_server.group("lab")
    assert f"{olga} is no member of group {lab}; {oskar} is no member of group {lab}" in told


def test_those_who_cannot_log_in_are_named_before_anything_is_written(
    pack: Line, unpack: Line, target_server: Server, share: Share, as_owner: tuple[str, ...]
) -> None:
    _, ivo, _ = target_server.settle("alice", "ivo", "carol")
    target_server.deactivate("ivo")
    pack(share("alice", "ivo", "carol"), "crate")

    assert f"{ivo} is not active" in refused(unpack, target_server, *as_owner, exit_code=7)


def test_a_map_names_others_and_who_unpacks(
    pack: Line,
    unpack: Line,
    source_server: Server,
    target_server: Server,
    shared: str,
    home: Path,
    as_owner: tuple[str, ...],
) -> None:
    target_server.settle("alice", "robert")
    pack(shared, "crate")
    bob, robert, carol = map(target_server.name, ("bob", "robert", "carol"))
    (home / "people.tsv").write_text(f"# who is who\n{bob}\t{robert}\n\n{carol}\t-\n")

    unpack("crate", *as_owner, "--user-map", "people.tsv")

    names = {bob: robert, carol: "root"}
    for kind, before in owned(source_server).items():
        expected: Counter[str] = Counter()
        for login, count in before.items():
            expected[names.get(login, login)] += count
        assert owned(target_server)[kind] == expected, kind


def test_only_administrators_with_the_privileges_may(
    pack: Line, run_line: CommandLine, target_server: Server, shared: str, as_owner: tuple[str, ...]
) -> None:
    target_server.settle(*PEOPLE)
    pack(shared, "crate")
    light = target_server.login(target_server.make_light_admin("light", "Sudo", "DeleteFile"))
    before = owned(target_server)

    as_light = run_line("unpack", "crate", *as_owner, *light, exit_code=7)
    alice = target_server.name("alice")
    as_alice = run_line("unpack", "crate", *as_owner, *target_server.login(alice), exit_code=7)

    assert "lacks the privileges Sudo, DeleteFile." in as_light.stderr
    assert f"{alice} is no administrator" in as_alice.stderr
    assert owned(target_server) == before


def test_light_administrators_with_the_privileges_may(
    pack: Line,
    run_line: CommandLine,
    source_server: Server,
    target_server: Server,
    shared: str,
    as_owner: tuple[str, ...],
) -> None:
    target_server.settle(*PEOPLE)
    pack(shared, "crate")
    lacking = ("Chown", "Chgrp", "ModifyUser", "ModifyGroup", "ReadSession")
    light = target_server.login(target_server.make_light_admin("lighter", *lacking))

    run_line("unpack", "crate", *as_owner, *light)

    wanted = names_of(target_server, alice=1, bob=1)
    assert owned(target_server)["Image"] == owned(source_server)["Image"] == wanted


def test_settings_of_those_who_are_not_there_are_counted(
    pack: Line,
    unpack: Line,
    source_server: Server,
    target_server: Server,
    tmp_path: Path,
    as_owner: tuple[str, ...],
) -> None:
    alice, dora = map(source_server.client, source_server.settle("alice", "dora"))
    target_server.settle("alice")
    made = real_input.same_names(tmp_path / "in")
    image = seed.import_fileset(alice, made.folder, made.files).images[0]
    look_at(dora, image)
    pack(f"Image:{image}", "crate")

    summary = unpack("crate", *as_owner, "--json", exit_code=3).summary

    assert [(one["type"], one["count"]) for one in summary["omissions"]] == [("RenderingDef", 1)]
    assert f"{target_server.name('dora')} is not on the target" in summary["omissions"][0]["reason"]
    assert owned(target_server)["RenderingDef"] == names_of(target_server, alice=1)


def test_without_the_option_all_of_it_belongs_to_who_unpacks_and_the_loss_names_it(
    pack: Line, unpack: Line, target_server: Server, shared: str
) -> None:
    pack(shared, "crate")

    summary = unpack("crate", "-g", target_server.group("lab"), "--json", exit_code=3).summary

    assert {login for counts in owned(target_server).values() for login in counts} == {"root"}
    lost = {one["type"]: one["reason"] for one in summary["omissions"]}
    assert lost.keys() == {"RenderingDef", "AnnotationLink"}
    assert all("--as-owner" in reason for reason in lost.values())


def test_a_private_group_takes_what_is_of_one_owner_only(
    pack: Line, unpack: Line, source_server: Server, target_server: Server, shared: str, tmp_path: Path
) -> None:
    private, as_owner = target_server.group("private"), as_owner_in(target_server, "private")
    target_server.settle(*PEOPLE, group="private")
    pack(shared, "crate")
    told = refused(unpack, target_server, *as_owner, exit_code=7, group="private")
    assert f"in the private group {private} (rw----) nobody can link to data of others" in told

    alice, bob = map(source_server.client, source_server.settle("alice", "bob"))
    made = real_input.same_names(tmp_path / "own")
    image = seed.import_fileset(alice, made.folder, made.files).images[0]
    seed.link(alice, seed.reference("Image", image), seed.comment(alice, "mine"))
    look_at(bob, image)
    pack(f"Image:{image}", "own")
    summary = unpack("own", *as_owner, "--json", exit_code=3).summary

    assert [(one["type"], one["count"]) for one in summary["omissions"]] == [("RenderingDef", 1)]
    owners = {login for counts in owned(target_server, "private").values() for login in counts}
    assert owners == {target_server.name("alice")}


def test_administrator_takes_back_what_is_of_others(
    pack: Line,
    unpack: Line,
    run_line: CommandLine,
    target_server: Server,
    shared: str,
    as_owner: tuple[str, ...],
) -> None:
    target_server.settle(*PEOPLE)
    before = owned(target_server)
    pack(shared, "crate")
    unpack("crate", *as_owner)
    runs = run_line("status", "--json").lines[0]["runs"]
    run = next(one["run"] for one in runs if one["command"] == "unpack")

    run_line("undo", run, "--force", *target_server.login("root"))

    assert owned(target_server) == before


def test_merge_uses_what_the_owner_has(
    pack: Line, unpack: Line, target_server: Server, shared: str, as_owner: tuple[str, ...]
) -> None:
    target_server.settle(*PEOPLE)
    alice, bob = map(target_server.client, target_server.settle("alice", "bob"))
    seed.create(bob, "Project", "P")
    project = seed.create(alice, "Project", "P")
    seed.link(alice, project, seed.create(alice, "Dataset", "D"))
    seed.tag(alice, "seen")
    seed.tag(bob, "seen")
    pack(shared, "crate")

    unpack("crate", *as_owner, "--merge")

    after = owned(target_server)
    wanted = names_of(target_server, alice=1, bob=1)
    assert after["Project"] == after["Dataset"] == after["TagAnnotation"] == wanted


@pytest.mark.sandbox
def test_sessions_of_owners_that_end_are_opened_again(
    pack: Line,
    unpack: Line,
    source_server: Server,
    target_server: Server,
    shared: str,
    as_owner: tuple[str, ...],
) -> None:
    target_server.settle(*PEOPLE)
    sandbox = target_server.sandbox
    assert sandbox is not None
    pack(shared, "crate")

    def end(_current: Any) -> None:
        for one in sandbox.sessions.live():
            if one.sudoer_id is not None:
                sandbox.sessions.remove(one)

    sandbox.faults.add("ImportProcess.verifyUpload", end)
    summary = unpack("crate", *as_owner, "--json").summary

    assert summary["failed"] == 0
    assert owned(target_server) == owned(source_server)


def test_two_who_become_one_have_everything_once(
    pack: Line, unpack: Line, target_server: Server, shared: str, home: Path, as_owner: tuple[str, ...]
) -> None:
    [alice] = target_server.settle("alice")
    pack(shared, "crate")
    bob, carol = map(target_server.name, ("bob", "carol"))
    (home / "people.tsv").write_text(f"{bob}\t{alice}\n{carol}\t{alice}\n")

    summary = unpack("crate", *as_owner, "--user-map", "people.tsv", "--json", exit_code=3).summary

    assert [(one["type"], one["count"]) for one in summary["omissions"]] == [("RenderingDef", 2)]
    after = owned(target_server)
    assert after["RenderingDef"] == names_of(target_server, alice=2)
    # of the three links on each image, two were the same tag by both
    assert after["ImageAnnotationLink"] == names_of(target_server, alice=6)


def test_the_same_link_of_several_people_stays_several(
    run_line: CommandLine,
    unpack: Line,
    source_server: Server,
    target_server: Server,
    tmp_path: Path,
    as_owner: tuple[str, ...],
) -> None:
    logins, editors = source_server.settle("alice", "bob", group="editors"), source_server.group("editors")
    target_server.settle("alice", "bob")
    alice, bob = (source_server.client(name, group=editors) for name in logins)
    project, dataset = seed.create(alice, "Project", "P"), seed.create(bob, "Dataset", "D")
    made = real_input.same_names(tmp_path / "in")
    image = seed.reference("Image", seed.import_fileset(alice, made.folder, made.files, dataset).images[0])
    for client in (alice, bob):
        seed.link(client, project, dataset)
    seed.link(bob, dataset, image)
    run_line("pack", f"Project:{project.id.val}", "crate", *source_server.login("root"))

    unpack("crate", *as_owner)

    after, wanted = owned(target_server), names_of(target_server, alice=1, bob=1)
    assert after == owned(source_server, "editors")
    assert after["ProjectDatasetLink"] == after["DatasetImageLink"] == wanted


@pytest.mark.sandbox
def test_images_that_are_imported_together_have_one_owner_and_the_others_are_counted(
    pack: Line,
    unpack: Line,
    source_server: Server,
    target_server: Server,
    tmp_path: Path,
    as_owner: tuple[str, ...],
) -> None:
    assert source_server.sandbox is not None, "gives away one image of a fileset, as only an old server could"
    alice, bob_login = source_server.settle("alice", "bob")
    target_server.settle("alice", "bob")
    made = real_input.multi_series(tmp_path / "in")
    images = seed.import_fileset(source_server.client(alice), made.folder, made.files).images
    store = source_server.sandbox.store
    last, bob = store.get("Image", images[-1]), store.lookup("Experimenter", "omeName", bob_login)
    assert last is not None
    assert bob is not None
    store.update(last, {}, owner=bob.id)
    pack(f"Image:{images[0]}", "crate")

    summary = unpack("crate", *as_owner, "--json", exit_code=3).summary

    assert ("Image.owner", 1) in [(one["type"], one["count"]) for one in summary["omissions"]]
    assert owned(target_server)["Image"] == names_of(target_server, alice=len(images))


def test_a_container_of_who_unpacks_takes_the_images_of_all(
    pack: Line, unpack: Line, target_server: Server, shared: str, as_owner: tuple[str, ...]
) -> None:
    target_server.settle(*PEOPLE)
    pack(shared, "crate")

    unpack("crate", *as_owner, "--target", "Dataset:name:All", exit_code=None)

    after = owned(target_server)
    assert (after["Project"], after["Dataset"]) == (Counter(), Counter(root=1))
    assert after["Image"] == after["DatasetImageLink"] == names_of(target_server, alice=1, bob=1)


def test_a_private_group_takes_nothing_into_a_container_of_another(
    pack: Line, unpack: Line, source_server: Server, target_server: Server, tmp_path: Path
) -> None:
    [login] = source_server.settle("alice")
    target_server.settle("alice", group="private")
    private, as_owner = target_server.group("private"), as_owner_in(target_server, "private")
    made = real_input.same_names(tmp_path / "in")
    image = seed.import_fileset(source_server.client(login), made.folder, made.files).images[0]
    dataset = seed.create(target_server.client(login, group=private), "Dataset", "hers")
    pack(f"Image:{image}", "crate")

    to_all = ("-T", "Dataset:name:All")
    told = refused(unpack, target_server, *as_owner, *to_all, exit_code=7, group="private")
    unpack("crate", *as_owner, "-T", f"Dataset:{dataset.id.val}")

    assert f"in the private group {private}" in told
    assert owned(target_server, "private")["DatasetImageLink"] == names_of(target_server, alice=1)


def test_what_has_no_known_owner_belongs_to_who_unpacks(
    unpack: Line, target_server: Server, home: Path, as_owner: tuple[str, ...]
) -> None:
    packs.write_pack(home / "pack", packs.current_xml(), "transfer.xml")

    unpack("pack", *as_owner)

    after = owned(target_server)
    assert after["Image"] == Counter(root=4)
    assert {login for counts in after.values() for login in counts} == {"root"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("bob robert\n", "line 1: these are not two columns"),
        ("bob\trobert\nbob\tcarol\n", "line 2: bob stands there with another login"),
        ("bob\trobert\tcarol\n", "line 1: these are not two columns"),
        ("\trobert\n", "line 1: these are not two columns"),
    ],
)
def test_a_map_that_is_none_is_refused(content: str, reason: str, run_line: CommandLine, home: Path) -> None:
    (home / "people.tsv").write_text(content)

    told = run_line("unpack", "crate", "--as-owner", "--user-map", "people.tsv", exit_code=2)

    assert reason in told.stderr


def test_a_map_needs_the_option_and_a_file(run_line: CommandLine, home: Path) -> None:
    (home / "people.tsv").write_text("bob\trobert\n")
    assert "Add --as-owner" in run_line("unpack", "crate", "--user-map", "people.tsv", exit_code=2).stderr
    assert (
        "No such file"
        in run_line("unpack", "crate", "--as-owner", "--user-map", "nobody.tsv", exit_code=5).stderr
    )
