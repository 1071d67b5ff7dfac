"""Pages of ROIs in a crate: described, listed, read in their order, and none may be missing."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ome_types import OME, model

from omero_rocrate_transfer.crate.read.audit import CrateAudit
from omero_rocrate_transfer.crate.read.source import CrateSource
from omero_rocrate_transfer.crate.write.sink import CrateSink
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.errors import UnsafeCrateError
from omero_rocrate_transfer.model.refs import ObjectRef
from tests.crate.test_metadata_reader import METADATA, write_metadata
from tests.crate.worlds import HOST, MemorySource, make_world, pack

FILESET = ObjectRef("Fileset", 101)
PAGES = tuple(f"roisfs101.{index:04d}.ome.xml" for index in range(3))


def page(number: int, name: str = "") -> Document:
    union: Any = [model.Point(id=f"urn:lsid:{HOST}:Shape:{number}", x=number, y=1)]
    return Document(OME(rois=[model.ROI(id=f"urn:lsid:{HOST}:ROI:{number}", name=name or None, union=union)]))


@pytest.fixture(params=["", ".zip", ".tar"], ids=["folder", "zip", "tar"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"crate{request.param}"
    pack(path, *make_world(), pages={FILESET: [page(1), page(2), page(3)]})
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pack(tmp_path / "folder", *make_world(), pages={FILESET: [page(1), page(2), page(3)]})
    return tmp_path / "folder"


def test_pages_are_read_in_their_order(path: Path) -> None:
    with closing(CrateSource(path)) as source:
        contents = source.read_contents()
        found = {
            unit.ref: [roi.id for page in source.open(unit).pages() for roi in page.ome.rois]
            for unit in contents.units
        }

    assert found.pop(FILESET) == [f"urn:lsid:{HOST}:ROI:{number}" for number in (1, 2, 3)]
    assert set(map(tuple, found.values())) == {()}
    assert contents.omissions == ()


def test_pages_are_described_listed_and_parts_of_the_root(folder: Path) -> None:
    entities = {one["@id"]: one for one in json.loads((folder / METADATA).read_text("utf-8"))["@graph"]}
    manifest = (folder / "manifest-sha256.txt").read_text("utf-8")

    for name in PAGES:
        assert entities[name]["@type"] == "File"
        assert entities[name]["description"] == "OME-XML metadata of ROIs of OMERO Fileset 101"
        assert {"@id": name} in entities["./"]["hasPart"]
        assert f"{entities[name]['sha256']}  {name}\n" in manifest


def edit(folder: Path, old: str, new: str | None) -> None:
    """Rename a file, or remove it, as if the crate had been made so."""
    (folder / old).rename(folder / new) if new else (folder / old).unlink()
    document = json.loads((folder / METADATA).read_text("utf-8"))
    if new:
        document = json.loads(json.dumps(document).replace(old, new))
    else:
        graph = document["@graph"] = [one for one in document["@graph"] if one["@id"] != old]
        [root] = [one for one in graph if one["@id"] == "./"]
        root["hasPart"].remove({"@id": old})
    manifest = folder / "manifest-sha256.txt"
    lines = manifest.read_text("utf-8").splitlines(keepends=True)
    kept = [line.replace(old, new or "") for line in lines if new or not line.endswith(f"  {old}\n")]
    manifest.write_text("".join(kept), "utf-8")
    size = str(len("".join(kept).encode()))
    for one in document["@graph"]:
        if one["@id"] == manifest.name:
            one["contentSize"] = size
    write_metadata(folder, json.dumps(document).encode())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(PAGES[0], None, id="first missing"),
        pytest.param(PAGES[1], None, id="one missing"),
        pytest.param(PAGES[2], "roisfs101.0007.ome.xml", id="other index"),
        pytest.param(PAGES[2], "roisfs999.0000.ome.xml", id="of no unit"),
    ],
)
def test_a_crate_without_one_of_its_pages_is_refused(folder: Path, old: str, new: str | None) -> None:
    edit(folder, old, new)

    with closing(CrateSource(folder)) as source, pytest.raises(UnsafeCrateError, match="pages of ROIs"):
        source.read_contents()


def test_verify_reads_what_pages_say(folder: Path) -> None:
    with closing(CrateAudit(folder)) as audit:
        assert list(audit.inspect()) == []
        audit.check_content(PAGES[0])
        (folder / PAGES[0]).write_bytes(b"<OME/>".ljust((folder / PAGES[0]).stat().st_size))

        with pytest.raises(UnsafeCrateError, match=PAGES[0]):
            audit.check_content(PAGES[0])


def test_characters_that_xml_cannot_hold_are_told_of_pages_too(tmp_path: Path) -> None:
    contents, data = make_world()
    source = MemorySource(contents, data, {FILESET: [page(1, "a\x01")]})
    sink = CrateSink(tmp_path / "crate")
    sink.begin(contents, source.read_container_document)
    [unit] = [unit for unit in contents.units if unit.ref == FILESET]

    result = sink.write_unit(source.open(unit))
    sink.abort()

    assert [(one.count, one.on) for one in result.omissions] == [(1, FILESET)]
