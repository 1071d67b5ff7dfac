"""The ``omero`` command line runs unchanged against the sandbox."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omero_sandbox.testing import seed
from support.clients import Omero, Seeded


def made(output: str) -> tuple[str, int]:
    """Type and id in an output such as ``Dataset:5``."""
    kind, _, number = output.strip().rpartition("\n")[2].partition(":")
    return kind, int(number)


def test_login_is_remembered_for_the_next_command(omero_command: Omero, seeded: Seeded) -> None:
    omero_command("login")
    assert "alice" in omero_command("sessions", "list", user=None)
    name = omero_command("obj", "get", f"Project:{seeded.world.project}", "name", user=None)
    assert name.strip() == "Mitosis 2021"
    omero_command("logout", user=None)


def test_wrong_password_is_refused(omero_command: Omero, seeded: Seeded) -> None:
    server = ["-s", f"tcp://{seeded.server.host}", "-p", str(seeded.server.port)]
    # The command would ask again, but tests have no terminal.
    omero_command("login", *server, "-u", "alice", "-w", "no", user=None, code=556)


def test_hql_prints_a_table(omero_command: Omero, seeded: Seeded) -> None:
    words = ["hql", "-q", "--style", "csv", "select p.name, p.id from Project p"]
    assert f"Mitosis 2021,{seeded.world.project}" in omero_command(*words)


def test_objects_are_made_read_changed_and_listed(omero_command: Omero) -> None:
    kind, number = made(omero_command("obj", "new", "Dataset", "name=made by obj"))
    assert kind == "Dataset"
    assert omero_command("obj", "get", f"Dataset:{number}", "name").strip() == "made by obj"
    omero_command("obj", "update", f"Dataset:{number}", "description=changed")
    assert omero_command("obj", "get", f"Dataset:{number}", "description").strip() == "changed"


def test_map_annotation_grows_by_obj(omero_command: Omero) -> None:
    _, number = made(omero_command("obj", "new", "MapAnnotation", "ns=test"))
    omero_command("obj", "map-set", f"MapAnnotation:{number}", "mapValue", "key", "value")
    assert "value" in omero_command("obj", "map-get", f"MapAnnotation:{number}", "mapValue", "key")


def test_download_gives_the_original_bytes(omero_command: Omero, seeded: Seeded, tmp_path: Path) -> None:
    image = seeded.world.imports["same_names"].images[0]
    omero_command("download", f"Image:{image}", str(tmp_path / "got"))
    source = seeded.inputs / "same_names"
    got = {path.relative_to(tmp_path / "got"): path.read_bytes() for path in _files(tmp_path / "got")}
    assert got == {path.relative_to(source): path.read_bytes() for path in _files(source)}


def test_download_of_a_plate_is_restricted(omero_command: Omero, seeded: Seeded, tmp_path: Path) -> None:
    image = seeded.world.imports["plate"].images[0]
    omero_command("download", f"Image:{image}", str(tmp_path / "got"), code=66)


def test_users_and_groups_are_listed_and_added(omero_command: Omero) -> None:
    omero_command("group", "add", "new lab", "--type", "read-annotate", user="root")
    omero_command("user", "add", "dan", "Dan", "New", "--group-name", "new lab", "-P", "secret", user="root")
    assert "new lab" in omero_command("group", "list", user="root")
    users = omero_command("user", "list", user="root")
    assert "dan" in users
    assert "alice" in users


def test_delete_removes_and_reports(omero_command: Omero, alice: Any) -> None:
    dataset = seed.create(alice, "Dataset", "to delete")
    report = omero_command("delete", f"Dataset:{dataset.id.val}", "--report")
    assert f"Dataset:{dataset.id.val}" in report
    assert alice.sf.getQueryService().find("Dataset", dataset.id.val) is None


def test_delete_of_a_range_is_a_dry_run(omero_command: Omero, alice: Any) -> None:
    numbers = [seed.create(alice, "Dataset", "kept").id.val for _ in range(2)]
    assert "Dry run" in omero_command("delete", f"Dataset:{numbers[0]}-{numbers[1]}")
    assert alice.sf.getQueryService().find("Dataset", numbers[0]) is not None


def test_chown_and_chgrp_change_owner_and_group(
    omero_command: Omero, alice: Any, login: Callable[..., Any], seeded: Seeded
) -> None:
    number = seed.create(alice, "Dataset", "to give").id.val
    omero_command("chown", str(seeded.people.users["bob"]), f"Dataset:{number}", user="root")
    root = login("root", "omero")
    other = seed.group(root, f"group for {number}")
    omero_command("chgrp", str(other), f"Dataset:{number}", user="root")
    everywhere = {"omero.group": "-1"}
    found = root.sf.getQueryService().get("Dataset", number, everywhere)
    assert found.details.owner.id.val == seeded.people.users["bob"]
    assert found.details.group.id.val == other


def test_attached_file_is_downloaded(omero_command: Omero, alice: Any, tmp_path: Path) -> None:
    source = tmp_path / "notes.txt"
    source.write_text("some notes\n")
    annotation = seed.attachment(alice, source, "text/plain").id.val
    omero_command("download", f"FileAnnotation:{annotation}", str(tmp_path / "back.txt"))
    assert (tmp_path / "back.txt").read_bytes() == source.read_bytes()


def test_disk_usage_counts_the_files_of_an_image(omero_command: Omero, seeded: Seeded) -> None:
    source = seeded.inputs / "multi_file"
    size = sum(path.stat().st_size for path in _files(source))
    image = seeded.world.imports["multi_file"].images[0]
    total = int(omero_command("fs", "usage", f"Image:{image}", "--size-only").strip())
    # The import log and the thumbnail count too.
    assert size < total < size + 10_000


def test_filesets_are_listed_with_their_sizes(omero_command: Omero, seeded: Seeded) -> None:
    table = omero_command("fs", "sets", "--style", "csv", user="root")
    rows = {int(row[1]): row for row in csv.reader(table.splitlines()[1:])}
    assert rows[seeded.world.imports["multi_series"].fileset][3:5] == ["3", "1"]


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
