"""What runs are broken off with: a source, and what they leave when nobody disturbs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from omero_sandbox.server import SandboxServer
from tests.faults import rich, worlds
from tests.faults.moments import Length, measure
from tests.worlds.graph import Graph

FORMS = ("crate", "crate.zip", "crate.tar")


@dataclass(frozen=True)
class Source:
    """A server with the rich world, and the objects to pack."""

    server: SandboxServer
    roots: tuple[str, ...]


@dataclass(frozen=True)
class Packed:
    """The home of undisturbed packs, and what is in each crate."""

    home: Path
    crates: dict[str, dict[str, str]] = field(repr=False)
    lengths: dict[str, Length]


@dataclass(frozen=True)
class Unpacked:
    """What undisturbed unpacks leave, by the kind of target."""

    graphs: dict[str, Graph] = field(repr=False)
    lengths: dict[str, Length]

    @staticmethod
    def server(kind: str, folder: Path) -> SandboxServer:
        """Make a target of a kind: for ``tiles``, or one that takes larger planes as ``ome-tiff``."""
        return SandboxServer(folder, config={"tiles": None, "ome-tiff": rich.LOW_LIMIT}[kind])


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    """Give the server that is packed from."""
    with SandboxServer(tmp_path_factory.mktemp("source")) as server:
        yield Source(server, rich.fill(server, tmp_path_factory.mktemp("in")))


@pytest.fixture(scope="session")
def packed(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """Pack, in every form."""
    home = tmp_path_factory.mktemp("packed")
    lengths = {form: measure(home, source.server, "pack", *source.roots, form, *rich.PACK) for form in FORMS}
    return Packed(home, {form: worlds.read_crate(home / form) for form in FORMS}, lengths)


@pytest.fixture(scope="session")
def undisturbed(packed: Packed, tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    """Unpack the crate on each kind of target."""
    graphs, lengths = {}, {}
    for kind in ("tiles", "ome-tiff"):
        home = tmp_path_factory.mktemp("unpacked")
        with Unpacked.server(kind, tmp_path_factory.mktemp("target")) as server:
            lengths[kind] = measure(home, server, "unpack", str(packed.home / "crate"), *rich.UNPACK)
            graphs[kind] = rich.read(server)
    return Unpacked(graphs, lengths)
