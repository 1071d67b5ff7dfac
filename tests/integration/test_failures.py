"""Each way to fail has one sentence, one exit code, no traceback, and leaves nothing half-written."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from omero_sandbox.testing import real_input, seed
from tests.command_line import CommandLine, Result, idmap_of
from tests.integration.conftest import Server
from tests.support.servers import NO_ID

Line = Callable[..., Any]


@pytest.fixture
def image(source_server: Server, tmp_path: Path) -> int:
    """Give an image on the source."""
    made = real_input.same_names(tmp_path / "in")
    return seed.import_fileset(source_server.client(), made.folder, made.files).images[0]


@pytest.fixture
def crate(pack: Line, image: int, home: Path) -> Path:
    """Give a crate."""
    pack(f"Image:{image}", "crate")
    return home / "crate"


def only(result: Result) -> str:
    """Return the one sentence that says why."""
    assert result.stdout == ""
    (sentence,) = result.sentences
    return sentence


def count_images(server: Server) -> int:
    return len(server.client().sf.getQueryService().findAll("Image", None))


def test_wrong_password(run_line: CommandLine, source_server: Server, home: Path) -> None:
    result = run_line("pack", "Image:1", "crate", *source_server.login(password="not-that"), exit_code=6)

    assert f"Password check failed for '{source_server.user}'" in only(result)
    assert "not-that" not in result.stderr
    assert not (home / "crate").exists()


def test_dead_session_key(run_line: CommandLine, source_server: Server) -> None:
    login = [*source_server.login()[:4], "-k", "00000000-0000-0000-0000-000000000000"]

    assert "Bad session key" in only(run_line("pack", "Image:1", "crate", *login, exit_code=6))


def test_nobody_listens(run_line: CommandLine) -> None:
    login = ["-s", "tcp://127.0.0.1", "-p", "1", "-u", "root", "-w", "x"]

    assert "127.0.0.1:1" in only(run_line("pack", "Image:1", "crate", *login, exit_code=6))


def test_unknown_object(pack: Line, home: Path) -> None:
    assert f"Image:{NO_ID}" in only(pack(f"Image:{NO_ID}", "crate.zip", exit_code=5))
    assert list(home.iterdir()) == [home / "omero"]


def test_one_unknown_object_of_several(pack: Line, image: int, home: Path) -> None:
    missing = f"Dataset:{NO_ID}"
    assert missing in only(pack(f"Image:{image}", missing, "crate", exit_code=5))
    assert not (home / "crate").exists()


def test_object_of_another_group(
    run_line: CommandLine, source_server: Server, image: int, home: Path
) -> None:
    [stranger] = source_server.settle("stranger", group="private")

    result = run_line("pack", f"Image:{image}", "crate", *source_server.login(stranger), exit_code=5)

    assert f"Image:{image}" in only(result)
    assert not (home / "crate").exists()


@pytest.mark.parametrize("name", ["crate", "crate.zip", "crate.tar"])
def test_existing_target(name: str, pack: Line, home: Path) -> None:
    (home / name).write_text("mine", "utf-8")

    assert f"{name} exists already" in only(pack("Image:1", name, exit_code=7))
    assert (home / name).read_text("utf-8") == "mine"


def test_existing_folder_is_not_written_into(pack: Line, image: int, home: Path) -> None:
    (home / "crate").mkdir()
    (home / "crate" / "mine").touch()

    only(pack(f"Image:{image}", "crate", exit_code=7))

    assert [path.name for path in (home / "crate").iterdir()] == ["mine"]


def test_folder_of_the_target_is_missing(pack: Line, image: int, home: Path) -> None:
    assert "no/such" in only(pack(f"Image:{image}", "no/such/crate.zip", exit_code=5))
    assert not (home / "no").exists()


@pytest.mark.parametrize("name", ["crate", "crate.zip", "crate.tar"])
def test_missing_crate(name: str, unpack: Line) -> None:
    assert name in only(unpack(name, exit_code=5))


def test_folder_that_is_no_crate(unpack: Line, home: Path) -> None:
    (home / "crate").mkdir()
    (home / "crate" / "image.tif").touch()

    assert "crate is not valid" in only(unpack("crate", exit_code=8))


def test_damaged_file(unpack: Line, crate: Path, target_server: Server, home: Path) -> None:
    before = count_images(target_server)
    victim = max((path for path in crate.iterdir() if path.suffix == ".tif"), key=lambda path: path.name)
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)

    sentence = only(unpack("crate", exit_code=4))

    assert victim.name in sentence or "pos" in sentence
    assert "SHA256" in sentence
    assert count_images(target_server) == before
    assert not idmap_of(home).exists()


def test_truncated_file(unpack: Line, crate: Path, target_server: Server) -> None:
    before = count_images(target_server)
    victim = next(path for path in crate.iterdir() if path.suffix == ".tif")
    os.truncate(victim, victim.stat().st_size - 1)

    assert ".tif" in only(unpack("crate", exit_code=None))
    assert count_images(target_server) == before


def test_damaged_document(unpack: Line, crate: Path, target_server: Server) -> None:
    before = count_images(target_server)
    victim = next(path for path in crate.iterdir() if path.name.startswith("fs") and path.suffix == ".xml")
    victim.write_bytes(victim.read_bytes().replace(b"<", b"(", 1))

    result = unpack("crate", exit_code=None)

    assert result.exit_code in {4, 8}
    assert victim.name in only(result)
    assert count_images(target_server) == before


def test_changed_metadata(unpack: Line, crate: Path) -> None:
    (crate / "ro-crate-metadata.json").write_text("{", "utf-8")

    assert "ro-crate-metadata.json: SHA256 is" in only(unpack("crate", exit_code=4))


def test_metadata_that_are_no_json(unpack: Line, crate: Path) -> None:
    metadata, manifest = crate / "ro-crate-metadata.json", crate / "manifest-sha256.txt"
    before = sha256(metadata.read_bytes()).hexdigest()
    metadata.write_text("{", "utf-8")
    manifest.write_text(manifest.read_text("utf-8").replace(before, sha256(b"{").hexdigest()), "utf-8")

    assert "ro-crate-metadata.json is no valid JSON" in only(unpack("crate", exit_code=8))


def test_crate_that_was_not_completed(unpack: Line, crate: Path) -> None:
    (crate / "ro-crate-metadata.json").unlink()

    assert "ro-crate-metadata.json" in only(unpack("crate", exit_code=8))


def test_cut_archive(pack: Line, unpack: Line, image: int, home: Path, target_server: Server) -> None:
    before = count_images(target_server)
    pack(f"Image:{image}", "crate.zip")
    archive = home / "crate.zip"
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size * 2 // 3])

    only(unpack("crate.zip", exit_code=8))

    assert count_images(target_server) == before


def test_target_container_that_is_not_there(unpack: Line, crate: Path, target_server: Server) -> None:
    before = count_images(target_server)

    assert f"Dataset:{NO_ID}" in only(unpack("crate", "-T", f"Dataset:{NO_ID}", exit_code=5))
    assert count_images(target_server) == before


@pytest.mark.parametrize("form", ["crate", "crate.zip", "crate.tar"])
def test_full_disk(form: str, source_server: Server, tmp_path: Path, home: Path) -> None:
    """A limit on the size of files stands for a full disk: it needs no rights, and writing fails as late."""
    big = tmp_path / "big"
    big.mkdir()
    name = "big&sizeX=64&sizeY=64.fake"
    (big / name).write_bytes(os.urandom(3_000_000))
    image = seed.import_fileset(source_server.client(), big, [name]).images[0]
    command = ["pack", f"Image:{image}", form, "--json", *source_server.login()]

    result = run_module(home, command, preexec_fn=partial(limit_files, 1_000_000))

    summary = json.loads(result.stdout.splitlines()[-1])
    assert (result.returncode, summary["exit_code"]) == (9, 9)
    assert summary["error"]["id"] == "stopped"
    assert "Traceback" not in result.stderr
    assert [path.name for path in home.iterdir()] == ["omero"]


@pytest.mark.parametrize(("room", "place"), [(10, "{tmp}/omero-transfer-"), (100, "{home}/omero: ")])
def test_no_room_for_the_session(room: int, place: str, source_server: Server, home: Path) -> None:
    """OMERO reads settings from a file, and keeps a session in one: it tells in words only that it cannot."""
    command = ["pack", "Image:1", "crate", "--json", *source_server.login()]

    result = run_module(home, command, preexec_fn=partial(limit_files, room))

    summary = json.loads(result.stdout.splitlines()[-1])
    assert (result.returncode, summary["error"]["id"]) == (9, "stopped"), result.stderr
    assert place.format(tmp=tempfile.gettempdir(), home=home) in summary["error"]["text"]
    assert "no space left" in summary["error"]["text"]
    assert "Traceback" not in result.stderr
    assert "Logging error" not in result.stderr


def limit_files(size_bytes: int) -> None:
    """Let this process write no file longer than that."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


def run_module(home: Path, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run ``python -m omero_rocrate_transfer`` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "omero_rocrate_transfer", *command],
        cwd=home,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **options,
    )


@pytest.mark.parametrize(("target", "code"), [(f"Dataset:{NO_ID}", 5), ("Foo:1", 2)])
@pytest.mark.parametrize("dry", [("--dry-run",), ()])
def test_target_that_cannot_be_is_told_before_the_crate_is_read(
    target: str, code: int, dry: tuple[str, ...], pack: Line, unpack: Line, image: int
) -> None:
    pack(f"Image:{image}", "crate")

    result = unpack("crate", "--target", target, *dry, exit_code=code)

    assert len(result.sentences) == 1
    assert "Checking" not in result.stderr
