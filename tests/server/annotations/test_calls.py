"""Calls to the server grow with batches of annotations, not with annotations."""

from __future__ import annotations

from collections import Counter

import pytest

from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read.source import ServerSource
from omero_rocrate_transfer.server.session.connection import Connection
from omero_sandbox.server import SandboxServer
from tests.server.conftest import Rows

#: Metadata calls per image.
LIMIT = 0.05


def fill(rows: Rows, images: int) -> ObjectRef:
    """Make a dataset of images with three shared and two own annotations each."""
    dataset = rows.add("Dataset", name="d")
    tags = [rows.add("TagAnnotation", textValue=f"tag {number}") for number in range(3)]
    for number in range(images):
        _, [image] = rows.fileset()
        rows.link("DatasetImageLink", dataset, image)
        own = (
            rows.add("MapAnnotation", mapValue=[("k", str(number))]),
            rows.add("LongAnnotation", longValue=5),
        )
        for annotation in (*tags, *own):
            rows.link("ImageAnnotationLink", image, annotation)
    return ObjectRef("Dataset", dataset.id)


def count_calls(sandbox: SandboxServer, connection: Connection, dataset: ObjectRef) -> tuple[int, int]:
    """Return the number of calls and of annotation links that a whole reading takes and gives."""
    source = ServerSource(connection)
    before = Counter(sandbox.calls)
    contents = source.read_contents([dataset])
    documents = [source.open(unit).document().ome for unit in contents.units]
    source.read_container_document()
    made = sandbox.calls - before
    return sum(made.values()), sum(len(image.annotation_refs) for one in documents for image in one.images)


@pytest.mark.timeout(120)
def test_a_thousand_images_with_five_annotations_take_few_more_calls_than_a_hundred(
    sandbox: SandboxServer, connection: Connection, rows: Rows
) -> None:
    few, many = fill(rows, 100), fill(rows, 1000)
    calls_for_few, _ = count_calls(sandbox, connection, few)
    calls_for_many, links = count_calls(sandbox, connection, many)
    assert links == 5000
    assert calls_for_many - calls_for_few <= LIMIT * 900


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_ten_thousand_images_with_five_annotations_take_five_hundred_calls(
    sandbox: SandboxServer, connection: Connection, rows: Rows
) -> None:
    calls, links = count_calls(sandbox, connection, fill(rows, 10_000))
    assert links == 50_000
    assert calls <= LIMIT * 10_000
