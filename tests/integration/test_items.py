"""One item that fails leaves the others alone; a lost connection ends the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import omero
import pytest

from omero_sandbox.testing import real_input, seed
from tests.command_line import idmap_of
from tests.integration.conftest import Server
from tests.rocrate_validator import assert_valid

Line = Callable[..., Any]
#: Only a sandbox fails on request.
pytestmark = pytest.mark.sandbox


@pytest.fixture
def dataset(source_server: Server, tmp_path: Path) -> str:
    """Give a dataset with three filesets on a sandbox."""
    client = source_server.client()
    made = seed.create(client, "Dataset", "D")
    for place in "abc":
        files = real_input.same_names(tmp_path / place)
        seed.import_fileset(client, files.folder, files.files, made)
    return f"Dataset:{made.id.val}"


def fail(server: Server, operation: str, error: Exception) -> None:
    assert server.sandbox is not None
    server.sandbox.faults.add(operation, error)


def test_crate_without_an_item_is_not_completed(
    pack: Line, dataset: str, source_server: Server, home: Path
) -> None:
    fail(source_server, "RawFileStore.read", omero.ResourceError(None, None, "cannot read the file"))

    result = pack(dataset, "crate", exit_code=3)

    assert result.stderr.count("Failed   Fileset:") == 1
    assert "cannot read the file" in result.stderr
    assert "1 of 3 items failed" in result.sentences[0]
    assert not (home / "crate").exists()


def test_crate_without_an_item_is_completed_on_request_and_unpacks(
    pack: Line, unpack: Line, dataset: str, source_server: Server, target_server: Server, home: Path
) -> None:
    fail(source_server, "RawFileStore.read", omero.ResourceError(None, None, "cannot read the file"))

    packed = pack(dataset, "crate", "--ignore_errors", "--json", exit_code=3).summary

    assert (packed["planned"], packed["done"], packed["failed"]) == (3, 2, 1)
    assert_valid(home / "crate")
    unpacked = unpack("crate", "--json").summary
    assert (unpacked["planned"], unpacked["done"], unpacked["images"]) == (2, 2, 2)


def test_failed_import_leaves_the_other_images(
    pack: Line, unpack: Line, dataset: str, target_server: Server, home: Path
) -> None:
    pack(dataset, "crate")
    fail(target_server, "RawFileStore.write", omero.ResourceError(None, None, "cannot write the file"))

    summary = unpack("crate", "--json", exit_code=3).summary

    assert (summary["planned"], summary["done"], summary["failed"]) == (3, 2, 1)
    query = target_server.client().sf.getQueryService()
    assert len(query.findAll("Image", None)) == 2
    assert len(query.findAll("Fileset", None)) == 2
    assert idmap_of(home).is_file()


def test_lost_connection_ends_the_run(pack: Line, dataset: str, source_server: Server, home: Path) -> None:
    sandbox = source_server.sandbox
    assert sandbox is not None

    def cut(current: Any) -> None:
        current.con.close(True)

    for _ in range(20):
        sandbox.faults.add("RawFileStore.read", cut)

    result = pack(dataset, "crate", "--retries", "0", exit_code=6)

    assert len(result.sentences) == 1
    assert not (home / "crate").exists()
