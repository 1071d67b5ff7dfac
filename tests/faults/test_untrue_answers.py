"""A server that tells what is not true, or nothing: found, tried once more, never taken for good."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from omero_sandbox.server import SandboxServer
from tests.faults import worlds

ALWAYS = 1000


def short(data: bytes) -> bytes:
    """Answer as RawFileBean.read does where the disk gave half: the rest is zeros."""
    return data[: len(data) // 2].ljust(len(data), b"\0")


def other_tile(data: bytes) -> bytes:
    """Answer with other pixels, as two calls on one store may."""
    return bytes(one ^ 1 for one in data)


def stale(size: int) -> int:
    return size - 1


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxServer, str]]:
    """Give a server with a world, and the object to pack."""
    with SandboxServer(tmp_path_factory.mktemp("source")) as server:
        yield server, worlds.fill(server, tmp_path_factory.mktemp("in"))


@pytest.fixture(scope="module")
def packed(source: tuple[SandboxServer, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a crate of original files, and one of pixels."""
    server, root = source
    home = tmp_path_factory.mktemp("packed")
    for words in (("pack", root, "files"), ("pack", "--pixels", "zarr", root, "pixels")):
        code, _, stderr = worlds.run(home, server, *words)
        assert code == 0, stderr
    return home


@pytest.mark.parametrize(
    ("operation", "change", "times"),
    [
        ("RawFileStore.read", short, 1),
        pytest.param("RawFileStore.size", stale, 1, marks=pytest.mark.soak),
    ],
)
def test_untrue_answer_to_a_pack_is_asked_for_again(
    operation: str,
    change: Callable[[Any], Any],
    times: int,
    source: tuple[SandboxServer, str],
    packed: Path,
    tmp_path: Path,
) -> None:
    server, root = source
    server.faults.change(operation, change, times)

    code, summary, stderr = worlds.run(tmp_path, server, "pack", root, "files")

    server.faults.clear()
    assert (code, summary["done"]) == (0, worlds.UNITS), stderr
    assert worlds.read_crate(tmp_path / "files") == worlds.read_crate(packed / "files")


@pytest.mark.parametrize(
    ("operation", "change"),
    [
        ("RawFileStore.read", short),
        pytest.param("RawFileStore.size", stale, marks=pytest.mark.soak),
    ],
)
def test_pack_that_is_always_told_untruths_makes_no_crate(
    operation: str, change: Callable[[Any], Any], source: tuple[SandboxServer, str], tmp_path: Path
) -> None:
    server, root = source
    server.faults.change(operation, change, ALWAYS)

    code, summary, stderr = worlds.run(tmp_path, server, "pack", root, "files")

    server.faults.clear()
    assert (code, summary["done"]) == (4, 0), stderr
    assert not (tmp_path / "files").exists()


@pytest.mark.parametrize("times", [1, pytest.param(ALWAYS, marks=pytest.mark.soak)])
def test_other_digest_than_that_of_what_was_sent_is_found(times: int, packed: Path, tmp_path: Path) -> None:
    with SandboxServer(tmp_path / "target") as target:

        def digest_wrongly(_current: Any) -> None:
            entries = [row.values["originalFile"] for row in target.store.rows("FilesetEntry")]
            for file in filter(None, (target.store.get("OriginalFile", one) for one in entries)):
                if "hash" in file.values:
                    target.store.update(file, {"hash": "0" * 40})

        target.faults.add("RawFileStore.close", digest_wrongly, times, late=True)

        code, summary, stderr = worlds.run(
            tmp_path, target, "unpack", str(packed / "files"), "--parallel", "1"
        )

        if times == 1:
            assert (code, summary["done"]) == (0, worlds.UNITS), stderr
        else:
            assert (code, summary["done"]) == (4, 0), stderr
            assert worlds.read_server(target)["Fileset"] == 0


@pytest.mark.parametrize("times", [1, pytest.param(ALWAYS, marks=pytest.mark.soak)])
def test_other_pixels_than_were_written_are_found(times: int, packed: Path, tmp_path: Path) -> None:
    with SandboxServer(tmp_path / "target") as target:
        target.faults.change("RawPixelsStore.getTile", other_tile, times)

        code, summary, stderr = worlds.run(tmp_path, target, "unpack", str(packed / "pixels"))

        if times == 1:
            assert (code, summary["done"]) == (0, summary["planned"]), stderr
        else:
            assert (code, summary["done"]) == (4, 0), stderr
            assert worlds.read_server(target)["Image"] == 0


@pytest.mark.parametrize("operation", ["IQuery.projection"])
def test_server_that_hangs_is_left_and_asked_again(
    operation: str, source: tuple[SandboxServer, str], packed: Path, tmp_path: Path
) -> None:
    server, root = source
    go_on = Event()
    server.faults.add(operation, lambda _: go_on.wait(60))

    code, summary, stderr = worlds.run(tmp_path, server, "pack", root, "files", "--timeout", "3")

    go_on.set()
    server.faults.clear()
    assert (code, summary["done"]) == (0, worlds.UNITS), stderr
    assert worlds.read_crate(tmp_path / "files") == worlds.read_crate(packed / "files")


def test_files_without_a_digest_are_told(source: tuple[SandboxServer, str], tmp_path: Path) -> None:
    server, root = source
    sizes = server.store.enum("ChecksumAlgorithm", "File-Size-64")
    rows = [
        row
        for entry in server.store.rows("FilesetEntry")
        if (row := server.store.get("OriginalFile", entry.values["originalFile"])) is not None
    ]
    before = [dict(row.values) for row in rows]
    assert sizes is not None
    for row in rows:
        row.values |= {"hasher": sizes.id, "hash": row.values["size"].to_bytes(8, "little").hex()}

    code, summary, stderr = worlds.run(tmp_path, server, "pack", root, "files")

    for row, values in zip(rows, before, strict=True):
        row.values |= values
    assert (code, summary["files_verified"]) == (0, 0), stderr
    [told] = [one for one in summary["omissions"] if one["type"] == "Digest"]
    assert told["count"] == worlds.UNITS
    assert "not verifiable" in told["reason"]
