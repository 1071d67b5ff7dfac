"""Everything comes back to those who owned it, where an administrator unpacks with ``--as-owner``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import omero.model as om
import pytest

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


#: What the repository makes for itself.
OF_THE_SERVER = {"Directory", "Repository", "application/omero-log-file"}


def settle(server: Server, *names: str, permissions: str = "rwra--") -> None:
    """Make the group lab with some members."""
    root = server.client()
    lab = seed.group(root, "lab", permissions)
    for name in names:
        seed.user(root, name, "pw", [lab])


def owned(server: Server) -> dict[str, Counter[str]]:
    """Return how many objects of each class everybody has."""
    if server.sandbox is None:
        pytest.skip("looks into the store of a sandbox")
    store = server.sandbox.store
    logins = {row.id: row.values["omeName"] for row in store.rows("Experimenter")}
    found = {}
    for kind in OWNED:
        rows = [row for row in store.rows(kind) if row.get("mimetype") not in OF_THE_SERVER]
        found[kind] = Counter(logins[row.owner or 0] for row in rows)
    return found


def look_at(client: Any, image: int) -> None:
    """Give the user of a client rendering settings for an image."""
    client.sf.getRenderingSettingsService().resetDefaultsInSet("Image", [image])


@pytest.fixture
def shared(source_server: Server, tmp_path: Path) -> str:
    """Give a project of two people, on the source: one tag of one of them is on images of both."""
    settle(source_server, "alice", "bob", "carol")
    alice, bob, carol = (source_server.client(name, "pw") for name in ("alice", "bob", "carol"))
    root = source_server.client("root", group="lab")
    project = seed.create(alice, "Project", "P")
    tag = seed.tag(bob, "seen")
    for client in (alice, bob):
        dataset = seed.create(client, "Dataset", "D")
        seed.link(root, project, dataset)
        name = client.sf.getAdminService().getEventContext().userName
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


def refused(unpack: Line, server: Server, *arguments: str, exit_code: int) -> str:
    """Unpack what is refused before anything is written; return the reason."""
    before = owned(server)
    told = unpack("crate", *arguments, exit_code=exit_code)
    assert owned(server) == before
    [sentence] = told.sentences
    return str(sentence)


AS_OWNER = ("--as-owner", "-g", "lab", "--metadata", "none")


@pytest.mark.parametrize(("permissions", "pixels"), [("rwra--", "original"), ("rwr---", "zarr")])
def test_everything_comes_back_to_its_owner(
    permissions: str,
    pixels: str,
    pack: Line,
    unpack: Line,
    source_server: Server,
    target_server: Server,
    shared: str,
    run_line: CommandLine,
) -> None:
    """In a group where members only read, the administrator may still annotate for them."""
    settle(target_server, "carol", "bob", "alice", permissions=permissions)
    before = owned(source_server)
    assert len(before["RenderingDef"]) == len(before["ImageAnnotationLink"]) == 3
    pack(shared, "crate", "--pixels", pixels)

    unpack("crate", *AS_OWNER)

    after = owned(target_server)
    if pixels == "zarr":
        for found in (before, after):
            del found["Fileset"], found["OriginalFile"]
    assert after == before
    verified = run_line("verify", "crate", "--server", *target_server.login())
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
    pack: Line, unpack: Line, target_server: Server, shared: str, reads: Counter[str]
) -> None:
    settle(target_server, "alice", "bob", "carol")
    pack(shared, "crate", "--json")
    reads.clear()

    unpack("--as-owner", "-g", "lab", "crate", "--json")

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
    settle(target_server, "alice", "bob", "carol")
    monkeypatch.setenv("OMERO_TRANSFER_TO_PASSWORD", PASSWORD)
    to = ["--to-server", target_server.host, "--to-port", target_server.port, "--to-group", "lab"]

    CommandLine(capsys, source_server.login())("copy", shared, "--as-owner", *to)

    assert set(reads.values()) == {1}
    assert sum(ref.startswith("Fileset:") for ref in reads) == 2


def test_no_session_of_others_is_left_and_the_same_command_again_does_nothing(
    pack: Line, unpack: Line, target_server: Server, shared: str
) -> None:
    settle(target_server, "alice", "bob", "carol")
    pack(shared, "crate")
    unpack("crate", *AS_OWNER)
    there = owned(target_server)
    assert target_server.sandbox is not None
    target_server.sandbox.calls.clear()

    again = unpack("crate", *AS_OWNER, "--json").summary

    assert (again["skipped"], again["done"]) == (again["planned"], 0)
    assert owned(target_server) == there
    assert target_server.sandbox.calls["ISession.createSessionWithTimeouts"] == 0
    assert [one for one in target_server.sandbox.sessions.live() if one.sudoer_id is not None] == []


def test_everybody_who_is_missing_is_named_before_anything_is_written(
    pack: Line, unpack: Line, target_server: Server, shared: str
) -> None:
    settle(target_server, "alice")
    pack(shared, "crate")

    told = refused(unpack, target_server, *AS_OWNER, exit_code=5)
    dry = refused(unpack, target_server, "--dry-run", *AS_OWNER, exit_code=5)

    assert dry == told
    assert "bob is not on the target; carol is not on the target" in told
    assert "--user-map" in told


def test_everybody_outside_the_group_is_named_before_anything_is_written(
    pack: Line, unpack: Line, target_server: Server, shared: str
) -> None:
    settle(target_server, "alice")
    root = target_server.client()
    other = seed.group(root, "other")
    for name in ("bob", "carol"):
        seed.user(root, name, "pw", [other])
    pack(shared, "crate")

    told = refused(unpack, target_server, *AS_OWNER, exit_code=7)

    assert "bob is no member of group lab; carol is no member of group lab" in told


def test_those_who_cannot_log_in_are_named_before_anything_is_written(
    pack: Line, unpack: Line, target_server: Server, shared: str
) -> None:
    settle(target_server, "alice", "bob", "carol")
    admin = target_server.client().sf.getAdminService()
    everybody = om.ExperimenterGroupI(admin.getSecurityRoles().userGroupId, False)
    admin.removeGroups(admin.lookupExperimenter("bob"), [everybody])
    pack(shared, "crate")

    assert "bob is not active" in refused(unpack, target_server, *AS_OWNER, exit_code=7)


def test_a_map_names_others_and_who_unpacks(
    pack: Line, unpack: Line, source_server: Server, target_server: Server, shared: str, home: Path
) -> None:
    settle(target_server, "alice", "robert")
    pack(shared, "crate")
    (home / "people.tsv").write_text("# who is who\nbob\trobert\n\ncarol\t-\n")

    unpack("crate", *AS_OWNER, "--user-map", "people.tsv")

    names = {"bob": "robert", "carol": "root"}
    for kind, before in owned(source_server).items():
        expected: Counter[str] = Counter()
        for login, count in before.items():
            expected[names.get(login, login)] += count
        assert owned(target_server)[kind] == expected, kind


def light_admin(server: Server, *lacking: str) -> list[str]:
    """Make an administrator who lacks some privileges; return how they log in."""
    admin = server.client().sf.getAdminService()
    roles = admin.getSecurityRoles()
    user = seed.user(server.client(), "light", "pw", [roles.systemGroupId])
    held = server.client().sf.getTypesService().allEnumerations("AdminPrivilege")
    kept = [one for one in held if one.value.val not in lacking]
    admin.setAdminPrivileges(om.ExperimenterI(user, False), kept)
    return server.login("light", "pw")


def test_only_administrators_with_the_privileges_may(
    pack: Line, run_line: CommandLine, target_server: Server, shared: str
) -> None:
    settle(target_server, "alice", "bob", "carol")
    pack(shared, "crate")
    light = light_admin(target_server, "Sudo", "DeleteFile")
    before = owned(target_server)

    as_light = run_line("unpack", "crate", *AS_OWNER, *light, exit_code=7)
    as_alice = run_line("unpack", "crate", *AS_OWNER, *target_server.login("alice", "pw"), exit_code=7)

    assert "lacks the privileges Sudo, DeleteFile." in as_light.stderr
    assert "alice is no administrator" in as_alice.stderr
    assert owned(target_server) == before


def test_light_administrators_with_the_privileges_may(
    pack: Line, run_line: CommandLine, source_server: Server, target_server: Server, shared: str
) -> None:
    settle(target_server, "alice", "bob", "carol")
    pack(shared, "crate")
    light = light_admin(target_server, "Chown", "Chgrp", "ModifyUser", "ModifyGroup", "ReadSession")

    run_line("unpack", "crate", *AS_OWNER, *light)

    assert owned(target_server)["Image"] == owned(source_server)["Image"] == Counter(alice=1, bob=1)


def test_settings_of_those_who_are_not_there_are_counted(
    pack: Line, unpack: Line, source_server: Server, target_server: Server, tmp_path: Path
) -> None:
    settle(source_server, "alice", "dora")
    settle(target_server, "alice")
    alice = source_server.client("alice", "pw")
    made = real_input.same_names(tmp_path / "in")
    image = seed.import_fileset(alice, made.folder, made.files).images[0]
    look_at(source_server.client("dora", "pw"), image)
    pack(f"Image:{image}", "crate")

    summary = unpack("crate", *AS_OWNER, "--json", exit_code=3).summary

    assert [(one["type"], one["count"]) for one in summary["omissions"]] == [("RenderingDef", 1)]
    assert "dora is not on the target" in summary["omissions"][0]["reason"]
    assert owned(target_server)["RenderingDef"] == Counter(alice=1)


def test_without_the_option_all_of_it_belongs_to_who_unpacks_and_the_loss_names_it(
    pack: Line, unpack: Line, target_server: Server, shared: str
) -> None:
    pack(shared, "crate")

    summary = unpack("crate", "--json", exit_code=3).summary

    assert {login for counts in owned(target_server).values() for login in counts} == {"root"}
    lost = {one["type"]: one["reason"] for one in summary["omissions"]}
    assert lost.keys() == {"RenderingDef", "AnnotationLink"}
    assert all("--as-owner" in reason for reason in lost.values())


def test_a_private_group_takes_what_is_of_one_owner_only(
    pack: Line, unpack: Line, source_server: Server, target_server: Server, shared: str, tmp_path: Path
) -> None:
    settle(target_server, "alice", "bob", "carol", permissions="rw----")
    pack(shared, "crate")
    told = refused(unpack, target_server, *AS_OWNER, exit_code=7)
    assert "in the private group lab (rw----) nobody can link to data of others" in told

    alice = source_server.client("alice", "pw")
    made = real_input.same_names(tmp_path / "own")
    image = seed.import_fileset(alice, made.folder, made.files).images[0]
    seed.link(alice, seed.reference("Image", image), seed.comment(alice, "mine"))
    look_at(source_server.client("bob", "pw"), image)
    pack(f"Image:{image}", "own")
    summary = unpack("own", *AS_OWNER, "--json", exit_code=3).summary

    assert [(one["type"], one["count"]) for one in summary["omissions"]] == [("RenderingDef", 1)]
    assert {login for counts in owned(target_server).values() for login in counts} == {"alice"}


def test_administrator_takes_back_what_is_of_others(
    pack: Line, unpack: Line, run_line: CommandLine, target_server: Server, shared: str
) -> None:
    settle(target_server, "alice", "bob", "carol")
    before = owned(target_server)
    pack(shared, "crate")
    unpack("crate", *AS_OWNER)
    runs = run_line("status", "--json").lines[0]["runs"]
    run = next(one["run"] for one in runs if one["command"] == "unpack")

    run_line("undo", run, "--force", *target_server.login())

    assert owned(target_server) == before


def test_merge_uses_what_the_owner_has(pack: Line, unpack: Line, target_server: Server, shared: str) -> None:
    settle(target_server, "alice", "bob", "carol")
    alice, bob = (target_server.client(name, "pw") for name in ("alice", "bob"))
    seed.create(bob, "Project", "P")
    project = seed.create(alice, "Project", "P")
    seed.link(alice, project, seed.create(alice, "Dataset", "D"))
    seed.tag(alice, "seen")
    seed.tag(bob, "seen")
    pack(shared, "crate")

    unpack("crate", *AS_OWNER, "--merge")

    after = owned(target_server)
    assert after["Project"] == Counter(alice=1, bob=1)
    assert after["Dataset"] == Counter(alice=1, bob=1)
    assert after["TagAnnotation"] == Counter(alice=1, bob=1)


def test_sessions_of_owners_that_end_are_opened_again(
    pack: Line, unpack: Line, source_server: Server, target_server: Server, shared: str
) -> None:
    settle(target_server, "alice", "bob", "carol")
    sandbox = target_server.sandbox
    assert sandbox is not None
    pack(shared, "crate")

    def end(_current: Any) -> None:
        for one in sandbox.sessions.live():
            if one.sudoer_id is not None:
                sandbox.sessions.remove(one)

    sandbox.faults.add("ImportProcess.verifyUpload", end)
    summary = unpack("crate", *AS_OWNER, "--json").summary

    assert summary["failed"] == 0
    assert owned(target_server) == owned(source_server)


def test_two_who_become_one_have_everything_once(
    pack: Line, unpack: Line, target_server: Server, shared: str, home: Path
) -> None:
    settle(target_server, "alice")
    pack(shared, "crate")
    (home / "people.tsv").write_text("bob\talice\ncarol\talice\n")

    summary = unpack("crate", *AS_OWNER, "--user-map", "people.tsv", "--json", exit_code=3).summary

    assert [(one["type"], one["count"]) for one in summary["omissions"]] == [("RenderingDef", 2)]
    after = owned(target_server)
    assert after["RenderingDef"] == Counter(alice=2)
    # of the three links on each image, two were the same tag by both
    assert after["ImageAnnotationLink"] == Counter(alice=6)


def test_the_same_link_of_several_people_stays_several(
    pack: Line, unpack: Line, source_server: Server, target_server: Server, tmp_path: Path
) -> None:
    settle(source_server, "alice", "bob", permissions="rwrw--")
    settle(target_server, "alice", "bob")
    alice, bob = (source_server.client(name, "pw") for name in ("alice", "bob"))
    project, dataset = seed.create(alice, "Project", "P"), seed.create(bob, "Dataset", "D")
    made = real_input.same_names(tmp_path / "in")
    image = seed.reference("Image", seed.import_fileset(alice, made.folder, made.files, dataset).images[0])
    for client in (alice, bob):
        seed.link(client, project, dataset)
    seed.link(bob, dataset, image)
    pack(f"Project:{project.id.val}", "crate")

    unpack("crate", *AS_OWNER)

    after = owned(target_server)
    assert after == owned(source_server)
    assert after["ProjectDatasetLink"] == after["DatasetImageLink"] == Counter(alice=1, bob=1)


def test_images_that_are_imported_together_have_one_owner_and_the_others_are_counted(
    pack: Line, unpack: Line, source_server: Server, target_server: Server, tmp_path: Path
) -> None:
    settle(source_server, "alice", "bob")
    settle(target_server, "alice", "bob")
    made = real_input.multi_series(tmp_path / "in")
    images = seed.import_fileset(source_server.client("alice", "pw"), made.folder, made.files).images
    if source_server.sandbox is None:
        pytest.skip("gives away one image of a fileset, as only an old server could")
    store = source_server.sandbox.store
    last, bob = store.get("Image", images[-1]), store.lookup("Experimenter", "omeName", "bob")
    assert last is not None
    assert bob is not None
    store.update(last, {}, owner=bob.id)
    pack(f"Image:{images[0]}", "crate")

    summary = unpack("crate", *AS_OWNER, "--json", exit_code=3).summary

    assert ("Image.owner", 1) in [(one["type"], one["count"]) for one in summary["omissions"]]
    assert owned(target_server)["Image"] == Counter(alice=len(images))


def test_a_container_of_who_unpacks_takes_the_images_of_all(
    pack: Line, unpack: Line, target_server: Server, shared: str
) -> None:
    settle(target_server, "alice", "bob", "carol")
    pack(shared, "crate")

    unpack("crate", *AS_OWNER, "--target", "Dataset:name:All", exit_code=None)

    after = owned(target_server)
    assert (after["Project"], after["Dataset"]) == (Counter(), Counter(root=1))
    assert after["Image"] == after["DatasetImageLink"] == Counter(alice=1, bob=1)


def test_a_private_group_takes_nothing_into_a_container_of_another(
    pack: Line, unpack: Line, source_server: Server, target_server: Server, tmp_path: Path
) -> None:
    settle(source_server, "alice")
    settle(target_server, "alice", permissions="rw----")
    made = real_input.same_names(tmp_path / "in")
    image = seed.import_fileset(source_server.client("alice", "pw"), made.folder, made.files).images[0]
    dataset = seed.create(target_server.client("alice", "pw"), "Dataset", "hers")
    pack(f"Image:{image}", "crate")

    told = refused(unpack, target_server, *AS_OWNER, "-T", "Dataset:name:All", exit_code=7)
    unpack("crate", *AS_OWNER, "-T", f"Dataset:{dataset.id.val}")

    assert "in the private group lab" in told
    assert owned(target_server)["DatasetImageLink"] == Counter(alice=1)


def test_what_has_no_known_owner_belongs_to_who_unpacks(
    unpack: Line, target_server: Server, home: Path
) -> None:
    settle(target_server)
    packs.write_pack(home / "pack", packs.current_xml(), "transfer.xml")

    unpack("pack", *AS_OWNER)

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
