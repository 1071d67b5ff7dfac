"""One odd object of a server fails by itself, with its name, and keeps nothing else from travelling."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import omero.model as om
import pytest
from omero.rtypes import rdouble, rstring

from omero_rocrate_transfer.model.annotations import FIGURE_NAMESPACE
from omero_sandbox.testing import seed
from tests.integration.conftest import Server
from tests.server.annotations.conftest import FAKE, annotate, attach

pytestmark = pytest.mark.promise("attacks")

Line = Callable[..., Any]


@pytest.fixture
def dataset(source_server: Server) -> Any:
    """Give the dataset of `images`."""
    return seed.create(source_server.client(), "Dataset", "D")


@pytest.fixture
def images(source_server: Server, dataset: Any, tmp_path: Path) -> list[int]:
    """Give two images in a dataset; the first is the odd one."""
    client = source_server.client()
    (tmp_path / FAKE).write_bytes(b"")
    return [seed.import_fileset(client, tmp_path, [FAKE], dataset).images[0] for _ in range(2)]


@pytest.fixture
def packed_as(dataset: Any) -> str:
    """Give the argument that packs the images."""
    return f"Dataset:{dataset.id.val}"


def rename_file(server: Server, image: int, name: str) -> str:
    """Rename the original file of an image on its server; return the name of the fileset."""
    client = server.client()
    query = client.sf.getQueryService()
    hql = "select e from FilesetEntry e join fetch e.originalFile join e.fileset f join f.images i"
    [entry] = query.findAllByQuery(f"{hql} where i.id = {image}", None)
    file = query.get("OriginalFile", entry.originalFile.id.val)
    file.name = rstring(name)
    client.sf.getUpdateService().saveObject(file)
    return f"Fileset:{entry.fileset.id.val}"


# a server that looks for files of such names when it deletes them is not one to share
@pytest.mark.sandbox
@pytest.mark.parametrize("name", ["a\\b.tif", "..", "c:x.tif", "bell\x07.tif", "a/../../b.tif"])
def test_a_file_whose_name_no_crate_can_have_fails_alone(
    name: str, images: list[int], packed_as: str, pack: Line, unpack: Line, source_server: Server, home: Path
) -> None:
    fileset = rename_file(source_server, images[0], name)

    failed = pack(packed_as, "crate.zip", exit_code=3)
    assert f"Failed   {fileset}" in failed.stderr
    assert not (home / "crate.zip").exists()
    rest = pack(packed_as, "crate.zip", "--ignore-errors", exit_code=3)

    assert f"Failed   {fileset}" in rest.stderr
    assert "Nothing was read or written" not in failed.stderr + rest.stderr
    assert "1 image" in unpack("crate.zip").stderr


@pytest.mark.parametrize("size", [float("nan"), float("inf"), -1.0, 1e300])
@pytest.mark.parametrize("way", ["original", "zarr"])
def test_a_mask_of_no_size_stops_nothing(
    size: float, way: str, images: list[int], packed_as: str, pack: Line, unpack: Line, source_server: Server
) -> None:
    mask = om.MaskI()
    mask.x, mask.y, mask.width, mask.height = rdouble(0), rdouble(0), rdouble(8), rdouble(size)
    mask.bytes = b"\xff"
    seed.roi(source_server.client(), images[0], [mask])

    packed = pack(packed_as, "crate.zip", "--pixels", way, "--ignore-errors", exit_code=None)

    assert packed.exit_code in {0, 3}
    if packed.exit_code:
        assert "Fileset:" in packed.stderr or f"Image:{images[0]}" in packed.stderr
    unpack("crate.zip", exit_code=None)


@pytest.mark.sandbox
@pytest.mark.parametrize("moment", [10**17, -(10**17), 2**63 - 1])
def test_times_that_no_calendar_has_are_left_out(
    moment: int,
    images: list[int],
    packed_as: str,
    pack: Line,
    unpack: Line,
    source_server: Server,
    home: Path,
) -> None:
    assert source_server.sandbox is not None
    store = source_server.sandbox.store
    for row in store.rows("Event"):
        store.update(row, {"time": moment})

    pack(packed_as, "crate")

    graph = json.loads((home / "crate" / "ro-crate-metadata.json").read_text())["@graph"]
    assert not any("dateCreated" in one for one in graph if one["@id"].startswith("#"))
    unpack("crate")


@pytest.mark.parametrize("depth", [400, 900])
def test_figures_that_nest_deep_are_carried(
    depth: int,
    images: list[int],
    packed_as: str,
    pack: Line,
    unpack: Line,
    source_server: Server,
    target_server: Server,
) -> None:
    panel = json.dumps({"imageId": images[0]}).encode()
    data = b'{"panels": ' + b"[" * depth + panel + b"]" * depth + b"}"
    attach(source_server.client(), None, "f.json", data, "application/json", ns=rstring(FIGURE_NAMESPACE))
    pack(packed_as, "crate", "--figure")

    unpacked = unpack("crate", "--figure", exit_code=None)

    assert unpacked.exit_code in {0, 3}
    found = target_server.client().sf.getQueryService().findAll("FileAnnotation", None)
    assert len(found) == 1
    assert unpacked.exit_code == 0 or "OMERO.figure" in unpacked.stderr


def test_chains_of_annotations_are_carried_and_compared(
    images: list[int],
    packed_as: str,
    pack: Line,
    unpack: Line,
    run_line: Line,
    source_server: Server,
    target_server: Server,
) -> None:
    client = source_server.client()
    last = annotate(client, om.ImageI(images[0], False), "CommentAnnotation", textValue=rstring("0"))
    for number in range(1, 400):
        last = annotate(client, last, "CommentAnnotation", textValue=rstring(str(number)))
    pack(packed_as, "crate.zip")
    unpack("crate.zip")

    compared = run_line("verify", "crate.zip", "--server", *target_server.login(), exit_code=None)

    assert compared.exit_code in {0, 3, 4}
    found = target_server.client().sf.getQueryService().findAll("CommentAnnotation", None)
    assert len(found) == 400
