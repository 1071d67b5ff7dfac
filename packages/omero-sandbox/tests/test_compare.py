"""The comparison of the demo sees every difference it is there for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import real_input, seed
from omero_sandbox.testing.compare import Comparison, compare


class World:
    """A dataset with two filesets, made twice on one server."""

    def __init__(self, client: Any, folder: Path) -> None:
        self.client = client
        self.made = [self._make(folder / str(copy)) for copy in range(2)]

    def _make(self, folder: Path) -> dict[str, str]:
        dataset = seed.create(self.client, "Dataset", "D", "text")
        first = real_input.same_names(folder / "a")
        second = real_input.big_endian(folder / "b")
        one, two = (
            seed.import_fileset(self.client, made.folder, made.files, dataset) for made in (first, second)
        )
        images = [f"Image:{number}" for number in (*one.images, *two.images)]
        names = [f"Dataset:{dataset.id.val}", f"Fileset:{one.fileset}", f"Fileset:{two.fileset}", *images]
        return {str(place): name for place, name in enumerate(names)}

    @property
    def ids(self) -> dict[str, str]:
        return {self.made[0][place]: self.made[1][place] for place in self.made[0]}

    def compare(self, **changes: str) -> Comparison:
        return compare(self.client, self.client, self.ids | changes)


@pytest.fixture
def world(root: Any, tmp_path: Path) -> World:
    return World(root, tmp_path)


def test_equal_things_have_no_difference(world: World) -> None:
    found = world.compare()

    assert found.differences == []
    assert (found.containers, found.files, found.images) == (1, 5, 5)
    assert found.planes == 3 + 4 * 8


def rename_image(world: World) -> None:
    seed.rename(world.client, "Image", int(world.made[1]["3"].partition(":")[2]), "other")


def describe_dataset(world: World) -> None:
    seed.rename(world.client, "Dataset", int(world.made[1]["0"].partition(":")[2]), "D", "other text")


def unlink_image(world: World) -> None:
    dataset = int(world.made[1]["0"].partition(":")[2])
    query = world.client.sf.getQueryService()
    link = query.findAllByQuery(f"select l from DatasetImageLink l where l.parent.id = {dataset}", None)[0]
    world.client.sf.getUpdateService().deleteObject(link)


@pytest.mark.parametrize(
    ("change", "word"), [(rename_image, "name"), (describe_dataset, "description"), (unlink_image, "members")]
)
def test_change_in_the_database_is_seen(change: Callable[[World], None], word: str, world: World) -> None:
    change(world)

    (difference,) = world.compare().differences
    assert word in difference


def test_changed_byte_of_a_file_is_seen(world: World, sandbox: SandboxServer) -> None:
    copies = sorted(sandbox.data_dir.rglob("pos2/frame.tif"))
    content = bytearray(copies[-1].read_bytes())
    content[-1] ^= 1
    copies[-1].write_bytes(content)

    differences = world.compare().differences
    assert any("files" in line for line in differences)


def test_swapped_images_are_seen(world: World) -> None:
    first, second = world.made[0]["4"], world.made[0]["5"]

    differences = world.compare(**{first: world.ids[second], second: world.ids[first]}).differences

    assert any("pixels" in line for line in differences)
    assert any("plane" in line for line in differences)


def test_missing_object_is_seen(world: World) -> None:
    (difference, *_) = world.compare(**{world.made[0]["3"]: "Image:987654"}).differences

    assert "Image:987654 is not there" in difference or "members" in difference
