"""Packing changes nothing on the source, and needs no right to."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omero_sandbox.db.schema.schema import schema
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import world as demo_world
from tests.command_line import CommandLine
from tests.faults import rich
from tests.integration.conftest import Server
from tests.promises import Promise

#: Operations that only read, or open and close what is read through.
READS = re.compile(
    r"(Router\.createSession|ServiceFactory\.(get\w+Service|createRaw(File|Pixels)Store|detachOnDestroy"
    r"|setCallback|sharedResources)|SharedResources\.repositories|ManagedRepository\.fileById"
    r"|IAdmin\.getEventContext|IConfig\.get\w+|ISession\.getSession|IQuery\.(find\w+|projection)"
    r"|RawFileStore\.(setFileId|size|read|close)|RawPixelsStore\.(setPixelsId|get\w+|close))\Z"
)
#: What every login leaves.
_OF_LOGINS = frozenset(("Session", "Event", "EventLog", "Node"))


def rows(server: SandboxServer) -> dict[tuple[str, int], Any]:
    """Return all that is in the database, but traces of logins."""
    return {
        (row.type, row.id): (row.version, row.updated, dict(row.values))
        for each in schema()
        if each.base is None and each.name not in _OF_LOGINS
        for row in server.store.rows(each.name)
    }


def files(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


@pytest.mark.sandbox
@pytest.mark.parametrize("form", ["crate", "crate.zip"])
def test_pack_of_a_reader_only_reads(
    form: str,
    sandbox_factory: Callable[..., SandboxServer],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    promise: Promise,
) -> None:
    """Of somebody else's data, in a group where members may look and no more."""
    sandbox = sandbox_factory()
    server = Server(f"tcp://{sandbox.host}", sandbox.port, sandbox)
    demo_world.add_people(server.client(), "rwr---")
    (tmp_path / "in").mkdir()
    roots = rich.fill(sandbox, tmp_path / "in", ("alice", "alice"))
    before = rows(sandbox), files(sandbox.data_dir)
    sandbox.calls.clear()

    packed = CommandLine(capsys, server.login("bob", "bob"))("pack", *roots, form, *rich.PACK, "--json")

    server.close()
    assert packed.summary["done"] == rich.UNITS
    assert (rows(sandbox), files(sandbox.data_dir)) == before
    total = sandbox.calls.total()
    reads = sum(count for name, count in sandbox.calls.items() if READS.match(name))
    assert total > rich.UNITS
    promise("calls of packing that only read the source", reads, total)
