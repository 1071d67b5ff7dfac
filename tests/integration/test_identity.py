"""A run stays what it is: on the server where it began, in its group, and never a second time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import Ice
import pytest

from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import real_input, seed
from tests.command_line import CommandLine
from tests.integration.conftest import Server

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
