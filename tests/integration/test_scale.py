"""What a whole command costs grows with batches, not with images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from omero_sandbox.testing import seed
from tests.integration.conftest import Server
from tests.server.conftest import Rows

PER_FILESET = 20
#: Annotations that each image has of its own.
ANNOTATIONS: dict[str, dict[str, Any]] = {
    "CommentAnnotation": {"textValue": "seen"},
    "MapAnnotation": {"mapValue": [("stain", "DAPI"), ("stain", "GFP")]},
    "LongAnnotation": {"longValue": 3},
    "DoubleAnnotation": {"doubleValue": 0.5},
}
ROIS = 10
#: Calls that move bytes: they grow with the files, as they must.
BYTES = ("RawFileStore.", "ServiceFactory.createRawFileStore", "ManagedRepository.fileById")


def import_images(server: Server, folder: Path, count: int) -> tuple[str, list[int]]:
    """Import tiny images into a dataset; return this and their ids."""
    client = server.client()
    dataset = seed.create(client, "Dataset", "D")
    name = f"tiny&sizeX=4&sizeY=4&series={PER_FILESET}.fake"
    (folder / name).touch()
    filesets = (
        seed.import_fileset(client, folder, [name], dataset).images for _ in range(count // PER_FILESET)
    )
    return f"Dataset:{dataset.id.val}", [image for images in filesets for image in images]


def describe(rows: Rows, images: Sequence[int]) -> None:
    """Give each image 10 ROIs, 4 annotations of its own, and a tag that others have too."""
    tags = [rows.add("TagAnnotation", textValue=f"tag {number}").id for number in range(10)]
    for number, image in enumerate(images):
        own = [rows.add(kind, **values).id for kind, values in ANNOTATIONS.items()]
        for annotation in (*own, tags[number % len(tags)]):
            rows.add("ImageAnnotationLink", parent=image, child=annotation)
        for place in range(ROIS):
            roi = rows.add("Roi", image=image, name=f"cell {place}")
            rows.add("Point", roi=roi.id, roi_index=0, x=float(place), y=0.5)


@pytest.mark.parametrize(
    ("images", "described", "limit"),
    [
        pytest.param(1000, False, 50, id="1000"),
        # each thousand of annotations and ROIs is a call more
        pytest.param(500, True, 75, id="500-with-annotations-and-rois"),
        pytest.param(10_000, True, 500, id="10000-with-annotations-and-rois", marks=pytest.mark.soak),
    ],
)
@pytest.mark.sandbox
@pytest.mark.timeout(3600)
def test_metadata_calls_of_packing_grow_with_batches(
    images: int,
    described: bool,
    limit: int,
    pack: Callable[..., Any],
    source_server: Server,
    tmp_path: Path,
) -> None:
    assert source_server.sandbox is not None, "only a sandbox counts its calls"
    root, ids = import_images(source_server, tmp_path, images)
    if described:
        describe(Rows(source_server.sandbox.store), ids)
    before = Counter(source_server.sandbox.calls)

    summary = pack(root, "crate.zip", "--json").summary

    made = source_server.sandbox.calls - before
    metadata = Counter({name: count for name, count in made.items() if not name.startswith(BYTES)})
    assert (summary["images"], summary["files"]) == (images, images // PER_FILESET)
    assert (summary["omitted"], summary["error"]) == (0, None)
    assert metadata.total() <= limit, metadata.most_common()
