"""Links that end and servers that are busy: tried again, nothing lost, nothing doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import omero
import pytest

from omero_sandbox.server import SandboxServer
from tests.faults import worlds

pytestmark = pytest.mark.promise("lost connections and busy servers that were come back from")


def cut(current: Any) -> None:
    """Close the connection without an answer."""
    current.con.close(True)


GONE = omero.RemovedSessionException(message="No context for uuid")
BUSY = omero.LockTimeout(message="busy", backOff=1, seconds=1)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxServer, str]]:
    """Give a server with a world, and the object to pack."""
    with SandboxServer(tmp_path_factory.mktemp("source")) as server:
        yield server, worlds.fill(server, tmp_path_factory.mktemp("in"))


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("RawFileStore.read", cut),
        pytest.param("RawFileStore.read", GONE, marks=pytest.mark.soak),
        pytest.param("IQuery.findAllByQuery", BUSY, marks=pytest.mark.soak),
        pytest.param("IQuery.projection", cut, marks=pytest.mark.soak),
    ],
    ids=["cut while reading", "session gone while reading", "busy", "cut while planning"],
)
def test_pack_comes_back(
    operation: str,
    fault: Exception | Callable[[Any], None],
    source: tuple[SandboxServer, str],
    tmp_path: Path,
) -> None:
    server, root = source
    server.faults.add(operation, fault)

    code, summary, stderr = worlds.run(tmp_path, server, "pack", root, "crate")

    server.faults.clear()
    assert (code, summary["done"]) == (0, worlds.UNITS), stderr
    assert len(worlds.read_crate(tmp_path / "crate")) > worlds.UNITS


@pytest.mark.parametrize(
    "operation",
    [
        "RawFileStore.write",
        pytest.param("ManagedRepository.importFileset", marks=pytest.mark.soak),
    ],
)
def test_unpack_comes_back(operation: str, source: tuple[SandboxServer, str], tmp_path: Path) -> None:
    """The half fileset whose deletion failed with the link is gone when the unit is written again."""
    server, root = source
    worlds.run(tmp_path, server, "pack", root, "crate")
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with SandboxServer(tmp_path / "target-1") as target:
        code, _, stderr = worlds.run(tmp_path / "one", target, "unpack", str(tmp_path / "crate"))
        assert code == 0, stderr
        undisturbed = worlds.read_server(target)
    with SandboxServer(tmp_path / "target-2") as target:
        target.faults.add(operation, cut)
        code, summary, stderr = worlds.run(tmp_path / "two", target, "unpack", str(tmp_path / "crate"))

        assert (code, summary["done"]) == (0, worlds.UNITS), stderr
        assert worlds.read_server(target) == undisturbed


def test_unpack_that_was_cut_off_while_it_began_goes_on(
    source: tuple[SandboxServer, str], tmp_path: Path
) -> None:
    server, root = source
    worlds.run(tmp_path, server, "pack", root, "crate")
    with SandboxServer(tmp_path / "target") as target:
        target.faults.add("IUpdate.saveAndReturnIds", cut, late=True)

        first = worlds.run(tmp_path, target, "unpack", "crate")
        second = worlds.run(tmp_path, target, "unpack", "crate")

        assert (first[0], second[0]) == (6, 0)
        assert worlds.read_server(target)["Project"] == 1


def test_permanent_error_is_retried_by_the_next_command_alone(
    source: tuple[SandboxServer, str], tmp_path: Path
) -> None:
    server, root = source
    server.faults.add("RawFileStore.read", omero.SecurityViolation(message="not for you"))

    first = worlds.run(tmp_path, server, "pack", root, "crate.zip")
    second = worlds.run(tmp_path, server, "pack", root, "crate.zip")

    assert (first[0], first[1]["done"], first[1]["failed"]) == (3, worlds.UNITS - 1, 1)
    assert (second[0], second[1]["done"], second[1]["skipped"]) == (0, 1, worlds.UNITS - 1)
