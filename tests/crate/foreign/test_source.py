"""Packs of omero-cli-transfer are read, whichever version wrote them; what is unsafe in them is refused."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from ome_types import OME

from omero_rocrate_transfer.crate.foreign.rocrate import RoCrateSource
from omero_rocrate_transfer.crate.foreign.source import ForeignSource
from omero_rocrate_transfer.crate.read.open import open_source
from omero_rocrate_transfer.model.contents import Contents
from omero_rocrate_transfer.model.errors import NotFoundError, UnsafeCrateError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.transfer.ports import Source
from tests.crate.foreign import packs

DOCUMENTS = {
    "current": packs.current_xml(),
    "repeated": packs.current_xml(twice=True),
    "legacy": packs.legacy_xml(),
}


@pytest.fixture(params=list(packs.WRITERS))
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


def units(contents: Contents) -> dict[str, tuple[list[int], list[str]]]:
    return {
        str(unit.ref): ([image.ref.id for image in unit.images], [file.path for file in unit.files])
        for unit in contents.units
    }


@pytest.mark.parametrize("version", DOCUMENTS)
def test_units_and_containers_of_a_pack(path: Path, version: str) -> None:
    packs.write_pack(path, DOCUMENTS[version])

    source = open_source(path)
    contents = source.read_contents(())

    assert units(contents) == {
        "Fileset:11": ([11, 12], ["series größe.ome.tiff"]),
        "Fileset:13": ([13], ["frames.pattern", "t0.tif", "t1.tif"]),
        "Fileset:14": ([14], ["14.tiff"]),
        "Annotation:31": ([], ["protocol.txt"]),
    }
    assert [
        (str(one.ref), one.name, [str(member) for member in one.members]) for one in contents.containers
    ] == [
        ("Project:1", "Old project", ["Dataset:2"]),
        ("Dataset:2", "Day 1", ["Image:11", "Image:12", "Image:13"]),
    ]
    assert contents.roots == (ObjectRef("Project", 1), ObjectRef("Image", 14))
    source.close()
    source.close()


def test_bytes_of_files_are_those_of_the_pack(path: Path) -> None:
    packs.write_pack(path)
    source = open_source(path)

    found = {
        file.key: b"".join(source.open(unit).blocks(file))
        for unit in source.read_contents(()).units
        for file in unit.files
    }

    assert found == packs.payload()
    source.close()


def only_document(source: Source, place: int) -> OME:
    return source.open(source.read_contents(()).units[place]).document().ome


@pytest.mark.parametrize("version", DOCUMENTS)
def test_documents_hold_what_users_made_and_nothing_of_the_pack(path: Path, version: str) -> None:
    packs.write_pack(path, DOCUMENTS[version])
    source = open_source(path)

    document = only_document(source, 0)
    structured = document.structured_annotations

    assert [(image.name, image.description) for image in document.images] == [
        ("image 11", "what 11 shows"),
        ("image 12", "what 12 shows"),
    ]
    assert structured is not None
    assert [tag.value for tag in structured.tag_annotations] == ["mitosis"]
    assert [(pair.k, pair.value) for pair in structured.map_annotations[0].value.ms] == [
        ("gene", "CDK1"),
        ("empty", ""),
    ]
    assert not structured.xml_annotations
    assert not structured.comment_annotations
    assert not structured.file_annotations
    assert [len(image.annotation_refs) for image in document.images] == [2, 1]
    assert [len(roi.union or ()) for roi in document.rois] == [2]
    assert document.images[0].roi_refs[0].id == document.rois[0].id
    source.close()


def test_attached_file_is_a_unit_that_knows_what_it_is_on(path: Path) -> None:
    packs.write_pack(path)
    source = open_source(path)

    read = source.open(source.read_contents(()).units[3]).document()
    document, [link] = read.ome, read.extras.annotations.links

    assert link.parent.endswith(":Image:13")
    assert link.child == document.structured_annotations.file_annotations[0].id  # type: ignore[union-attr]
    assert document.structured_annotations.file_annotations[0].binary_file.file_name == "protocol.txt"  # type: ignore[union-attr]
    source.close()


def test_source_is_the_server_that_the_pack_names(tmp_path: Path) -> None:
    packs.write_pack(tmp_path / "a.zip")
    packs.write_pack(tmp_path / "b.zip", packs.legacy_xml())

    assert open_source(tmp_path / "a.zip").read_contents(()).source.host == "omero.old.example.org"
    assert open_source(tmp_path / "b.zip").read_contents(()).source.host == "unknown.localdomain"


def test_that_there_are_no_digests_is_said_once_and_is_no_loss(path: Path) -> None:
    packs.write_pack(path)

    [omission] = open_source(path).read_contents(()).omissions

    assert (omission.type, omission.count, omission.on_request) == ("Digest", 6, True)


def test_files_that_are_not_in_the_pack_are_counted_as_lost(tmp_path: Path) -> None:
    files = dict(packs.payload())
    del files[packs.PATHS["Image:11"]], files[packs.PATHS["Annotation:31"]]
    packs.write_pack(tmp_path / "pack", files=files)

    contents = open_source(tmp_path / "pack").read_contents(())

    assert {(one.type, one.count) for one in contents.omissions if not one.on_request} == {
        ("Image", 2),
        ("FileAnnotation", 1),
    }
    assert contents.containers[1].members == (ObjectRef("Image", 13),)


def test_ome_xml_under_the_name_of_the_json_is_a_pack(path: Path) -> None:
    packs.write_pack(path, name="ro-crate-metadata.json")

    source = open_source(path)

    assert isinstance(source, ForeignSource)
    assert len(source.read_contents(()).units) == 4
    source.close()


@pytest.mark.parametrize(
    "bad", ["../outside.tif", "/etc/passwd", "C:/x.tif", "a/../../x", "mock_folder", "a\\..\\b"]
)
def test_path_that_leaves_the_pack_is_refused(path: Path, bad: str) -> None:
    packs.write_pack(path, packs.current_xml(paths={**packs.PATHS, "Image:14": bad}))

    with pytest.raises(UnsafeCrateError):
        open_source(path)


def test_document_type_is_refused(path: Path) -> None:
    bomb = b'<!DOCTYPE OME [<!ENTITY a "aaaa">]>'
    packs.write_pack(path, packs.current_xml().replace(b"?>\n", b"?>\n" + bomb, 1))

    with pytest.raises(UnsafeCrateError, match="document type"):
        open_source(path)


def test_file_of_another_unit_cannot_be_read(path: Path) -> None:
    packs.write_pack(path)
    source = open_source(path)
    first, second, *_ = source.read_contents(()).units

    with pytest.raises(NotFoundError):
        source.open(first).blocks(second.files[0])
    with pytest.raises(NotFoundError, match="has no pixels"):
        source.open(first).pixels(first.images[0].ref)
    source.close()


def crate_of_others(path: Path, *entities: dict[str, object], files: dict[str, bytes]) -> None:
    """Write a crate as ro-crate-py does."""
    graph = [
        {"@id": "./", "@type": "Dataset", "hasPart": [{"@id": one["@id"]} for one in entities]},
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        },
        *entities,
    ]
    document = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ro-crate-metadata.json", json.dumps(document))
        for name, data in files.items():
            archive.writestr(name, data)


def test_image_files_of_a_crate_of_others_are_filesets(tmp_path: Path) -> None:
    crate_of_others(
        tmp_path / "crate.zip",
        {"@id": "cell%20A.tif", "@type": "File", "name": "Cell A", "encodingFormat": "image/tiff"},
        {"@id": "raw b.czi", "@type": "File", "encodingFormat": "image"},
        {"@id": "notes.txt", "@type": "File", "name": "Notes"},
        {"@id": "gone.tif", "@type": "File"},
        {"@id": "https://example.org/far.tif", "@type": "File"},
        files={"cell A.tif": packs.tiff(2, 2), "raw b.czi": b"CZI", "notes.txt": b"n"},
    )

    source = open_source(tmp_path / "crate.zip")
    contents = source.read_contents(())

    assert isinstance(source, RoCrateSource)
    assert [(unit.images[0].name, unit.files[0].path) for unit in contents.units] == [
        ("Cell A", "cell A.tif"),
        ("raw b.czi", "raw b.czi"),
    ]
    assert [unit.is_described for unit in contents.units] == [False, False]
    assert [(one.type, one.count) for one in contents.omissions] == [
        ("OriginalFile", 2),
        ("OriginalFile", 1),
        ("Digest", 2),
    ]
    assert b"".join(source.open(contents.units[1]).blocks(contents.units[1].files[0])) == b"CZI"
    source.close()


def test_crate_of_others_that_climbs_is_refused(tmp_path: Path) -> None:
    crate_of_others(tmp_path / "crate.zip", {"@id": "..%2Fx.tif", "@type": "File"}, files={})

    with pytest.raises(UnsafeCrateError):
        open_source(tmp_path / "crate.zip")


def test_crate_made_with_ro_crate_py_is_read(tmp_path: Path) -> None:
    from rocrate.rocrate import ROCrate

    (tmp_path / "cell a.tif").write_bytes(packs.tiff(2, 2))
    crate = ROCrate()
    crate.add_file(
        str(tmp_path / "cell a.tif"), properties={"name": "Cell A", "encodingFormat": "image/tiff"}
    )
    crate.write_zip(tmp_path / "crate.zip")

    contents = open_source(tmp_path / "crate.zip").read_contents(())

    assert [unit.images[0].name for unit in contents.units] == ["Cell A"]
