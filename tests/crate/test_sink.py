from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ome_types import model

from omero_rocrate_transfer.crate.archives.base import Limits
from omero_rocrate_transfer.crate.profile import CrateVersion
from omero_rocrate_transfer.crate.read.source import CrateSource
from omero_rocrate_transfer.crate.write.sink import CrateSink
from omero_rocrate_transfer.model.contents import Contents, TransferUnit
from omero_rocrate_transfer.model.digests import Digest
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.errors import (
    CrateLimitError,
    DigestMismatchError,
    IncompleteError,
    IntegrityError,
    RefusedError,
    UnsafeCrateError,
)
from omero_rocrate_transfer.model.facts import CC0, CC_BY, CrateFacts
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.transfer.ports import Sink
from tests.crate.worlds import FACTS, MemorySource, make_file, make_image, make_world, pack, pack_world
from tests.rocrate_validator import assert_valid, find_issues

NOW = datetime(2026, 11, 22, 6, 0, 5, tzinfo=UTC)


def read_graph(path: Path) -> dict[str, dict[str, object]]:
    document = json.loads((path / "ro-crate-metadata.json").read_text("utf-8"))
    return {entity["@id"]: entity for entity in document["@graph"]}


@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_crate_is_valid_at_required_and_recommended(tmp_path: Path, suffix: str) -> None:
    pack_world(tmp_path / f"crate{suffix}")

    assert_valid(tmp_path / f"crate{suffix}", "RECOMMENDED")


@pytest.mark.parametrize("suffix", ["", ".zip", ".tar"])
@pytest.mark.parametrize("limit", [{"max_memory_bytes": 5000}, {"max_members": 1}])
def test_what_nobody_could_read_again_is_not_published(
    tmp_path: Path, suffix: str, limit: dict[str, int]
) -> None:
    contents, data = make_world()
    source = MemorySource(contents, data)
    sink = CrateSink(tmp_path / f"crate{suffix}", FACTS, limits=Limits(**limit))
    sink.begin(contents, source.read_container_document)
    for unit in contents.units:
        sink.write_unit(source.open(unit))

    with pytest.raises(UnsafeCrateError):
        sink.finish()

    sink.abort()
    assert list(tmp_path.iterdir()) == []


def test_more_bytes_than_may_be_read_are_refused_before_any_is_written(tmp_path: Path) -> None:
    contents, data = make_world()
    source = MemorySource(contents, data)
    sink = CrateSink(tmp_path / "crate", FACTS, limits=Limits(max_size_bytes=contents.size_bytes - 1))

    with pytest.raises(CrateLimitError):
        sink.begin(contents, source.read_container_document)

    assert list(tmp_path.iterdir()) == []


def test_validator_finds_what_is_wrong(tmp_path: Path) -> None:
    pack_world(tmp_path / "crate")
    path = tmp_path / "crate/ro-crate-metadata.json"
    text = path.read_text("utf-8")
    path.write_text(text.replace('"license": ', '"unknown_key": ', 1), "utf-8")

    issues = find_issues(tmp_path / "crate", "REQUIRED")

    assert any("license" in issue for issue in issues)
    assert any("unknown_key" in issue for issue in issues)


@pytest.mark.parametrize(
    "facts",
    [
        CrateFacts(),
        CrateFacts(modality="obo:FBbi_00000369", license=CC_BY, publisher="https://ror.org/05tpnw772"),
        CrateFacts(organism="NCBI:txid9606", license=CC0),
        CrateFacts(license="https://example.org/terms"),
    ],
    ids=["nothing", "modality", "organism", "license"],
)
def test_crate_is_valid_whatever_is_stated_of_it(tmp_path: Path, facts: CrateFacts) -> None:
    pack_world(tmp_path / "crate", facts)

    assert_valid(tmp_path / "crate", "RECOMMENDED")


def make_odd_worlds() -> dict[str, Contents]:
    contents, _ = make_world()
    empty = replace(contents.containers[0], name="", description="", members=())
    nobody = replace(contents.people[0], first_name="", last_name="", institution=None, email="a@example.org")
    bare = [
        replace(
            unit, images=tuple(replace(image, name="", created=None, owner=None) for image in unit.images)
        )
        for unit in contents.units
    ]
    return {
        "several roots": replace(
            contents,
            roots=(ObjectRef("Image", 201), ObjectRef("Dataset", 11)),
            containers=contents.containers[1:],
        ),
        "only images": replace(
            contents, roots=(ObjectRef("Image", 202),), containers=(), units=contents.units[1:]
        ),
        "empty project": replace(contents, containers=(empty,), units=(), people=(nobody,)),
        "bare images": replace(contents, units=tuple(bare)),
    }


@pytest.mark.parametrize("name", make_odd_worlds())
def test_crate_of_odd_contents_is_valid(tmp_path: Path, name: str) -> None:
    pack(tmp_path / "crate", make_odd_worlds()[name], make_world()[1])

    assert_valid(tmp_path / "crate", "RECOMMENDED")


def pack_version(path: Path, version: CrateVersion) -> None:
    contents, data = make_world()
    source = MemorySource(contents, data)
    sink: Sink = CrateSink(path, FACTS, agent=7, crate_version=version, now=lambda: NOW)
    sink.begin(contents, source.read_container_document)
    for unit in contents.units:
        sink.write_unit(source.open(unit))
    sink.finish()


def test_what_xml_cannot_hold_of_containers_is_left_out_once(tmp_path: Path) -> None:
    contents, _ = make_world()
    sink = CrateSink(tmp_path / "crate", FACTS, agent=7, now=lambda: NOW)
    screen = model.Screen(id="urn:lsid:a.b:Screen:1", protocol_identifier="1\x012")

    sink.begin(contents, lambda: Document(model.OME(screens=[screen])))
    sink.abort()

    assert [(one.type, one.count) for one in sink.omissions] == [("Container", 1)]


def test_crate_of_version_1_2_has_all_that_is_required(tmp_path: Path) -> None:
    pack_version(tmp_path / "crate", "1.2")

    assert_valid(tmp_path / "crate", "REQUIRED", "ro-crate-1.2")


def test_same_contents_give_the_same_crate(tmp_path: Path) -> None:
    for name in ("first", "second"):
        pack_version(tmp_path / name, "1.1")

    first, second = tmp_path / "first", tmp_path / "second"
    assert {path.name: path.read_bytes() for path in first.iterdir()} == {
        path.name: path.read_bytes() for path in second.iterdir()
    }


def test_units_written_in_parallel_give_the_same_metadata(tmp_path: Path) -> None:
    contents, data = make_world()
    pack_version(tmp_path / "first", "1.1")
    source = MemorySource(contents, data)
    sink = CrateSink(tmp_path / "second", FACTS, agent=7, now=lambda: NOW)
    sink.begin(contents, source.read_container_document)
    with ThreadPoolExecutor(sink.max_parallel) as pool:
        list(pool.map(lambda unit: sink.write_unit(source.open(unit)), reversed(contents.units)))
    sink.finish()

    first, second = (tmp_path / name / "ro-crate-metadata.json" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def test_every_file_is_in_the_manifest_and_sha256sum_agrees(tmp_path: Path) -> None:
    pack_world(tmp_path / "crate")

    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "manifest-sha256.txt"],
        cwd=tmp_path / "crate",
        capture_output=True,
        text=True,
        check=True,
    )

    listed = {line.removesuffix(": OK") for line in done.stdout.splitlines()}
    assert listed | {"manifest-sha256.txt"} == set(os.listdir(tmp_path / "crate"))


def test_metadata_name_every_file_with_media_type_size_and_digests(tmp_path: Path) -> None:
    contents, data = pack_world(tmp_path / "crate")
    entities = read_graph(tmp_path / "crate")

    file = entities["fs102.0001.frame.tif"]

    assert file["name"] == "frame.tif"
    assert file["alternateName"] == "pos1/frame.tif"
    assert file["encodingFormat"] == "image/tiff"
    assert file["contentSize"] == str(len(data["3"]))
    assert file["sha1"] == contents.units[1].files[1].digests[0].hex
    parts = {part["@id"] for part in entities["./"]["hasPart"]}  # type: ignore[attr-defined]
    not_parts = {"ro-crate-metadata.json", "ro-crate-preview.html"}
    assert parts == set(os.listdir(tmp_path / "crate")) - not_parts
    manifest_size = (tmp_path / "crate/manifest-sha256.txt").stat().st_size
    assert entities["manifest-sha256.txt"]["contentSize"] == str(manifest_size)


def test_every_reference_leads_somewhere(tmp_path: Path) -> None:
    pack_world(tmp_path / "crate")
    entities = read_graph(tmp_path / "crate")

    wanted = {
        value["@id"]
        for entity in entities.values()
        for values in entity.values()
        for value in (values if isinstance(values, list) else [values])
        if isinstance(value, dict)
    }

    assert {name for name in wanted if name not in entities} == {"https://w3id.org/ro/crate/1.1"}


def test_result_counts_bytes_and_confirmed_files(tmp_path: Path) -> None:
    contents, data = make_world()
    plain = replace(contents.units[1].files[0], digests=(Digest("File-Size-64", "0700000000000000"),))
    unit = replace(contents.units[1], files=(plain, *contents.units[1].files[1:]))
    contents = replace(contents, units=(unit,))
    source = MemorySource(contents, data)
    sink = CrateSink(tmp_path / "crate")
    assert sink.begin(contents, source.read_container_document) == ()

    result = sink.write_unit(source.open(unit))
    sink.abort()

    assert (result.unit, result.size_bytes, result.files_verified) == (unit.ref, unit.size_bytes, 2)
    assert result.omissions == ()


def test_name_that_xml_cannot_hold_is_kept_in_json_and_told(tmp_path: Path) -> None:
    contents, data = make_world()
    unit = replace(contents.units[0], images=(make_image(201, "a\x01b"),))
    contents = replace(contents, units=(unit,), roots=(unit.images[0].ref,), containers=())
    source = MemorySource(contents, data)
    sink = CrateSink(tmp_path / "crate")
    sink.begin(contents, source.read_container_document)

    result = sink.write_unit(source.open(unit))
    sink.finish()

    assert [(omission.type, omission.on) for omission in result.omissions] == [("Fileset", unit.ref)]
    image = next(CrateSource(tmp_path / "crate").read_contents().iter_images())
    assert image.name == "a\x01b"


def make_broken_units(data: dict[str, bytes]) -> dict[str, tuple[TransferUnit, type[Exception]]]:
    unit = make_world()[0].units[1]
    last = unit.files[-1]
    wrong = replace(last, digests=(Digest("SHA256", "0" * 64),))
    missing = make_file("missing", "x.tif", b"")
    climbing = replace(last, path="../x.tif")
    return {
        "digest": (replace(unit, files=(*unit.files[:2], wrong)), DigestMismatchError),
        "short": (replace(unit, files=(*unit.files[:2], replace(last, size_bytes=99))), IntegrityError),
        "long": (replace(unit, files=(*unit.files[:2], replace(last, size_bytes=2))), IntegrityError),
        "link": (replace(unit, files=(*unit.files[:2], missing)), KeyError),
        "path": (replace(unit, files=(*unit.files[:2], climbing)), IncompleteError),
    }


@pytest.mark.parametrize("suffix", ["", ".zip", ".tar"])
@pytest.mark.parametrize("case", make_broken_units({}))
def test_unit_that_fails_half_way_leaves_nothing_in_the_crate(tmp_path: Path, suffix: str, case: str) -> None:
    contents, data = make_world()
    broken, error = make_broken_units(data)[case]
    contents = replace(contents, units=(contents.units[0], broken))
    source = MemorySource(contents, data)
    path = tmp_path / f"crate{suffix}"
    sink = CrateSink(path, FACTS, agent=7)
    sink.begin(contents, source.read_container_document)
    with pytest.raises(error):
        sink.write_unit(source.open(broken))
    sink.write_unit(source.open(contents.units[0]))
    sink.finish()

    found = CrateSource(path).read_contents()

    assert [unit.ref for unit in found.units] == [contents.units[0].ref]
    assert found.containers[1].members == (ObjectRef("Image", 201), ObjectRef("Image", 203))
    if not suffix:
        assert [name for name in os.listdir(path) if "102" in name or name.endswith(".part")] == []
        assert case != "digest" or find_issues(path) == []


@pytest.mark.parametrize("suffix", ["", ".zip", ".tar"])
def test_abort_leaves_nothing_at_all(tmp_path: Path, suffix: str) -> None:
    contents, data = make_world()
    source = MemorySource(contents, data)
    sink = CrateSink(tmp_path / f"crate{suffix}")
    sink.abort()
    sink.begin(contents, source.read_container_document)
    sink.write_unit(source.open(contents.units[0]))

    sink.abort()
    sink.abort()

    assert os.listdir(tmp_path) == []


def test_failing_document_of_containers_leaves_nothing(tmp_path: Path) -> None:
    contents, _ = make_world()

    with pytest.raises(ZeroDivisionError):
        CrateSink(tmp_path / "crate").begin(contents, lambda: 1 // 0)  # type: ignore[arg-type, return-value]

    assert os.listdir(tmp_path) == []


def test_existing_target_is_refused(tmp_path: Path) -> None:
    pack_world(tmp_path / "crate.zip")
    before = (tmp_path / "crate.zip").read_bytes()

    with pytest.raises(RefusedError):
        pack_world(tmp_path / "crate.zip")

    assert (tmp_path / "crate.zip").read_bytes() == before
