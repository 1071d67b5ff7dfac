"""Whatever happens to a link, and whenever: the right result, at once or by the same command again.

Over plain TCP only a digest can tell that a byte was flipped: of files, and of pixels that are written. Where
there is none, the flipped byte is one of a TLS connection, which is what OMERO's clients use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from omero_sandbox.server import SandboxServer
from tests.faults import worlds
from tests.faults.proxy import Direction, Fault, Proxy

TIMEOUT_S = 3
RETRIES = 3
#: No attempt takes longer than the timeout and 5 s; the rest is for the start of Python, on a busy machine.
PATIENCE_S = (RETRIES + 1) * (TIMEOUT_S + 5) + 60
LIMITS = ("--timeout", str(TIMEOUT_S), "--retries", str(RETRIES))

FAULTS = (
    Fault("delay", 0.1),
    Fault("throttle", 400_000),
    Fault("slice", 11),
    Fault("flip"),
    Fault("cut"),
    Fault("reset"),
    Fault("stall"),
    Fault("refuse", 1.5),
)


@dataclass(frozen=True)
class Moment:
    """When a fault strikes: once the server is in an operation, some bytes later."""

    name: str
    command: str
    operation: str
    direction: Direction
    after: int
    #: Whether a flipped byte is found by its digest.
    has_digest: bool


MOMENTS = (
    Moment("login", "pack", "Router.createSession", "down", 10, has_digest=False),
    Moment("query", "pack", "IQuery.projection", "down", 30, has_digest=False),
    Moment("tile", "pack-pixels", "RawPixelsStore.getTile", "down", 5_000, has_digest=False),
    Moment("file", "pack", "RawFileStore.read", "down", 5_000, has_digest=True),
    Moment("upload", "unpack", "RawFileStore.write", "up", 5_000, has_digest=True),
    Moment("written tile", "unpack-pixels", "RawPixelsStore.setTile", "up", 5_000, has_digest=True),
)
WORDS = {
    "pack": ("pack", "{root}", "crate"),
    "pack-pixels": ("pack", "--pixels", "zarr", "{root}", "crate"),
    "unpack": ("unpack", "{crate}"),
    "unpack-pixels": ("unpack", "{crate}"),
}
CASES = [(fault, moment) for fault in FAULTS for moment in MOMENTS]
#: These few run always: every fault and every moment is among them.
SAMPLE = {
    ("delay", "login"), ("throttle", "file"), ("slice", "query"), ("flip", "upload"), ("cut", "tile"),
    ("reset", "written tile"), ("stall", "file"), ("refuse", "query"),
}  # fmt: skip


@dataclass
class World:
    """A source, and what commands make of it when nothing happens."""

    source: SandboxServer
    root: str
    folder: Path
    _results: dict[str, object] = field(default_factory=dict)

    def words(self, command: str) -> list[str]:
        crate = self.crate("pack-pixels" if command == "unpack-pixels" else "pack")
        return [word.format(root=self.root, crate=crate) for word in WORDS[command]]

    def crate(self, command: str) -> Path:
        """Give the crate that an undisturbed pack writes."""
        home = self.folder / command
        if not home.exists():
            home.mkdir()
            words = [word.format(root=self.root) for word in WORDS[command]]
            code, _, stderr = worlds.run(home, self.source, *words)
            assert code == 0, stderr
        return home / "crate"

    def undisturbed(self, command: str) -> object:
        """Give what the command leaves when nothing happens to it."""
        if command not in self._results:
            self._results[command] = self._undisturbed(command)
        return self._results[command]

    def _undisturbed(self, command: str) -> object:
        if command.startswith("pack"):
            return worlds.read_crate(self.crate(command))
        home = self.folder / command
        home.mkdir()
        with SandboxServer(home / "server") as target:
            code, _, stderr = worlds.run(home, target, *self.words(command))
            assert code == 0, stderr
            return worlds.read_server(target)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with SandboxServer(tmp_path_factory.mktemp("source"), ssl_port=0) as server:
        size = "&sizeX=128&sizeY=128&sizeZ=2"
        root = worlds.fill(server, tmp_path_factory.mktemp("in"), size=size, file_bytes=200_000)
        yield World(server, root, tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.promise("broken links that ended in the right result")
@pytest.mark.parametrize(
    ("fault", "moment"),
    [
        pytest.param(
            fault,
            moment,
            id=f"{fault.kind}-{moment.name}",
            marks=() if (fault.kind, moment.name) in SAMPLE else pytest.mark.soak,
        )
        for fault, moment in CASES
    ],
)
def test_broken_link_ends_in_the_right_result(
    fault: Fault, moment: Moment, world: World, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    packs = moment.command.startswith("pack")
    is_tls = fault.kind == "flip" and not moment.has_digest
    target = SandboxServer(tmp_path / "target", ssl_port=0)
    server = world.source if packs else target
    words = [*world.words(moment.command), *LIMITS]
    with target, Proxy((server.ssl_port if is_tls else server.port) or 0) as proxy:
        through = ("127.0.0.1" if is_tls else "tcp://127.0.0.1", proxy.port)
        armed = replace(fault, direction=moment.direction, after=moment.after)
        server.faults.add(moment.operation, lambda _: proxy.arm(armed))

        code, summary, stderr = worlds.run(home, server, *words, through=through, patience_s=PATIENCE_S)
        assert proxy.struck == [armed], stderr
        if code != 0:
            assert code in {6, 9}, stderr
            code, summary, stderr = worlds.run(home, server, *words, through=through, patience_s=PATIENCE_S)

        assert (code, summary["done"] + summary["skipped"]) == (0, summary["planned"]), stderr
        left = worlds.read_crate(home / "crate") if packs else worlds.read_server(server)
    assert left == world.undisturbed(moment.command)
