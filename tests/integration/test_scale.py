"""What a whole command costs grows with batches, not with images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omero_rocrate_transfer.sandbox import seed
from tests.integration.conftest import Server

IMAGES = 1000
PER_FILESET = 20
#: Metadata calls per image.
LIMIT = 0.05
#: Calls that move bytes: they grow with the files, as they must.
BYTES = ("RawFileStore.", "ServiceFactory.createRawFileStore")


@pytest.mark.timeout(300)
def test_packing_a_thousand_images_takes_fifty_metadata_calls(
    pack: Callable[..., Any], source_server: Server, tmp_path: Path
) -> None:
    if source_server.sandbox is None:
        pytest.skip("only a sandbox counts its calls")
    client = source_server.client()
    dataset = seed.create(client, "Dataset", "D")
    name = f"tiny&sizeX=4&sizeY=4&series={PER_FILESET}.fake"
    (tmp_path / name).touch()
    for _ in range(IMAGES // PER_FILESET):
        seed.import_fileset(client, tmp_path, [name], dataset)
    before = Counter(source_server.sandbox.calls)

    summary = pack(f"Dataset:{dataset.id.val}", "crate.zip", "--json").summary

    made = source_server.sandbox.calls - before
    metadata = Counter({name: count for name, count in made.items() if not name.startswith(BYTES)})
    assert (summary["images"], summary["files"]) == (IMAGES, IMAGES // PER_FILESET)
    assert metadata.total() <= LIMIT * IMAGES, metadata.most_common()
