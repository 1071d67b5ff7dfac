"""Calls grow with batches of objects, not with objects."""

from collections import Counter
from typing import Any

import pytest
from ome_types import OME

from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read.source import ServerSource
from omero_rocrate_transfer.server.session.connection import Connection
from omero_sandbox.server import SandboxServer

#: Metadata calls per image (issue of the first milestone).
LIMIT = 0.05


def fill(rows: Any, images: int) -> ObjectRef:
    project = rows.add("Project", name="p")
    for start in range(0, images, 100):
        dataset = rows.add("Dataset", name=f"d{start}")
        rows.link("ProjectDatasetLink", project, dataset)
        for _ in range(100):
            _, (image,) = rows.fileset()
            rows.link("DatasetImageLink", dataset, image)
    return ObjectRef("Project", project.id)


@pytest.mark.timeout(120)
def test_planning_and_reading_a_thousand_images_takes_fifty_calls(
    sandbox: SandboxServer, connection: Connection, rows: Any
) -> None:
    project = fill(rows, 1000)
    source = ServerSource(connection)
    before = Counter(sandbox.calls)

    contents = source.read_contents([project])
    documents: list[OME] = [source.open(unit).document().ome for unit in contents.units]
    source.read_container_document()

    made = sandbox.calls - before
    assert len(documents) == len(list(contents.iter_images())) == 1000
    assert sum(made.values()) <= LIMIT * 1000, made
