"""Annotations through whole command lines: packed on one server, unpacked on another."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import omero.model as om
import pytest
from ome_types import validate_xml
from omero.model import NamedValue
from omero.rtypes import rlong, rstring

from omero_rocrate_transfer.model.annotations import FIGURE_NAMESPACE
from omero_rocrate_transfer.model.provenance import NAMESPACE
from omero_sandbox.testing.seed import create, import_fileset, link
from tests.integration.conftest import Server
from tests.rocrate_validator import assert_valid
from tests.server.annotations.conftest import FAKE, annotate, attach, content, new

Line = Callable[..., Any]
TAGSET = "openmicroscopy.org/omero/insight/tagset"
NOTES = "Notes µ/1.txt"


@pytest.fixture
def dataset(source_server: Server, tmp_path: Path) -> Any:
    """Make a dataset of two images with annotations of several classes, and an attachment on all of them."""
    client = source_server.client()
    dataset = create(client, "Dataset", "annotated")
    (tmp_path / FAKE).write_bytes(b"")
    images = [om.ImageI(import_fileset(client, tmp_path, [FAKE], dataset).images[0], False) for _ in range(2)]
    tag = new(client, "TagAnnotation", textValue=rstring("shared"), description=rstring("on all"))
    tags = new(client, "TagAnnotation", textValue=rstring("set"), ns=rstring(TAGSET))
    link(client, tags, tag)
    notes = attach(client, dataset, NOTES, b"0123456789" * 100_000, "text/plain", ns=rstring("my/notes"))
    for number, image in enumerate(images):
        link(client, image, tag)
        link(client, image, notes)
        pairs = [NamedValue("k", str(number)), NamedValue("k", "\x02")]
        annotate(client, image, "MapAnnotation", mapValue=pairs, ns=rstring("my/pairs"))
        annotate(client, image, "LongAnnotation", longValue=rlong(number))
    return dataset


def links_of(server: Server, *, but: str = NAMESPACE) -> Counter[tuple[Any, ...]]:
    """Count the links of images and datasets by what they lead to."""
    client = server.client()
    found: Counter[tuple[Any, ...]] = Counter()
    for word in ("Image", "Dataset", "Annotation"):
        # links to annotations that are not fetched, on either end, come without anything in them
        parent = "join fetch l.parent " if word == "Annotation" else ""
        hql = (
            f"select l from {word}AnnotationLink l {parent}join fetch l.child a left outer join fetch a.file"
        )
        links = client.sf.getQueryService().findAllByQuery(hql, None)
        found.update((word, *content(one.child)) for one in links)
    return Counter({key: count for key, count in found.items() if key[2] != but})


def name_of(dataset: Any) -> str:
    return f"Dataset:{dataset.id.val}"


@pytest.mark.parametrize("form", ["crate", "crate.zip", "crate.tar"])
def test_annotations_come_back(
    form: str, dataset: Any, pack: Line, unpack: Line, source_server: Server, target_server: Server
) -> None:
    packed = pack("--rocrate", name_of(dataset), form)
    unpacked = unpack(form)

    assert links_of(target_server) == links_of(source_server)
    assert links_of(target_server).total() == 2 * 4 + 1 + 1
    assert "1 attachment" in packed.stderr
    assert "verified 3/3" in unpacked.stderr


def test_the_crate_is_valid_and_says_what_the_attachment_is(
    dataset: Any, pack: Line, home: Path, source_server: Server
) -> None:
    pack("--rocrate", name_of(dataset), "crate")

    assert_valid(home / "crate")
    for document in (home / "crate").glob("*.ome.xml"):
        validate_xml(document.read_bytes())
    graph = json.loads((home / "crate" / "ro-crate-metadata.json").read_text())["@graph"]
    [entity] = [one for one in graph if one["@id"].startswith("ann") and one["@id"].endswith(".txt")]
    number = int(entity["@id"].removeprefix("ann").partition(".")[0])
    assert entity["@id"] == f"ann{number}.Notes___1.txt"
    assert entity["name"] == "Notes µ_1.txt"
    assert entity["encodingFormat"] == "text/plain"
    assert entity["identifier"].endswith(f":Annotation:{number}")
    assert (home / "crate" / entity["@id"]).stat().st_size == 1_000_000
    for document in (home / "crate").glob("*.ome.xml"):
        text = document.read_text()
        assert f'href="{entity["@id"]}"' in text
        assert "/home/alice" not in text


def test_nothing_is_sent_of_a_crate_whose_attachment_is_damaged(
    dataset: Any, pack: Line, unpack: Line, home: Path, target_server: Server
) -> None:
    pack("--rocrate", name_of(dataset), "crate")
    [notes] = (home / "crate").glob("ann*.txt")
    data = bytearray(notes.read_bytes())
    data[500_000] ^= 1
    notes.write_bytes(data)

    failed = unpack("crate", exit_code=4)

    assert notes.name in failed.stderr
    assert target_server.client().sf.getQueryService().findAll("Image", None) == []


def test_annotations_may_be_left_out(
    dataset: Any, pack: Line, unpack: Line, home: Path, target_server: Server
) -> None:
    packed = pack("--rocrate", name_of(dataset), "crate", "--annotations", "none")
    unpack("crate", "--metadata", "none")
    assert "Left out 9 Annotation: left out by --annotations" in packed.stderr
    assert list((home / "crate").glob("ann*")) == []
    assert links_of(target_server, but="").total() == 0


def test_annotations_may_be_chosen_by_namespace(
    dataset: Any, pack: Line, unpack: Line, target_server: Server
) -> None:
    pack("--rocrate", name_of(dataset), "crate", "--annotations", "my/pairs,my/notes")
    unpack("crate")
    assert {key[2] for key in links_of(target_server)} == {"my/pairs", "my/notes"}
    assert links_of(target_server).total() == 2 + 3


def test_provenance_tells_the_owner_and_not_the_packer(
    pack: Line, unpack: Line, source_server: Server, target_server: Server, tmp_path: Path
) -> None:
    [alice] = source_server.settle("alice")
    (tmp_path / FAKE).write_bytes(b"")
    [image] = import_fileset(source_server.client(alice), tmp_path, [FAKE]).images
    pack("--rocrate", f"Image:{image}", "crate")

    unpack(
        "crate", "--metadata", "img_id", "orig_user", "orig_group", "hostname", "db_id", "md5", "timestamp"
    )

    [key] = links_of(target_server, but="")
    assert key[1:3] == ("MapAnnotation", NAMESPACE)
    found = dict(key[-1])
    assert found.pop("origin_image_id") == str(image)
    assert found.pop("original_user") == alice
    assert found.pop("origin_hostname") == source_server.host.removeprefix("tcp://")
    assert len(found.pop("md5")) == 32
    assert datetime.fromisoformat(found.pop("packing_timestamp")).tzinfo is not None
    assert found.keys() == {"original_group", "database_id"}


def test_private_facts_only_travel_on_request(dataset: Any, pack: Line, home: Path) -> None:
    pack("--rocrate", name_of(dataset), "crate", "--with-client-paths", "--with-emails")
    texts = [path.read_text() for path in (home / "crate").glob("*.ome.xml")]
    assert any("/home/alice" in text for text in texts)


def test_figures_come_back_with_the_new_ids(
    dataset: Any, pack: Line, unpack: Line, source_server: Server, target_server: Server
) -> None:
    client = source_server.client()
    images = [one.id.val for one in client.sf.getQueryService().findAll("Image", None)]
    data = json.dumps({"panels": [{"imageId": one} for one in images]}).encode()
    attach(client, None, "figure.json", data, "application/json", ns=rstring(FIGURE_NAMESPACE))
    pack("--rocrate", name_of(dataset), "crate", "--figure")

    unpack("crate", "--figure")

    target = target_server.client()
    [figure] = target.sf.getQueryService().findAllByQuery(
        f"select f from FileAnnotation a join a.file f where a.ns = '{FIGURE_NAMESPACE}'", None
    )
    store = target.sf.createRawFileStore()
    store.setFileId(figure.id.val)
    panels = json.loads(store.read(0, figure.size.val))["panels"]
    store.close()
    made = [one.id.val for one in target.sf.getQueryService().findAll("Image", None)]
    assert sorted(panel["imageId"] for panel in panels) == sorted(made)
