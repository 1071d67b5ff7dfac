"""From one server to another, through source and sink, with real imports on both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from omero_rocrate_transfer.model.contents import Contents
from omero_rocrate_transfer.model.refs import ObjectRef, parse_objects
from omero_rocrate_transfer.model.results import Mapping
from omero_rocrate_transfer.server.read.pixels import ServerPixels
from omero_rocrate_transfer.server.read.source import ServerSource
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.write.sink import ServerSink
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import world as demo_world
from omero_sandbox.testing.world import DemoWorld

WITH_PLATES = {"omero.policy.binary_access": "+read,+write,+image,+plate"}


@dataclass
class Two:
    source: Connection
    target: Connection

    def copy(self, *texts: str, **options: Any) -> tuple[Contents, dict[ObjectRef, ObjectRef]]:
        source, sink = ServerSource(self.source), ServerSink(self.target, **options)
        contents = source.read_contents(parse_objects(texts))
        made: list[Mapping] = list(sink.begin(contents, source.read_container_document))
        for unit in contents.units:
            result = sink.write_unit(source.open(unit))
            assert result.omissions == ()
            assert result.files_verified == len(unit.files)
            made += result.mappings
        sink.finish()
        return contents, {one.source: one.target for one in made}


@pytest.fixture
def two(sandbox_factory: Callable[..., SandboxServer], open_connection: Callable[..., Connection]) -> Two:
    """Two servers; on each, alice works."""
    connections = []
    for _ in range(2):
        server = sandbox_factory(config=WITH_PLATES)
        demo_world.add_people(open_connection(server=server).client)
        connections.append(open_connection("alice", "alice", server=server))
    return Two(*connections)


@pytest.fixture
def world(two: Two, tmp_path: Path) -> DemoWorld:
    return demo_world.build_demo_world(two.source.client, tmp_path / "input")


def names(contents: Contents) -> list[tuple[str, str | None, list[str]]]:
    """Everything that must be equal on both servers, ids aside."""
    title = {one.ref: one.name for one in contents.containers}
    title |= {one.ref: one.name for one in contents.iter_images()}
    return sorted(
        (one.name, one.description, sorted(title[member] for member in one.members))
        for one in contents.containers
    )


def files(contents: Contents) -> list[list[tuple[str, int, Any]]]:
    return sorted(
        [(file.path, file.size_bytes, file.digests) for file in unit.files] for unit in contents.units
    )


def images(contents: Contents) -> list[list[tuple[str, str | None, int]]]:
    return sorted([(one.name, one.description, one.series) for one in unit.images] for unit in contents.units)


@pytest.mark.timeout(120)
def test_everything_real_arrives_equal(two: Two, world: DemoWorld) -> None:
    roots = (f"Project:{world.project}", f"Screen:{world.screen}")

    sent, made = two.copy(*roots)
    target = ServerSource(two.target).read_contents([made[root] for root in parse_objects(roots)])

    assert names(target) == names(sent)
    assert files(target) == files(sent)
    assert images(target) == images(sent)
    assert {one.owner for one in target.containers} == {two.target.user_id}
    assert set(made) >= {one.ref for one in sent.containers} | {one.ref for one in sent.iter_images()}
    planes = compare_pixels(two, sent, made)
    assert planes > 40


def compare_pixels(two: Two, sent: Contents, made: dict[ObjectRef, ObjectRef]) -> int:
    """Compare every plane of every image; return how many there were."""
    planes = 0
    for unit in sent.units:
        for image in unit.images:
            left = ServerPixels(two.source, image.ref)
            right = ServerPixels(two.target, made[image.ref])
            assert (left.shape, left.dtype) == (right.shape, right.dtype)
            sizes_t, sizes_c, sizes_z, height, width = left.shape
            for t in range(sizes_t):
                for c in range(sizes_c):
                    for z in range(sizes_z):
                        one, other = (
                            side.read_tile(t, c, z, 0, 0, width, height).tobytes() for side in (left, right)
                        )
                        assert one == other
                        planes += 1
            left.close()
            right.close()
    return planes
